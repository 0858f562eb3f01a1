// Presenting: one link after another. Arrow keys, space and the buttons go on and back, Escape leaves. Pages are opened
// as the browser's history does it, so that nothing is loaded anew.

// The address of a link as part of the presentation.
function presented(data, address, number) {
  const url = new URL(address, window.location.href);
  for (const [name, value] of Object.entries({ ...data.parameters, [data.place]: String(number + 1) }))
    url.searchParams.set(name, value);
  return url;
}

function page(url) {
  return url.pathname.replace(/\/$/, "");
}

function open(data, number) {
  const slide = data.slides[number];
  if (!slide) return;
  window.history.pushState({}, "", presented(data, slide.address, number));
  window.dispatchEvent(new PopStateEvent("popstate", { state: {} }));
}

function leave(data) {
  const url = new URL(window.location.href);
  for (const name of [data.place, ...Object.keys(data.parameters)]) url.searchParams.delete(name);
  window.location.assign(url);
}

export default function ({ data, parentElement }) {
  const [back, next, end] = parentElement.querySelectorAll("button");
  const at = data.at - 1;
  const here = new URL(window.location.href), there = new URL(data.slides[at].address, here);
  if (page(there) !== page(here)) { // the list was opened by its key alone
    open(data, at);
    return;
  }
  if (!here.searchParams.has(data.place)) { // come from a link on the page itself
    window.history.pushState({}, "", presented(data, window.location.href, at));
    document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0);
  }
  parentElement.querySelector("h1").textContent = data.slides[at].say;
  parentElement.querySelector("output").textContent = `${data.at} / ${data.slides.length}`;
  back.disabled = at === 0;
  next.disabled = at === data.slides.length - 1;
  back.onclick = () => open(data, at - 1);
  next.onclick = () => open(data, at + 1);
  end.onclick = () => leave(data);
  const keys = (event) => {
    const typing = event.composedPath()[0]?.closest?.("input, textarea, select, [role=slider], [contenteditable=true], [role=radio]");
    if (typing || event.altKey || event.ctrlKey || event.metaKey) return;
    const step = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }[event.key];
    if (event.key === "Escape") leave(data);
    else if (step) { event.preventDefault(); open(data, at + step); }
  };
  // one at a time: a page that is drawn again does not always take down what it had drawn
  window.removeEventListener("keydown", window.explorerPresenter);
  window.explorerPresenter = keys;
  window.addEventListener("keydown", keys);
  return () => window.removeEventListener("keydown", keys);
}
