// Put before the script of each component that follows a run: one request a second for all components of a page that
// show the same run. Only figures in view are asked for, and none in a hidden tab, which asks a tenth as often. What has
// come is kept here whole, so that a component that is drawn anew has all of it at once.

const feeds = (window.__lossExplorerFeeds ??= new Map());
const EVERY = 1000, HIDDEN = 10000, AFTER_ERROR = 3000; // ms

function feedOf(url) {
  if (feeds.has(url)) return feeds.get(url);
  const feed = { number: 0, page: null, status: null, preview: null, figures: {}, followers: new Set(), timer: null };
  const figureOf = (name) => (feed.figures[name] ??= { number: 0, version: 0, curves: {}, layout: {}, whole: null });
  const inView = () =>
    document.hidden ? [] : [...new Set([...feed.followers].filter((each) => each.figure && each.inView()).map((each) => each.figure))];
  const draw = (known, { whole, curves = {}, layout = {}, figure }) => {
    if (whole) Object.assign(known, { curves: {}, layout: {} });
    for (const [name, [kept, x, y]] of Object.entries(curves)) {
      const old = known.curves[name] ?? { x: [], y: [] };
      known.curves[name] = { x: old.x.slice(0, kept).concat(x), y: old.y.slice(0, kept).concat(y) };
    }
    Object.assign(known.layout, layout);
    if (figure) known.whole = figure;
    known.version += 1;
  };
  const take = (asked, { number, page, status, preview, figures = {} }) => {
    Object.assign(feed, { number, page });
    if (status) feed.status = status;
    if (preview !== undefined) feed.preview = preview;
    for (const name of asked) {
      const known = figureOf(name);
      known.number = number;
      if (figures[name]) draw(known, figures[name]);
    }
    for (const follower of [...feed.followers]) {
      if (follower.figure) {
        const { version } = figureOf(follower.figure);
        if (follower.told === version || !asked.includes(follower.figure)) continue;
        follower.told = version;
      }
      follower.listener(feed);
    }
  };
  // The run was deleted: the page says so. Figures keep what they have.
  const gone = () => {
    feed.page = "gone";
    for (const follower of [...feed.followers]) if (!follower.figure) follower.listener(feed);
  };
  feed.ask = async () => {
    feed.timer = null;
    let wait = EVERY;
    const asked = inView();
    const query = new URLSearchParams([["since", feed.number], ...asked.map((name) => [name, figureOf(name).number])]);
    try {
      const response = await fetch(`${url}?${query}`);
      if (response.ok) {
        const answer = await response.json();
        take(asked, answer);
        wait = answer.wait ?? EVERY;
      } else {
        wait = AFTER_ERROR;
        if (response.status === 404) gone();
      }
    } catch { wait = AFTER_ERROR; } // the server is away; it may come back
    if (feed.followers.size && !feed.timer) feed.timer = setTimeout(feed.ask, document.hidden ? HIDDEN : wait);
  };
  feed.hurry = () => {
    if (!feed.timer) return; // an answer is on its way
    clearTimeout(feed.timer);
    feed.timer = setTimeout(feed.ask, 0);
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) feed.hurry(); });
  feeds.set(url, feed);
  return feed;
}

// Calls the listener with each answer; that of a figure where there is something new of it, and the first time with the
// next answer: what a page has just drawn may be newer than what is known here. `hurry` asks at once, `stop` ends it.
function follow(url, listener, figure = null, inView = () => true) {
  const feed = feedOf(url), follower = { listener, figure, inView, told: null };
  feed.followers.add(follower);
  feed.timer ??= setTimeout(feed.ask, 0);
  return {
    hurry: feed.hurry,
    stop: () => {
      feed.followers.delete(follower);
      if (feed.followers.size) return;
      clearTimeout(feed.timer);
      feed.timer = null;
    },
  };
}
