// The status of a run, its progress and its latest prediction, followed while it trains. Where the page itself must be
// drawn anew, it says so to the server.

const parts = new WeakMap();

function show(host, status) {
  host.querySelector(".badge").textContent = status.badge;
  host.querySelector(".badge").dataset.colour = status.colour;
  host.querySelector(".words").textContent = status.text;
  host.querySelector(".bar > div").style.width = `${100 * status.share}%`;
  host.dataset.step = status.step;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".live-status");
  show(host, data.status);
  parts.get(host)?.();
  if (!data.url) return;
  let told = data.structure;
  parts.set(host, follow(data.url, ({ answer }) => {
    show(host, answer.status);
    if (answer.structure === told) return;
    told = answer.structure;
    setTriggerValue("changed", told);
  }));
  return () => setTimeout(() => {
    if (host.isConnected) return; // also called for an update that has been overtaken
    parts.get(host)?.();
    parts.delete(host);
  }, 0);
}
