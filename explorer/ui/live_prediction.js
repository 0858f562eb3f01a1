// The latest prediction of a run: a picture that is made once for all who look.

const parts = new WeakMap();

export default function ({ data, parentElement }) {
  const host = parentElement.querySelector(".live-prediction");
  const show = (step) => {
    if (host.dataset.step === String(step)) return;
    host.dataset.step = step;
    host.querySelector(".title").textContent = `Prediction at step ${step}`;
    host.querySelector("img").src = `${data.picture}?step=${step}`;
  };
  show(data.step);
  parts.get(host)?.stop();
  if (!data.url) return;
  parts.set(host, follow(data.url, ({ preview }) => { if (preview !== null) show(preview); }));
  return () => setTimeout(() => {
    if (host.isConnected) return; // also called for an update that has been overtaken
    parts.get(host)?.stop();
    parts.delete(host);
  }, 0);
}
