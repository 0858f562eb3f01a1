// A button that copies a link to what the page shows: its address, with the camera of the 3D figure that is in view.
// Without a clipboard (a page without TLS), the link is shown in a field, selected.

const NAME = "Copy link", DONE = "Link copied", SHOWN = 2000; // ms

function camera() {
  for (const graph of document.querySelectorAll(".live-figure")) {
    const scene = graph._fullLayout?.scene;
    const seen = scene?._scene?.getCamera?.() ?? scene?.camera;
    if (!seen || !graph.getClientRects().length) continue;
    return ["eye", "center", "up"].flatMap((part) => ["x", "y", "z"].map((axis) => +seen[part][axis].toFixed(3))).join(",");
  }
  return null;
}

function address() {
  const url = new URL(window.location.href);
  const seen = camera();
  if (seen) url.searchParams.set("camera", seen);
  else url.searchParams.delete("camera");
  return url.toString();
}

export default function ({ parentElement }) {
  const button = parentElement.querySelector(".copy-link");
  if (button.ready) return;
  button.ready = true;
  button.textContent = NAME;
  button.onclick = async () => {
    const link = address();
    try {
      await navigator.clipboard.writeText(link);
      button.textContent = DONE;
    } catch {
      window.prompt(NAME, link);
    }
    button.dataset.link = link;
    setTimeout(() => { button.textContent = NAME; }, SHOWN);
  };
}
