// Colours come from CSS variables (lvm_lib/plots/palette.py). A page's rules do not reach into a shadow root, so
// there the figure's root carries a copy of the theme.

/** Is the page dark? By what pages and notebooks set, never by the system's preference. */
export function isDark(document) {
  const html = document.documentElement;
  const body = document.body;
  return (
    html.dataset.theme === "dark" ||
    html.getAttribute("theme") === "dark" ||
    body?.dataset.jpThemeLight === "false" ||
    !!body?.classList.contains("vscode-dark")
  );
}

/** Keep `data-lvm-theme` on the root in step with the page; returns a clean-up function. */
export function followTheme(root) {
  const document = root.ownerDocument;
  const mark = () => {
    root.dataset.lvmTheme = isDark(document) ? "dark" : "light";
  };
  mark();
  const watch = new document.defaultView.MutationObserver(mark);
  const attributes = { attributes: true, attributeFilter: ["data-theme", "theme", "data-jp-theme-light", "class"] };
  watch.observe(document.documentElement, attributes);
  if (document.body) watch.observe(document.body, attributes);
  return () => watch.disconnect();
}
