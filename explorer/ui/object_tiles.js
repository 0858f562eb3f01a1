// A gallery: a button for each object, with its picture and what is said of it. A click tells which one was chosen.
// Names come from visitors: they are set as text, never as markup.

const shown = new WeakMap();

function tile({ source, lines, colours, id, says }, choose) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "object-tile";
  button.dataset.id = id;
  button.setAttribute("aria-label", says);
  const picture = document.createElement("img");
  picture.src = source;
  picture.alt = "";
  const words = lines.map((line, place) => {
    const part = document.createElement("span");
    if (colours[place]) {
      const square = document.createElement("i");
      square.style.background = colours[place];
      part.append(square);
    }
    part.append(line);
    return part;
  });
  button.append(picture, ...words);
  button.addEventListener("click", () => choose(id));
  return button;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".object-tiles");
  const mark = (id) => {
    for (const each of host.children) each.setAttribute("aria-pressed", String(each.dataset.id === id));
  };
  const text = JSON.stringify(data.tiles);
  if (shown.get(host) !== text) {
    shown.set(host, text);
    const choose = (id) => { mark(id); setTriggerValue("chosen", id); };
    host.replaceChildren(...data.tiles.map((each) => tile(each, choose)));
  }
  mark(data.chosen);
}
