// A polite live region: it speaks once after the reader has come to rest, and only if the words are new.

export function announcer(h) {
  const region = h("p", { class: "lvm-unseen", "aria-live": "polite" });
  return {
    region,
    speak: (text) => {
      if (region.textContent !== text) region.textContent = text;
    },
  };
}
