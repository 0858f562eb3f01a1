// Undo, redo and a link to what the page shows, copied or saved. Every change that a visitor makes is an entry of the browser's history,
// so that its own back and forward work as well; what a page adds to its address by itself is none.

const COPY = "Copy link", COPIED = "Link copied", SHOWN = 2000; // ms

// Streamlit replaces the address where a widget changes, and adds an entry where the server does. Here an entry is added
// where only the query changes, after something that the visitor did; its state counts the entries since the page opened.
function keepSteps() {
  if (window.explorerSteps) return window.explorerSteps;
  const steps = window.explorerSteps = { top: 0, acted: false, changed: () => {} };
  const now = () => window.history.state?.step ?? 0;
  const native = { push: window.history.pushState.bind(window.history), replace: window.history.replaceState.bind(window.history) };
  const change = (otherwise) => (state, title, address) => {
    const wanted = new URL(address ?? window.location.href, window.location.href);
    if (wanted.pathname !== window.location.pathname) {
      steps.acted = false;
      steps.top = 0;
      native[otherwise](state, title, address);
    } else if (steps.acted && wanted.search !== window.location.search) {
      steps.acted = false;
      steps.top = now() + 1;
      native.push({ ...state, step: steps.top }, title, address);
    } else {
      native.replace({ ...state, step: now() }, title, address);
    }
    steps.changed();
  };
  window.history.pushState = change("push");
  window.history.replaceState = change("replace");
  for (const kind of ["pointerdown", "keydown"])
    window.addEventListener(kind, () => { steps.acted = true; }, true);
  window.addEventListener("popstate", () => { steps.acted = false; steps.changed(); });
  steps.canUndo = () => now() > 0;
  steps.canRedo = () => now() < steps.top;
  return steps;
}

// The camera of the 3D figure in view: eye, centre and up.
function camera() {
  for (const graph of document.querySelectorAll(".live-figure")) {
    const seen = graph._fullLayout?.scene?.camera;
    if (!seen || !graph.getClientRects().length) continue;
    return ["eye", "center", "up"].flatMap((part) => ["x", "y", "z"].map((axis) => +seen[part][axis].toFixed(3))).join(",");
  }
  return null;
}

function link() {
  const url = new URL(window.location.href);
  const seen = camera();
  if (seen) url.searchParams.set("camera", seen);
  else url.searchParams.delete("camera");
  return url.toString();
}

async function copy(button) {
  const text = link();
  button.dataset.link = text;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = COPIED;
    setTimeout(() => { button.textContent = COPY; }, SHOWN);
  } catch { // without TLS there is no clipboard
    window.prompt(COPY, text);
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const [undo, redo, share, save] = parentElement.querySelectorAll("button");
  const steps = keepSteps();
  undo.hidden = redo.hidden = !data.steps;
  steps.changed = () => {
    undo.disabled = !steps.canUndo();
    redo.disabled = !steps.canRedo();
  };
  steps.changed();
  undo.onclick = () => window.history.back();
  redo.onclick = () => window.history.forward();
  share.onclick = () => copy(share);
  save.onclick = () => setTriggerValue("saved", new URL(link()).search || "?");
  const keys = (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey) return;
    const button = [undo, redo, share, save][data.keys.indexOf(`Alt+${event.key.toUpperCase()}`)];
    if (!button || button.hidden || button.disabled) return;
    event.preventDefault();
    button.click();
  };
  window.removeEventListener("keydown", steps.keys); // also called anew where what was drawn before is still there
  steps.keys = keys;
  window.addEventListener("keydown", keys);
  return () => window.removeEventListener("keydown", keys);
}
