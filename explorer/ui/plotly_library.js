// Plotly, which is loaded once for all figures of the app.

function library(address) {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  window.__plotlyLibrary ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.Plotly);
    script.onerror = (error) => { window.__plotlyLibrary = undefined; reject(error); };
    document.head.append(script);
  });
  return window.__plotlyLibrary;
}
