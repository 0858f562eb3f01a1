"use strict";
// Draws the figures in the colours of light, dark or paper, and looks up what each threshold's slider asks for.

const { ink: INK, figures } = JSON.parse(document.getElementById("figures").textContent);
const PAPER = 690; // pixels between the margins of A4
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const moved = new Map(); // id of a figure: what its slider has changed
let onPaper = false;

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return onPaper ? { ink: "#000000", line: "#bbbbbb", ground: "#ffffff" }
    : { ink: of("ink"), line: of("line"), ground: of("ground") };
}

function themed(figure, width) {
  const { ink, line, ground } = colours();
  const { data, layout } = JSON.parse(JSON.stringify(figure).replaceAll(`"${INK}"`, `"${ink}"`));
  const axis = (given) => ({ gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true, ...given });
  layout.xaxis ??= {};
  layout.yaxis ??= {};
  for (const name of Object.keys(layout)) if (/^[xy]axis\d*$/.test(name)) layout[name] = axis(layout[name]);
  layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)";
  layout.font = { color: ink, family: "system-ui, sans-serif", size: 12, ...layout.font };
  layout.hoverlabel = { bgcolor: ground, bordercolor: line, font: { color: ink } };
  layout.modebar = { bgcolor: "rgba(0,0,0,0)", color: line, activecolor: ink };
  layout.width = width;
  return { data, layout };
}

function draw(place) {
  const paper = place.closest(".pair") ? PAPER / 2 - 12 : PAPER;
  const width = onPaper ? paper : place.clientWidth;
  if (!width) return; // in a part that is closed
  const figure = figures[place.id];
  for (const [trace, values] of moved.get(place.id) ?? []) Object.assign(figure.data[trace], values);
  const { data, layout } = themed(figure, width);
  layout.height = place.clientHeight;
  Plotly.react(place, data, layout, { displaylogo: false, responsive: false });
}

const places = [...document.querySelectorAll(".plot")];
const drawAll = () => places.forEach(draw);

// Thresholds ------------------------------------------------------------------------------------------------

const ratio = (part, whole) => (whole ? part / whole : null);
const shown = (value) => (value === null ? "n/a" : value.toFixed(3));

// As explorer/metrics/operating_point.py has it; `near` are predicted pixels that are right within a tolerance.
function scores(counts, at) {
  const found = counts.found[at], wrong = counts.false[at], missed = counts.missed[at];
  const right = counts.near ? counts.near[at] : found;
  const precision = ratio(right, right + wrong), recall = ratio(found, found + missed);
  let f1 = ratio(2 * found, 2 * found + wrong + missed);
  if (counts.near) f1 = precision === null && recall === null ? null
    : precision && recall ? 2 * precision * recall / (precision + recall) : 0;
  return { recall, precision, f1, found, missed, wrong };
}

function connect(block) {
  const { thresholds, runs } = JSON.parse(block.querySelector("script.table").textContent);
  const slider = block.querySelector("input"), said = block.querySelector("output");
  const rows = [...block.querySelectorAll("tr[data-scope]")];
  const plots = [...block.querySelectorAll(".plot")];
  const nearest = (value) => thresholds.reduce(
    (best, each, at) => (Math.abs(each - value) < Math.abs(thresholds[best] - value) ? at : best), 0);

  function show() {
    const at = Number(slider.value);
    said.textContent = thresholds[at].toFixed(2);
    rows.forEach((row, number) => {
      const value = scores(runs[Math.floor(number / 2)][row.dataset.scope], at);
      const cells = [shown(value.recall), shown(value.precision), shown(value.f1),
        value.found.toLocaleString("en"), value.missed.toLocaleString("en"), value.wrong.toLocaleString("en")];
      cells.forEach((text, column) => { row.cells[column + 1].textContent = text; });
    });
    plots.forEach((place, number) => {
      const changed = new Map();
      figures[place.id].data.forEach((trace, index) => {
        const [, run] = /^at the slider (\d+)$/.exec(trace.meta ?? "") ?? [];
        if (run === undefined) return;
        const value = scores(runs[Number(run)][number ? "pixel" : "object"], at);
        changed.set(index, { x: [value.recall], y: [value.precision] });
      });
      moved.set(place.id, changed);
      if (place.data && changed.size)
        Plotly.restyle(place, { x: [...changed.values()].map((each) => each.x), y: [...changed.values()].map((each) => each.y) },
          [...changed.keys()]);
    });
  }

  slider.value = nearest(runs[0].own);
  slider.addEventListener("input", show);
  for (const button of block.querySelectorAll("button[data-threshold]"))
    button.addEventListener("click", () => { slider.value = nearest(Number(button.dataset.threshold)); show(); });
  show();
}

document.querySelectorAll(".thresholds").forEach((block) => {
  connect(block);
  block.addEventListener("toggle", () => block.querySelectorAll(".plot").forEach(draw));
});
drawAll();

// Screen and paper ------------------------------------------------------------------------------------------

let waiting = 0;
window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(drawAll, 120); });
dark.addEventListener("change", drawAll);

const closed = [];
function toPaper() {
  if (onPaper) return;
  onPaper = true;
  for (const part of document.querySelectorAll("details:not([open])")) { closed.push(part); part.open = true; }
  drawAll();
}
function toScreen() {
  if (!onPaper) return;
  onPaper = false;
  for (const part of closed.splice(0)) part.open = false;
  drawAll();
}
window.addEventListener("beforeprint", toPaper);
window.addEventListener("afterprint", toScreen);
window.matchMedia("print").addEventListener("change", (event) => (event.matches ? toPaper() : toScreen()));
