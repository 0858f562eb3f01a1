// A label of squares on which a visitor paints missed pixels; what is sent are the numbers of the pixels, row by row.

const pictures = new WeakMap();

function create(host) {
  const canvas = document.createElement("canvas");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.style.cssText = "width:100%;image-rendering:pixelated;touch-action:none;cursor:crosshair;display:block";
  host.replaceChildren(canvas);
  const state = { canvas, data: null, missed: new Set(), token: null, cursor: null, erases: null, send: null };
  const drawing = canvas.getContext("2d");

  const object = (column, row) => state.data.objects.find(
    ([left, top, side]) => column >= left && column < left + side && row >= top && row < top + side);
  state.draw = () => {
    const { columns, rows, objects, colours } = state.data;
    drawing.fillStyle = colours.ground;
    drawing.fillRect(0, 0, columns, rows);
    drawing.fillStyle = colours.hit;
    for (const [left, top, side] of objects) drawing.fillRect(left, top, side, side);
    drawing.fillStyle = colours.miss;
    for (const pixel of state.missed) drawing.fillRect(pixel % columns, Math.floor(pixel / columns), 1, 1);
    if (state.cursor) {
      drawing.fillStyle = "#FFFFFF";
      drawing.fillRect(...state.cursor, 1, 1);
    }
  };
  const paint = (column, row) => {
    const { columns, brush, most } = state.data;
    const under = object(column, row);
    const [left, top, side] = brush === 0 ? under ?? [0, 0, 0]
      : [column - (brush - 1) / 2, row - (brush - 1) / 2, brush];
    state.erases ??= state.missed.has(row * columns + column);
    for (let r = top; r < top + side; r++)
      for (let c = left; c < left + side; c++) {
        if (!object(c, r)) continue;
        if (state.erases) state.missed.delete(r * columns + c);
        else if (state.missed.size < most) state.missed.add(r * columns + c);
      }
    state.draw();
  };
  const give = () => { state.erases = null; state.send("missed", [...state.missed].sort((a, b) => a - b)); };
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [Math.floor((event.clientX - box.left) * state.data.columns / box.width),
      Math.floor((event.clientY - box.top) * state.data.rows / box.height)];
  };
  let down = false;
  canvas.addEventListener("pointerdown", (event) => {
    down = true;
    state.cursor = null;
    canvas.setPointerCapture(event.pointerId);
    paint(...at(event));
  });
  canvas.addEventListener("pointermove", (event) => { if (down) paint(...at(event)); });
  const end = () => { if (down) { down = false; give(); } };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("keydown", (event) => {
    const { columns, rows, objects } = state.data;
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!by && event.key !== " ") return;
    event.preventDefault();
    state.cursor ??= [objects[0][0], objects[0][1]];
    if (by) state.cursor = [Math.min(columns - 1, Math.max(0, state.cursor[0] + by[0])),
      Math.min(rows - 1, Math.max(0, state.cursor[1] + by[1]))];
    else { paint(...state.cursor); give(); }
    state.draw();
  });
  canvas.addEventListener("blur", () => { state.cursor = null; state.draw(); });
  return state;
}

export default function ({ data, parentElement, setStateValue }) {
  const host = parentElement.querySelector(".lesson-paint");
  if (!pictures.has(host)) pictures.set(host, create(host));
  const state = pictures.get(host);
  state.data = data;
  state.send = setStateValue;
  if (state.canvas.width !== data.columns || state.canvas.height !== data.rows) {
    state.canvas.width = data.columns;
    state.canvas.height = data.rows;
  }
  state.canvas.setAttribute("aria-label", data.label);
  if (state.token !== data.token) { // the server has set other pixels
    state.token = data.token;
    state.missed = new Set(data.missed);
  }
  state.draw();
}
