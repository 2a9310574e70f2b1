// The page frame's few behaviours: theme switch, copy buttons, closing the menu.
(() => {
  "use strict";
  const root = document.documentElement;
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    const tell = () => button.setAttribute("aria-pressed", String(root.dataset.theme === "dark"));
    tell();
    button.addEventListener("click", () => {
      root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
      try {
        localStorage.setItem("lvm-theme", root.dataset.theme);
      } catch {
        /* private mode: the choice lasts for this page */
      }
      tell();
    });
  }
  const menu = document.querySelector("details.menu");
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu?.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", (event) => {
    if (menu?.open && !menu.contains(event.target)) menu.open = false;
  });

  for (const block of document.querySelectorAll(
    ".cell_input .highlight, div.highlight-python .highlight, div.highlight-bash .highlight",
  )) {
    if (!navigator.clipboard || block.querySelector(".copy")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(block.querySelector("pre").textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not allowed";
      }
      setTimeout(() => {
        button.textContent = "Copy";
      }, 1500);
    });
    block.append(button);
  }
  // What scrolls sideways can be reached by the keyboard, and what does not scroll is no stop on its way.
  const reach = (block) => {
    if (block.scrollWidth > block.clientWidth + 1) block.tabIndex = 0;
    else block.removeAttribute("tabindex");
    more(block);
  };
  // Where it goes on beyond the edge, it fades out there.
  const more = (block) => {
    block.toggleAttribute("data-more", block.scrollLeft + block.clientWidth < block.scrollWidth - 2);
  };
  const sizes =
    "ResizeObserver" in window && new ResizeObserver((changes) => changes.forEach(({ target }) => reach(target)));
  for (const found of document.querySelectorAll(
    "pre, .lvm-formula, .lvm-frame, .pst-scrollable-table-container, .table-wrapper, .output table",
  )) {
    const block = found.localName === "table" ? found.parentElement : found;
    if (sizes) sizes.observe(block);
    else reach(block);
    block.addEventListener("scroll", () => more(block), { passive: true });
  }

  // A link to a place in the page lands on it: what stands above is laid out, and comes to life, only on the way there.
  const land = () => {
    let target = null;
    try {
      target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch {
      /* no name of a place */
    }
    if (!target) return;
    const end = performance.now() + 1200;
    let held = true;
    const release = () => {
      held = false;
    };
    for (const act of ["wheel", "touchstart", "pointerdown", "keydown"])
      addEventListener(act, release, { once: true, passive: true });
    const hold = () => {
      if (!held || performance.now() > end) return;
      target.scrollIntoView({ behavior: "instant" });
      requestAnimationFrame(hold);
    };
    hold();
  };
  addEventListener("hashchange", land);
  land();
})();
