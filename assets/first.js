// What has to stand before a page is first painted: its theme, how it is laid out, which fonts it asks for.
// The head loads it before any style sheet, and waits. It is a file, so that pages need no script of their own inside.
(() => {
  "use strict";
  const root = document.documentElement;
  let theme = null;
  try {
    theme = localStorage.getItem("lvm-theme");
  } catch {
    /* nothing is kept: the system's theme */
  }
  if (theme !== "light" && theme !== "dark")
    theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  root.dataset.theme = theme;

  // Who comes fresh sees the top first; who comes back, to a place, needs true heights at once.
  const [visited] = performance.getEntriesByType("navigation");
  if (visited && visited.type === "navigate" && !location.hash) root.dataset.deferred = "";

  // From a file no font may be asked for ahead.
  const { src, dataset } = document.currentScript;
  if (location.protocol === "file:") root.dataset.from = "file";
  else
    for (const font of (dataset.fonts ?? "").split(" ").filter(Boolean)) {
      const link = document.createElement("link");
      link.rel = "preload";
      link.as = "font";
      link.type = "font/woff2";
      link.crossOrigin = "";
      link.href = new URL(font, src).href;
      document.head.append(link);
    }
})();
