// Brings the live figures of a page to life, without a kernel and without a module loader.
//
// A figure is an element [data-lvm-live="elbo"][data-lvm-id][data-lvm-state]. When it comes near the window, two
// classic scripts are loaded (fetch and module scripts are refused on file://): the figure's bundle, which defines
// `lvm_<name>`, and its side file, which calls lvmFigureState(id, state). Then the bundle draws, given a model
// with the interface that anywidget gives it in Jupyter: get, set, save_changes, on, off.
(() => {
  "use strict";
  const statics = new URL(".", document.currentScript.src).href;
  const states = new Map();
  window.lvmFigureState = (id, state) => states.set(id, state);

  const loading = new Map();
  const script = (url) => {
    if (!loading.has(url)) {
      loading.set(
        url,
        new Promise((resolve, reject) => {
          const tag = document.createElement("script");
          tag.src = url;
          tag.onload = resolve;
          tag.onerror = () => reject(new Error(`${url.split("/").pop()} could not be loaded`));
          document.head.append(tag);
        }),
      );
    }
    return loading.get(url);
  };

  // A buffer that an earlier figure of the chapter holds too stands in that figure's file alone.
  const whole = async ({ traits, buffers }, url) => {
    const found = buffers.map(async ({ path, data, from }) => {
      if (!from) return { path, data };
      const [id, place] = from;
      if (!states.has(id)) await script(new URL(`${id}.js`, url).href);
      const lent = states.get(id)?.buffers[place]?.data;
      if (!lent) throw new Error("its files are damaged");
      return { path, data: lent };
    });
    return { traits, buffers: await Promise.all(found) };
  };

  const bytes = (base64) => new DataView(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);

  const modelOf = ({ traits, buffers }) => {
    const values = { ...traits };
    for (const { path, data } of buffers) {
      let place = values;
      for (const key of path.slice(0, -1)) place = place[key];
      place[path.at(-1)] = bytes(data);
    }
    const listeners = new Map();
    const emit = (event) => {
      for (const call of listeners.get(event) ?? []) call();
    };
    return {
      get: (name) => values[name],
      set: (name, value) => {
        if (values[name] === value) return;
        values[name] = value;
        emit(`change:${name}`);
        emit("change");
      },
      save_changes: () => {},
      send: () => {},
      /** What a script beside the figures' bundles holds, under its name. */
      beside: async (name) => {
        await script(`${statics}figures/${name}.js`);
        if (!states.has(name)) throw new Error(`${name}.js is damaged`);
        return states.get(name);
      },
      on: (event, call) => {
        listeners.set(event, [...(listeners.get(event) ?? []), call]);
      },
      off: (event, call) => {
        listeners.set(event, call ? (listeners.get(event) ?? []).filter((other) => other !== call) : []);
      },
    };
  };

  const fail = (host, error) => {
    const note = document.createElement("p");
    note.className = "lvm-note lvm-failed";
    note.setAttribute("role", "alert");
    note.textContent = `This figure could not start (${error.message}). The picture shows its first state.`;
    host.append(note);
    host.dataset.lvmStatus = "failed";
  };

  const start = async (host) => {
    const { lvmLive: name, lvmId: id, lvmState: url } = host.dataset;
    const place = document.createElement("div");
    place.className = "lvm-place";
    try {
      const side = new URL(url, document.baseURI).href;
      await Promise.all([script(`${statics}figures/${name}.js`), script(side)]);
      const bundle = window[`lvm_${name}`];
      if (!bundle || !states.has(id)) throw new Error("its files are damaged");
      const state = await whole(states.get(id), side);
      host.append(place);
      await bundle.default.render({ model: modelOf(state), el: place });
      // its own words say what failed
      host.dataset.lvmStatus = place.querySelector("[data-failed]") ? "failed" : "alive";
    } catch (error) {
      place.remove();
      fail(host, error);
    }
  };

  const near =
    "IntersectionObserver" in window &&
    new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries) {
          if (!isIntersecting) continue;
          near.unobserve(target);
          start(target);
        }
      },
      { rootMargin: "500px 0px" },
    );
  const expect = (host) => (near ? near.observe(host) : start(host));
  document.addEventListener("lvm-host", ({ target }) => expect(target)); // one that comes later
  // The page is painted first, then figures ask for their files.
  const painted = (act) => requestAnimationFrame(() => requestAnimationFrame(act));
  painted(() => document.querySelectorAll("[data-lvm-live]").forEach(expect));
})();
