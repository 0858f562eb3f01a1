// Loads Plotly once a page has been drawn, so that its first figure does not wait for four megabytes.

export default function ({ data }) {
  const load = () => library(data.address).catch(() => {}); // a figure asks again, and says so
  const timer = setTimeout(() => {
    if (window.requestIdleCallback) requestIdleCallback(load, { timeout: 1000 });
    else load();
  }, data.wait);
  return () => clearTimeout(timer);
}
