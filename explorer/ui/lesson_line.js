// A line that a visitor draws: one point for each value of x, moved by dragging across the chart or by keys.

const WIDEST = 860, NARROWEST = 280, HEIGHT = 300, LEFT = 56, RIGHT = 16, TOP = 14, BOTTOM = 44;
const NAMESPACE = "http://www.w3.org/2000/svg";
const charts = new WeakMap();

function element(name, attributes, parent, text) {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent.appendChild(made);
  return made;
}

function create(host, data, look, drawn, send) {
  const { labels, low, high, unit, step, xTitle, yTitle, decimal } = data;
  const WIDTH = Math.max(NARROWEST, Math.min(WIDEST, host.clientWidth || WIDEST)); // so that letters keep their size
  const style = getComputedStyle(host);
  const of = (name) => style.getPropertyValue(`--st-${name}`).trim();
  const ink = of("text-color"), grid = of("border-color"), main = of("primary-color");
  const x = (i) => LEFT + (WIDTH - LEFT - RIGHT) * (i + 0.5) / labels.length;
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low);
  const shown = (value) => `${String(Number(value.toPrecision(3))).replace(".", decimal)}${unit ? ` ${unit}` : ""}`;
  const values = drawn?.length === labels.length ? [...drawn] : labels.map(() => (low + high) / 2);
  host.replaceChildren();
  const svg = document.createElementNS(NAMESPACE, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-label", yTitle);
  svg.style.cssText = `width:100%;max-width:${WIDEST}px;touch-action:none;cursor:crosshair;display:block`;
  host.appendChild(svg);
  for (let k = 0; k <= 4; k++) {
    const value = low + (high - low) * k / 4;
    element("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), stroke: grid }, svg);
    element("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end", "font-size": 12, fill: ink }, svg, shown(value));
  }
  labels.forEach((label, i) =>
    element("text", { x: x(i), y: HEIGHT - BOTTOM + 18, "text-anchor": "middle", "font-size": 12, fill: ink }, svg, label));
  element("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 6, "text-anchor": "middle", "font-size": 12, fill: ink }, svg, xTitle);
  const path = element("polyline", { fill: "none", stroke: main, "stroke-width": 2.5, "stroke-dasharray": "6 5" }, svg);
  const points = labels.map((label, i) => element("circle", {
    r: 8, tabindex: 0, role: "slider", fill: main, stroke: ink, "aria-label": `${yTitle}, ${xTitle} ${label}`,
    "aria-valuemin": low, "aria-valuemax": high, cx: x(i),
  }, svg));
  const draw = () => {
    path.setAttribute("points", values.map((value, i) => `${x(i)},${y(value)}`).join(" "));
    points.forEach((point, i) => {
      point.setAttribute("cy", y(values[i]));
      point.setAttribute("aria-valuenow", values[i]);
      point.setAttribute("aria-valuetext", shown(values[i]));
    });
  };
  const put = (i, value) => { values[i] = Math.min(high, Math.max(low, Math.round(value / step) * step)); };
  const give = () => chart.send("line", [...values]);

  let last = null; // where the pointer was: points that it has passed since are moved, too
  const at = (event) => {
    const box = svg.getBoundingClientRect();
    return {
      i: ((event.clientX - box.left) * WIDTH / box.width - LEFT) / (WIDTH - LEFT - RIGHT) * labels.length - 0.5,
      value: high - ((event.clientY - box.top) * HEIGHT / box.height - TOP) * (high - low) / (HEIGHT - TOP - BOTTOM),
    };
  };
  const move = (event) => {
    const here = at(event);
    const nearest = Math.min(labels.length - 1, Math.max(0, Math.round(here.i)));
    put(nearest, here.value);
    if (last) labels.forEach((_, i) => {
      const part = (i - last.i) / (here.i - last.i);
      if (part > 0 && part < 1) put(i, last.value + part * (here.value - last.value));
    });
    last = here;
    draw();
  };
  svg.addEventListener("pointerdown", (event) => { last = null; svg.setPointerCapture(event.pointerId); move(event); });
  svg.addEventListener("pointermove", (event) => { if (last) move(event); });
  const end = () => { if (last) { last = null; give(); } };
  svg.addEventListener("pointerup", end);
  svg.addEventListener("pointercancel", end);
  points.forEach((point, i) => point.addEventListener("keydown", (event) => {
    const by = { ArrowUp: 2, ArrowRight: 2, ArrowDown: -2, ArrowLeft: -2, PageUp: 10, PageDown: -10 }[event.key];
    if (by !== undefined) put(i, values[i] + by * (high - low) / 100);
    else if (event.key === "Home") put(i, low);
    else if (event.key === "End") put(i, high);
    else return;
    event.preventDefault();
    draw();
    clearTimeout(chart.timer);
    chart.timer = setTimeout(give, 300); // a key that is held down is one change
  }));
  const chart = { send, timer: null, look, values };
  draw();
  return chart;
}

export default function ({ data, parentElement, setStateValue }) {
  const host = parentElement.querySelector(".lesson-line");
  const style = getComputedStyle(host);
  const { line, ...shown } = data; // the line comes back from the server after each change of it
  const colours = ["text-color", "border-color", "primary-color"].map((name) => style.getPropertyValue(`--st-${name}`).trim());
  const look = JSON.stringify([colours, shown]);
  const before = charts.get(host);
  if (before?.look !== look) {
    clearTimeout(before?.timer);
    charts.set(host, create(host, data, look, before?.values ?? line, setStateValue));
  }
  charts.get(host).send = setStateValue;
}
