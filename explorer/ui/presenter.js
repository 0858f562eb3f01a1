// Presenting: one link after another. Arrow keys, space and the buttons go on and back, Escape leaves. Pages are opened
// as the browser's history does it, so that nothing is loaded anew.

const PARAMETER = "present";

function open(data, number) {
  const slide = data.slides[number];
  if (!slide) return;
  const url = new URL(slide.address, window.location.href);
  url.searchParams.set(PARAMETER, String(number + 1));
  window.history.pushState({}, "", url);
  window.dispatchEvent(new PopStateEvent("popstate", { state: {} }));
}

function leave() {
  const url = new URL(window.location.href);
  url.searchParams.delete(PARAMETER);
  window.location.assign(url);
}

export default function ({ data, parentElement }) {
  const [back, next, end] = parentElement.querySelectorAll("button");
  const at = data.at - 1;
  parentElement.querySelector("h1").textContent = data.slides[at].say;
  parentElement.querySelector("output").textContent = `${data.at} / ${data.slides.length}`;
  back.disabled = at === 0;
  next.disabled = at === data.slides.length - 1;
  back.onclick = () => open(data, at - 1);
  next.onclick = () => open(data, at + 1);
  end.onclick = leave;
  const keys = (event) => {
    const typing = event.composedPath()[0]?.closest?.("input, textarea, select, [role=slider], [contenteditable=true], [role=radio]");
    if (typing || event.altKey || event.ctrlKey || event.metaKey) return;
    const step = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }[event.key];
    if (event.key === "Escape") leave();
    else if (step) { event.preventDefault(); open(data, at + step); }
  };
  // one at a time: a page that is drawn again does not always take down what it had drawn
  window.removeEventListener("keydown", window.explorerPresenter);
  window.explorerPresenter = keys;
  window.addEventListener("keydown", keys);
  return () => window.removeEventListener("keydown", keys);
}
