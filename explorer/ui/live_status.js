// The status of a run over a bar. Where the feed says that more has changed than is sent, it has the page drawn again.

const AGAIN = 5000; // ms after which the page is asked once more: a run of it that has been overtaken says nothing

const parts = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".live-status");
  const badge = host.querySelector(".badge"), bar = host.querySelector(".bar");
  const show = (status) => {
    badge.textContent = status.badge;
    badge.style.color = `var(--st-${status.colour}-text-color)`;
    badge.style.background = `var(--st-${status.colour}-background-color)`;
    host.querySelector(".words").textContent = status.words;
    bar.setAttribute("aria-valuenow", Math.round(100 * status.share));
    bar.firstElementChild.style.width = `${100 * status.share}%`;
  };
  show(data.status);
  parts.get(host)?.stop();
  parts.delete(host);
  if (!data.url) return;
  let asked = -AGAIN;
  parts.set(host, follow(data.url, (feed) => {
    if (feed.status) show(feed.status);
    if (feed.page === data.page || performance.now() - asked < AGAIN) return;
    asked = performance.now();
    setTriggerValue("outdated", feed.page);
  }));
  return () => setTimeout(() => {
    if (host.isConnected) return; // also called for an update that has been overtaken
    parts.get(host)?.stop();
    parts.delete(host);
  }, 0);
}
