// The page frame's few behaviours: theme and code switches, the present section, copy buttons, the menu.
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

  // Code stands folded, cell by cell; one switch opens it all, here and on the pages to come.
  const folds = [...document.querySelectorAll("main details.above-input")];
  const codeSwitch = document.querySelector("[data-code-switch]");
  const showCode = (shown) => {
    for (const fold of folds) fold.open = shown;
    codeSwitch?.setAttribute("aria-pressed", String(shown));
  };
  try {
    if (localStorage.getItem("lvm-code") === "shown") showCode(true);
  } catch {
    /* nothing is kept: code stands folded */
  }
  codeSwitch?.addEventListener("click", () => {
    const shown = codeSwitch.getAttribute("aria-pressed") !== "true";
    anew();
    const mark = [...document.querySelectorAll("main :is(p, h2, h3, .cell, .lvm-live)")].find(
      (node) => node.getBoundingClientRect().top > 60,
    );
    const before = mark?.getBoundingClientRect().top;
    showCode(shown);
    if (mark) scrollBy({ top: mark.getBoundingClientRect().top - before, behavior: "instant" }); // the reader stays
    try {
      if (shown) localStorage.setItem("lvm-code", "shown");
      else localStorage.removeItem("lvm-code");
    } catch {
      /* private mode: the choice lasts for this page */
    }
  });

  // The section that is being read is marked in every list of sections: the last one whose head is in the upper third.
  const lists = [...document.querySelectorAll(".sections, .lvm-here")];
  const heads = [...(lists[0]?.querySelectorAll("a") ?? [])]
    .map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1))))
    .filter(Boolean);
  let present = null;
  const scrolledTo = (link, box) => {
    const { top, bottom } = link.getBoundingClientRect();
    const frame = box.getBoundingClientRect();
    if (top < frame.top || bottom > frame.bottom) box.scrollTop += top - frame.top - box.clientHeight / 2;
  };
  const mark = () => {
    const above = heads.filter((head) => head.getBoundingClientRect().top < innerHeight / 3);
    let now = above.at(-1) ?? null;
    if (scrollY > 0 && scrollY + innerHeight > root.scrollHeight - 2) {
      const asked = heads.find((head) => `#${head.id}` === decodeURI(location.hash));
      now = asked && asked.getBoundingClientRect().top > 0 ? asked : heads.at(-1);
    }
    if (now === present) return;
    present = now;
    for (const list of lists) {
      list.querySelector("[aria-current]")?.removeAttribute("aria-current");
      const link = [...list.querySelectorAll("a")].find(({ hash }) => now && hash === `#${now.id}`);
      link?.setAttribute("aria-current", "location");
      const box = list.closest("nav");
      if (link && box.scrollHeight > box.clientHeight) scrolledTo(link, box);
    }
  };
  let asked = false;
  const marked = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      mark();
    });
  };
  if (heads.length) {
    addEventListener("scroll", marked, { passive: true });
    addEventListener("resize", marked, { passive: true });
    const main = document.querySelector("main");
    // what is laid out late moves heads
    if (main && "ResizeObserver" in window) new ResizeObserver(marked).observe(main);
    marked();
  }

  // The list of chapters opens at the present one.
  const beside = document.querySelector("nav.chapters");
  const page = beside?.querySelector("[aria-current=page]");
  if (page) {
    scrolledTo(page, beside);
    // counts of answers come later and make the list longer; whoever moves in it scrolls it alone
    const longer = new MutationObserver(() => scrolledTo(page, beside));
    longer.observe(beside, { childList: true, subtree: true });
    for (const own of ["pointerenter", "focusin"])
      beside.addEventListener(own, () => longer.disconnect(), { once: true });
  }

  const menu = document.querySelector("details.menu");
  menu?.addEventListener("toggle", () => {
    const box = menu.querySelector("nav");
    const here = box.querySelector(".lvm-here [aria-current]") ?? box.querySelector("[aria-current]");
    if (menu.open && here) box.scrollTop += here.getBoundingClientRect().top - box.getBoundingClientRect().top - 80;
  });
  for (const link of menu?.querySelectorAll(".lvm-here a") ?? []) {
    link.addEventListener("click", () => {
      menu.open = false;
    });
  }
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
  // What scrolls sideways can be reached by the keyboard, and what does not scroll is no stop on its way. A picture or
  // a table that does is a region with a name, and says so.
  const tables = [...document.querySelectorAll("main table")];
  const named = (block) => {
    if (block.matches(".lvm-frame")) return `Picture: ${block.querySelector("img")?.alt.split(/[.:;]/)[0] ?? ""}`;
    const table = block.matches("pre, .lvm-formula") ? null : block.querySelector("table");
    if (!table) return "";
    const head = table.caption ?? table.closest("section")?.querySelector("h1, h2, h3")?.firstChild;
    return `Table ${tables.indexOf(table) + 1}: ${head?.textContent ?? ""}`;
  };
  // All blocks are measured before any is written to: else each would have the page laid out once more.
  const measured = (block) => {
    const over = block.scrollWidth - block.clientWidth;
    return { block, scrolls: over > 1, more: block.scrollLeft < over - 2 };
  };
  const reach = ({ block, scrolls, more }) => {
    const name = scrolls ? named(block) : "";
    if (scrolls) block.tabIndex = 0;
    else block.removeAttribute("tabindex");
    if (name) {
      block.setAttribute("role", "region");
      block.setAttribute("aria-label", `${name} (scrolls sideways)`);
      block.dataset.scrolls = "Scrolls sideways";
    } else if (block.dataset.scrolls) {
      for (const kept of ["role", "aria-label", "data-scrolls"]) block.removeAttribute(kept);
    }
    block.toggleAttribute("data-more", more); // where it goes on beyond the edge, it fades out there
  };
  const reachAll = (blocks) => blocks.map(measured).forEach(reach);
  const sizes =
    "ResizeObserver" in window && new ResizeObserver((changes) => reachAll(changes.map(({ target }) => target)));
  const wide = [
    ...document.querySelectorAll(
      "pre, .lvm-formula, .lvm-frame, .pst-scrollable-table-container, .table-wrapper, .output table",
    ),
  ].map((found) => (found.localName === "table" ? found.parentElement : found));
  for (const block of wide) {
    if (sizes) sizes.observe(block);
    block.addEventListener("scroll", () => reachAll([block]), { passive: true });
  }
  if (!sizes) reachAll(wide);

  // A link to a section that has moved to another page goes there (book/moved.json).
  const follow = (name) => {
    const element = document.getElementById("moved");
    const moved = element ? JSON.parse(element.textContent) : {};
    if (Object.hasOwn(moved, name)) location.replace(moved[name]);
  };

  // The figure whose state a fresh link carries ("#elbo:x=0.5", "#plane2:z1=1"; of several the last, which was copied).
  // After a reload the reader stays where he was: there the state is his own.
  const figureOf = (hash) => {
    const found = /(?:^#|&)([a-z]+)(\d*):[^&]*$/.exec(hash);
    const [visited] = performance.getEntriesByType("navigation");
    if (!found || (visited && visited.type !== "navigate")) return null;
    const host = document.querySelectorAll(`[data-lvm-live="${found[1]}"]`)[(Number(found[2]) || 1) - 1];
    if (!host) return null;
    const note = document.createElement("p");
    note.className = "lvm-note lvm-from-link";
    note.setAttribute("role", "status");
    note.textContent = "This figure stands as in the link that you followed.";
    if (!host.querySelector(".lvm-from-link")) host.prepend(note);
    return host;
  };

  // The contents list says how many exercises of each chapter are answered rightly, where this browser keeps answers.
  // What is drawn is what was told last, whenever the list of exercises comes; it is asked for once, again if it fails.
  let answered = {};
  let listing = null;
  const draw = () => {
    for (const { page, exercises } of window.lvmExerciseList ?? []) {
      const right = exercises.filter(({ name, stamp }) => answered[name]?.right && answered[name].stamp === stamp);
      for (const link of document.querySelectorAll(".chapters li > a, .menu nav li > a")) {
        if (link.closest(".lvm-here") || !new URL(link.href).pathname.endsWith(`/${page}`)) continue;
        link.querySelector(".lvm-done")?.remove();
        const words = link.appendChild(document.createElement("small"));
        words.className = "lvm-done";
        words.textContent = `${right.length} of ${exercises.length}`;
        const what = words.appendChild(document.createElement("span"));
        what.className = "visually-hidden";
        what.textContent = " exercises right";
      }
    }
  };
  const counts = (told) => {
    answered = told;
    if (window.lvmExerciseList || listing || !Object.keys(answered).length) return void draw();
    listing = document.createElement("script");
    listing.src = `${root.dataset.content_root ?? "./"}_exercises/all.js`;
    listing.onload = draw;
    listing.onerror = () => {
      listing = null;
    };
    document.head.append(listing);
  };
  document.addEventListener("lvm-answers", ({ detail }) => counts(detail));
  try {
    const stored = JSON.parse(localStorage.getItem("lvm-answers") ?? "{}");
    if (stored.keep === true) counts(stored.exercises ?? {});
  } catch {
    /* nothing is kept, or it cannot be read */
  }

  // A link to a place in the page lands on it: what stands above is laid out, and comes to life, only on the way there.
  const land = () => {
    let target = null;
    try {
      target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch {
      /* no name of a place */
    }
    target ??= figureOf(location.hash);
    if (!target) {
      follow(location.hash.slice(1));
      return;
    }
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

  // Formulas that wait as text (the list of all equations) become elements when they come near the window, or with the
  // layout of their section.
  const late = (part) => {
    for (const held of part.querySelectorAll("noscript.lvm-late")) held.outerHTML = held.textContent;
  };
  const near = new IntersectionObserver(
    (seen) => {
      for (const { isIntersecting, target } of seen) if (isIntersecting) late(target);
    },
    { rootMargin: "150%" },
  );
  if ("deferred" in root.dataset)
    for (const held of document.querySelectorAll("noscript.lvm-late")) near.observe(held.parentElement);
  else late(document);

  // The layout of sections far down waits: a section takes a telephone some tenths of a second. It is made up for in
  // the pauses of a reader who has begun to scroll, or once the page has stood for a while. Then heights are true, the
  // scroll bar too, and the fonts of all formulas have come. After that the browser leaves out what is not in sight
  // again, with the height that it saw: a figure's frame then costs what the figure costs. What may change heights out
  // of sight (another width, all folds at once) has it done anew.
  const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, 60));
  const sections = [...document.querySelectorAll("main section section")];
  const [STANDS, PAUSE] = [8000, 400]; // ms, after the page has come, and after whatever the reader did last
  let waiting = [];
  let runs = 0;
  let acted = 0;
  const act = () => {
    acted = performance.now();
  };
  for (const name of ["scroll", "pointerdown", "pointermove", "keydown", "touchmove"])
    addEventListener(name, act, { passive: true });
  const undisturbed = (then) => {
    const left = acted + PAUSE - performance.now();
    if (acted && left > 0) setTimeout(() => undisturbed(then), left);
    else idle(then);
  };
  const whole = () => {
    runs++;
    late(document);
    delete root.dataset.deferred;
    for (const section of sections) section.style.contentVisibility = "";
  };
  const layOut = (run) => {
    if (run !== runs) return;
    const section = waiting.shift();
    if (section) {
      late(section);
      section.style.contentVisibility = "visible";
      section.getBoundingClientRect();
      undisturbed(() => layOut(run));
    } else
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          if (run !== runs) return;
          root.dataset.deferred = "seen";
          for (const section of sections) section.style.contentVisibility = "";
        }),
      );
  };
  const anew = () => {
    whole();
    waiting = [...sections];
    const run = runs;
    undisturbed(() => layOut(run));
  };
  const first = () => {
    waiting = [...sections];
    let begun = false;
    const begin = () => {
      if (begun) return;
      begun = true;
      undisturbed(() => layOut(0));
    };
    setTimeout(begin, "deferred" in root.dataset ? STANDS : 0);
    addEventListener("scroll", begin, { once: true, passive: true });
  };
  if (sections.length) {
    if (document.readyState === "complete") first();
    else addEventListener("load", first);
    let width = innerWidth;
    addEventListener("resize", () => {
      if (innerWidth === width || document.readyState !== "complete") return;
      width = innerWidth;
      anew();
    });
  }

  // Printed is the whole page, with its folds open.
  let opened = [];
  addEventListener("beforeprint", () => {
    whole();
    opened = [...document.querySelectorAll("main details:not([open])")];
    for (const fold of opened) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of opened) fold.open = false;
    opened = [];
    anew();
  });
  land();
})();
