// Draws a Plotly figure and keeps it: Plotly.react on the existing graph, in the colours of the theme.
// An update that arrives while the pointer is down waits until it is up again, so that no click or drag is lost.
// A figure that follows a run takes the ends of its curves from there (live_feed.js); they are sent and drawn when it is
// in view, and no more often than a hundredth of the browser's time allows, but every four seconds.

const INK = "#010203"; // explorer/figures/colours.py: the text colour, which the server does not know
const states = new WeakMap();

function themed(figure, host) {
  const style = getComputedStyle(host);
  const of = (name) => style.getPropertyValue(`--st-${name}`).trim();
  const text = of("text-color"), line = of("border-color"), ground = of("background-color");
  const axis = (given) => ({ gridcolor: line, zerolinecolor: line, linecolor: line, ...given });
  const layout = figure.layout;
  layout.uirevision ??= "kept";
  layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)";
  layout.autosize = true;
  layout.modebar = { bgcolor: "rgba(0,0,0,0)", color: text, activecolor: text };
  layout.font = { color: text, family: of("font"), ...layout.font };
  layout.hoverlabel = { bgcolor: ground, bordercolor: line, font: { color: text }, ...layout.hoverlabel };
  for (const name of Object.keys(layout)) {
    if (/^[xy]axis\d*$/.test(name)) layout[name] = axis(layout[name]);
    if (/^scene\d*$/.test(name))
      for (const each of ["xaxis", "yaxis", "zaxis"]) layout[name][each] = axis(layout[name][each]);
  }
  layout.xaxis ??= axis({});
  layout.yaxis ??= axis({});
  for (const trace of figure.data) {
    if (trace.line?.color === INK) trace.line.color = text;
    if (trace.marker?.color === INK) trace.marker.color = text;
  }
  return figure;
}

// Small multiples in a narrow window keep a readable width and scroll in their room.
const COLUMN = { picture: 130, curves: 172, landscape: 215 }; // px; the last has a scale beside it, or three axes
function leastWidth({ data, layout }) {
  const axes = Object.keys(layout).filter((name) => /^(xaxis|scene)\d*$/.test(name)).map((name) => layout[name]);
  const lefts = axes.map((axis) => (axis.domain?.x ?? axis.domain ?? [0, 1])[0]).filter((left) => left > 0);
  const columns = Math.round(1 / Math.min(1, ...lefts)); // of the row that has most
  const kind = data.some((trace) => trace.colorbar || trace.scene || trace.type === "surface") ? "landscape"
    : axes.every((axis) => axis.visible === false) ? "picture" : "curves";
  return columns > 1 ? columns * COLUMN[kind] : 0;
}

// What the figure shows is said by its label (explorer/figures/alternative.py); its buttons stay reachable.
function labelled(host, text, buttons) {
  host.setAttribute("role", buttons ? "figure" : "img");
  host.setAttribute("aria-label", text);
  for (const drawing of host.querySelectorAll(".main-svg")) drawing.setAttribute("aria-hidden", "true");
}

const threeDimensional = (point) => ["surface", "scatter3d", "mesh3d"].includes(point.fullData?.type ?? point.data?.type);

const describe = (point) => ({
  curve: point.curveNumber,
  point: point.pointNumber ?? point.pointIndex ?? null,
  x: point.x ?? null,
  y: point.y ?? null,
  z: typeof point.z === "number" ? point.z : null,
});

// The camera that a copied link names (copy_link.js): eye, centre and up.
function cameraOfLink() {
  const numbers = (new URLSearchParams(window.location.search).get("camera") ?? "").split(",").map(Number);
  if (numbers.length !== 9 || !numbers.every(Number.isFinite)) return null;
  const [eye, center, up] = [0, 3, 6].map((at) => ({ x: numbers[at], y: numbers[at + 1], z: numbers[at + 2] }));
  return { eye, center, up };
}

// Surfaces side by side share their camera.
function linkCameras(host, change) {
  const key = Object.keys(change).find((name) => name.endsWith(".camera"));
  const scenes = Object.keys(host.layout).filter((name) => /^scene\d*$/.test(name));
  if (!key || scenes.length < 2 || host.linking) return;
  host.linking = true;
  window.Plotly.relayout(host, Object.fromEntries(scenes.map((name) => [`${name}.camera`, change[key]])))
    .then(() => { host.linking = false; });
}

const DRAWING_SHARE = 0.01, LATEST = 4000; // ms

// Brings the figure to what the feed knows.
function update(state, feed) {
  const { whole, curves, layout } = feed.figures[state.followed.figure];
  if (whole && whole !== state.whole) {
    state.whole = whole;
    Object.assign(state.figure, themed(structuredClone(whole), state.host));
  }
  for (const trace of state.figure.data) {
    const curve = curves[trace.meta];
    if (curve) { trace.x = curve.x; trace.y = curve.y; }
  }
  for (const [path, value] of Object.entries(layout)) {
    const keys = path.split(".");
    const last = keys.pop();
    const place = keys.reduce((inner, key) => inner?.[key], state.figure.layout);
    if (place) place[last] = value;
  }
}

// Plotly keeps what a visitor has zoomed in a layout that is given to it, so it gets a copy.
function react(state) {
  const { data, layout } = state.figure;
  return window.Plotly.react(state.host, data.map((trace) => ({ ...trace })), structuredClone(layout), state.config);
}

