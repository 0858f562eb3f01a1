// Keys press the buttons of a page; G and a letter open another page; ? opens the list of them all.

const FOLLOWS = 1500; // ms within which a letter follows G
const FIELD = "input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable=true], [role=grid], [role=listbox], canvas";
const LOOK = `
  dialog.key-list { color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: 0.5rem;
    padding: 1.25rem 1.5rem; max-width: min(44rem, calc(100vw - 2rem)); max-height: calc(100vh - 4rem); overflow: auto; }
  dialog.key-list::backdrop { background: rgb(0 0 0 / 0.4); }
  dialog.key-list > header { display: flex; justify-content: space-between; align-items: center; gap: 2rem; }
  dialog.key-list :is(h2, h3) { margin: 0; padding: 0; font-weight: 600; }
  dialog.key-list h2 { font-size: 1.25rem; }
  dialog.key-list h3 { font-size: 1rem; margin: 1rem 0 0.25rem; }
  dialog.key-list dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1rem; margin: 0; }
  dialog.key-list .pages { grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); }
  dialog.key-list .pages div { display: flex; gap: 0.5rem; }
  dialog.key-list :is(dt, dd) { margin: 0; }
  dialog.key-list dt { min-width: 5.5rem; }
  dialog.key-list kbd { font: inherit; border: 1px solid var(--line); border-radius: 0.25rem; padding: 0 0.35rem; }
  dialog.key-list button { font: inherit; color: inherit; background: none; border: 1px solid var(--line);
    border-radius: 0.5rem; padding: 0.25rem 0.75rem; cursor: pointer; }
  dialog.key-list p { margin: 1rem 0 0; opacity: 0.75; }
`;

function element(name, text, ...parts) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...parts);
  return made;
}

function pattern(widget) { // Streamlit puts a widget's key into the class of what is around it
  return new RegExp(`^st-key-${widget.replace(/[^\w*-]/g, "-").replace(/\*/g, ".+")}$`);
}

function named(node, patterns) {
  return [...node.classList].some((name) => patterns.some((each) => each.test(name)));
}

// What can be pressed, of all that carry one of the keys.
function pressable(patterns) {
  return [...document.querySelectorAll("[class*=st-key-]")]
    .filter((node) => named(node, patterns))
    .map((node) => node.querySelector("button, input[type=checkbox]"))
    .filter((button) => button && !button.disabled);
}

function list(data, parentElement, close) {
  const look = getComputedStyle(parentElement.querySelector("button"));
  const dialog = element("dialog");
  dialog.className = "key-list";
  dialog.setAttribute("aria-label", "Keys");
  dialog.style.setProperty("--ground", look.getPropertyValue("--st-background-color"));
  dialog.style.setProperty("--line", look.getPropertyValue("--st-border-color"));
  dialog.style.color = look.getPropertyValue("--st-text-color");
  dialog.style.fontFamily = look.getPropertyValue("--st-font");
  const end = element("button", "Close");
  end.onclick = () => dialog.close();
  dialog.append(element("style", LOOK), element("header", "", element("h2", "Keys"), end));
  for (const { title, rows } of data.lists) {
    const terms = element("dl");
    if (title === "Go to") terms.className = "pages";
    for (const [key, what] of rows) {
      const pair = [element("dt", "", element("kbd", key)), element("dd", what)];
      terms.append(...(title === "Go to" ? [element("div", "", ...pair)] : pair));
    }
    dialog.append(element("h3", title), terms);
  }
  dialog.append(element("p", "Keys do nothing while you type in a field. Tab and Enter reach and press every button."));
  dialog.onclose = () => { dialog.remove(); close(); };
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

function go(path) {
  const links = [...document.querySelectorAll("[data-testid=stSidebar] a[data-testid=stPageLink-NavLink]")];
  const link = links.find((each) => new URL(each.href).pathname.split("/").pop() === path);
  if (link) link.click();
}

export default function ({ data, parentElement }) {
  const opener = parentElement.querySelector("button");
  const buttons = data.buttons.map(({ key, widgets }) => ({ key, patterns: widgets.map(pattern) }));
  let dialog = null, since = -Infinity;
  const open = () => { dialog = list(data, parentElement, () => { dialog = null; }); };
  opener.onclick = open;

  const press = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
    if (event.composedPath()[0]?.closest?.(FIELD)) return;
    const taken = () => { event.preventDefault(); event.stopImmediatePropagation(); };
    const key = event.key.toUpperCase();
    if (dialog) {
      if (key === "?") { taken(); dialog.close(); }
      return;
    }
    if (document.querySelector("[data-testid=stDialog]")) return;
    if (key === "?") { taken(); open(); return; }
    if (event.timeStamp - since < FOLLOWS && key in data.pages) {
      since = -Infinity;
      taken();
      go(data.pages[key]);
      return;
    }
    since = key === "G" ? event.timeStamp : -Infinity;
    const one = buttons.find((each) => each.key === key);
    const many = /^[1-9]$/.test(key) ? buttons.find((each) => each.key === "1…9") : undefined;
    const button = one ? pressable(one.patterns)[0] : many && pressable(many.patterns)[Number(key) - 1];
    if (!button) return;
    taken();
    button.click();
  };

  // Buttons say their key where they are pointed at or reached; Streamlit draws them anew at any time.
  const say = (event) => {
    const button = event.target.closest?.("[class*=st-key-] button");
    if (!button) return;
    const around = button.closest("[class*=st-key-]");
    const known = buttons.find(({ patterns }) => named(around, patterns));
    if (!known || known.key === "1…9") return;
    button.setAttribute("aria-keyshortcuts", known.key);
    if (!button.closest("[data-testid=stTooltipHoverTarget]")) button.title = `Key: ${known.key}`;
  };

  window.addEventListener("keydown", press, true);
  document.addEventListener("pointerover", say);
  document.addEventListener("focusin", say);
  return () => {
    window.removeEventListener("keydown", press, true);
    document.removeEventListener("pointerover", say);
    document.removeEventListener("focusin", say);
    dialog?.close();
  };
}
