// The keyboard twin of a drag in two directions.

/** A handle that moves in a plane by keys: arrows step (0.1), Shift+arrows leap (0.5), Home to `home`. */
export function planeKeys(element, { label, low, high, value, home, change, by: steps = () => [0.1, 0.5] }) {
  const attributes = {
    role: "slider",
    tabindex: 0,
    "aria-label": label,
    "aria-orientation": "horizontal",
    "aria-valuemin": low,
    "aria-valuemax": high,
  };
  for (const [name, text] of Object.entries(attributes)) element.setAttribute(name, text);
  const press = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = steps()[event.shiftKey ? 1 : 0];
    const [a, b] = value();
    const to = {
      ArrowRight: [a + by, b],
      ArrowLeft: [a - by, b],
      ArrowUp: [a, b + by],
      ArrowDown: [a, b - by],
      Home: home,
    }[event.key];
    if (!to) return;
    event.preventDefault();
    event.stopPropagation();
    change(to.map((v) => Number(v.toFixed(6))));
  };
  element.addEventListener("keydown", press);
  return () => element.removeEventListener("keydown", press);
}