function create(host) {
  const state = { host, down: null, waiting: null, hovered: null, text: null, look: null, sent: false, drawing: Promise.resolve() };
  state.observer = new ResizeObserver(() => {
    const shown = host.getClientRects().length > 0; // Plotly complains of a graph that is on its way out
    if (shown) state.fit();
    if (shown && host._fullLayout) window.Plotly.Plots.resize(host);
  });
  state.size = { height: 0, perWidth: 0 };
  state.fit = () => {
    host.style.minWidth = `${state.figure ? leastWidth(state.figure) : 0}px`;
    host.style.height = `${Math.round(state.size.height + state.size.perWidth * host.clientWidth)}px`;
    const room = host.parentElement;
    if (room.scrollWidth > room.clientWidth) room.tabIndex = 0; // arrow keys scroll it
    else room.removeAttribute("tabindex");
  };
  state.observer.observe(host);

  state.click = (point) => {
    if (state.sent) return;
    state.sent = true;
    state.send("click", { ...point, time: Date.now() });
  };
  state.press = (event) => { state.down = [event.clientX, event.clientY]; state.sent = false; };
  state.release = (event) => {
    if (!state.down) return;
    const moved = Math.hypot(event.clientX - state.down[0], event.clientY - state.down[1]);
    state.down = null;
    // Plotly's own click comes first; the hovered point replaces it where an update or a 3D scene swallowed it.
    if (moved < 4 && state.hovered) {
      const hovered = state.hovered;
      setTimeout(() => state.click(hovered), 60);
    }
    setTimeout(() => {
      if (state.down) return;
      if (state.waiting) state.draw(state.waiting);
      else state.catchUp();
    }, 80);
  };
  host.addEventListener("pointerdown", state.press, true);
  window.addEventListener("pointerup", state.release, true);
  window.addEventListener("pointercancel", state.release, true);

  // Following a run: the feed is asked while the figure is in view, and looked at when its next drawing is due.
  state.visible = true;
  state.sight = new IntersectionObserver((entries) => {
    const before = state.visible;
    state.visible = entries.at(-1).isIntersecting;
    if (state.visible && !before) state.following?.hurry();
    state.catchUp();
  });
  state.sight.observe(host);
  state.next = 0;
  state.catchUp = () => {
    const feed = state.news;
    if (!feed || !state.figure || !state.visible || state.down || document.hidden) return;
    const wait = state.next - performance.now();
    if (wait > 0) { state.timer ??= setTimeout(() => { state.timer = null; state.catchUp(); }, wait); return; }
    state.news = null;
    state.drawing = state.drawing.then(async () => {
      if (!state.followed) return; // the run has ended meanwhile
      const began = performance.now();
      update(state, feed);
      state.figure.layout.datarevision = feed.number;
      await react(state);
      const now = performance.now();
      state.next = now + Math.min(LATEST, (now - began) / DRAWING_SHARE);
      host.dataset.updates = String(Number(host.dataset.updates ?? 0) + 1);
    });
  };

  state.draw = (text) => {
    state.waiting = null;
    state.drawing = state.drawing.then(async () => {
      const { library: address, height, perWidth, image, figure, follow: followed, zooms } = JSON.parse(text);
      state.size = { height, perWidth };
      state.figure = themed(figure, host);
      state.fit();
      await library(address);
      const first = !host._fullLayout;
      const camera = first ? cameraOfLink() : null;
      for (const name of camera ? Object.keys(figure.layout) : [])
        if (/^scene\d*$/.test(name)) figure.layout[name].camera = camera;
      state.config = {
        displaylogo: false, responsive: false, displayModeBar: image || zooms ? true : false, scrollZoom: zooms,
        modeBarButtons: [[...(zooms ? ["zoomIn2d", "zoomOut2d", "resetScale2d"] : []), ...(image ? ["toImage"] : [])]],
        toImageButtonOptions: { filename: image, scale: 2 },
      };
      await react(state);
      labelled(host, figure.layout.meta, image || zooms);
      state.followed = followed;
      state.news = null;
      state.following?.stop();
      const news = (feed) => { state.news = feed; state.catchUp(); };
      state.following = followed ? follow(followed.url, news, followed.figure, () => state.visible) : null;
      host.dataset.updates = String(Number(host.dataset.updates ?? 0) + 1);
      if (!first) return;
      host.on("plotly_click", (event) => { if (!threeDimensional(event.points[0])) state.click(describe(event.points[0])); });
      host.on("plotly_hover", (event) => { state.hovered = describe(event.points[0]); });
      host.on("plotly_relayout", (change) => linkCameras(host, change));
      host.on("plotly_unhover", () => { state.hovered = null; });
    });
  };
  return state;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".live-figure");
  if (!states.has(host)) states.set(host, create(host));
  const state = states.get(host);
  state.send = setTriggerValue;
  const text = typeof data === "string" ? data : new TextDecoder().decode(data);
  const style = getComputedStyle(host);
  const look = style.getPropertyValue("--st-background-color") + style.getPropertyValue("--st-text-color");
  if (text !== state.text || look !== state.look) {
    state.text = text;
    state.look = look;
    if (state.down) state.waiting = text;
    else state.draw(text);
  }
  return () => setTimeout(() => {
    if (host.isConnected) return; // also called for an update that has been overtaken
    state.observer.disconnect();
    state.sight.disconnect();
    clearTimeout(state.timer);
    state.following?.stop();
    window.removeEventListener("pointerup", state.release, true);
    window.removeEventListener("pointercancel", state.release, true);
    if (window.Plotly && host._fullLayout) window.Plotly.purge(host);
    states.delete(host);
  }, 0);
}
