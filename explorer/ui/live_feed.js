// Put before the script of each component that follows a run: one request a second for all components of a page that
// show the same run, a tenth of that in a hidden tab. What has come is kept here whole, so that a component that is
// drawn anew has all of it at once.

const feeds = (window.__lossExplorerFeeds ??= new Map());
const EVERY = 1000, HIDDEN = 10000, AFTER_ERROR = 3000; // ms

function feedOf(url) {
  if (feeds.has(url)) return feeds.get(url);
  const feed = { number: 0, curves: {}, layout: {}, figures: {}, preview: null, listeners: new Map(), timer: null };
  const take = ({ number, preview, whole, curves = {}, layout = {}, figures = {} }) => {
    if (whole) Object.assign(feed, { curves: {}, layout: {}, figures: {} });
    for (const [name, [kept, x, y]] of Object.entries(curves)) {
      const known = feed.curves[name] ?? { x: [], y: [] };
      feed.curves[name] = { x: known.x.slice(0, kept).concat(x), y: known.y.slice(0, kept).concat(y) };
    }
    for (const [figure, values] of Object.entries(layout)) feed.layout[figure] = { ...feed.layout[figure], ...values };
    Object.assign(feed.figures, figures);
    Object.assign(feed, { number, preview });
    for (const [listener, told] of feed.listeners) {
      if (told === number) continue;
      feed.listeners.set(listener, number);
      listener(feed);
    }
  };
  feed.ask = async () => {
    feed.timer = null;
    let wait = document.hidden ? HIDDEN : EVERY;
    try {
      const response = await fetch(`${url}?since=${feed.number}`);
      if (response.ok) take(await response.json());
      else wait = AFTER_ERROR;
    } catch { wait = AFTER_ERROR; } // the server is away; it may come back
    if (feed.listeners.size && !feed.timer) feed.timer = setTimeout(feed.ask, wait);
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !feed.timer) return;
    clearTimeout(feed.timer);
    feed.ask();
  });
  feeds.set(url, feed);
  return feed;
}

// Calls the listener where there is something new, the first time with the next answer: what a page has just drawn may
// be newer than what is known here. Returns how to end it.
function follow(url, listener) {
  const feed = feedOf(url);
  feed.listeners.set(listener, null);
  if (!feed.timer) feed.timer = setTimeout(feed.ask, 0);
  return () => {
    feed.listeners.delete(listener);
    if (feed.listeners.size) return;
    clearTimeout(feed.timer);
    feed.timer = null;
  };
}
