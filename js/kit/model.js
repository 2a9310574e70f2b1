// The way between a figure's state and its traits: { state key: trait name }.

export function bind(model, traits, { changed, busy = () => false }) {
  let writing = false;
  const read = () => Object.fromEntries(Object.entries(traits).map(([key, trait]) => [key, model.get(trait)]));
  const listener = () => {
    if (!writing && !busy()) changed(read());
  };
  for (const trait of Object.values(traits)) model.on(`change:${trait}`, listener);
  return {
    read,
    /** Write values by trait name, only those that differ, and send them once. */
    write(values) {
      const fresh = Object.entries(values).filter(([trait, value]) => model.get(trait) !== value);
      if (!fresh.length) return;
      writing = true;
      try {
        for (const [trait, value] of fresh) model.set(trait, value);
        model.save_changes();
      } finally {
        writing = false;
      }
    },
    release: () => {
      for (const trait of Object.values(traits)) model.off(`change:${trait}`, listener);
    },
  };
}
