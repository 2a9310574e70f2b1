// Bundle what the book ships, each as one classic script:
//   js/figures/*.js  ->  lvm_lib/figures/bundle/<name>.js, which defines lvm_<name>
//   js/page/*.js     ->  assets/bundle/<name>.min.js, which runs in a page of the book
// A script that is imported as "text:<path>" is bundled by itself and comes as a text, for a Worker from a Blob.
// `--check` rebuilds in memory and fails if a committed bundle differs.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const check = process.argv.includes("--check");
const wrong = [];

const shape = { bundle: true, write: false, minify: true, format: "iife", target: "es2020", charset: "utf8" };

/** Imports of "text:<path>". */
const asText = {
  name: "text",
  setup(on) {
    on.onResolve({ filter: /^text:/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path.slice("text:".length)),
      namespace: "text",
    }));
    on.onLoad({ filter: /.*/, namespace: "text" }, async ({ path }) => {
      const { outputFiles } = await build({ ...shape, entryPoints: [path] });
      return { contents: outputFiles[0].text, loader: "text" };
    });
  },
};

/** Bundle every script of a folder; those in its own folders are parts of them. */
async function bundles(folder, out, ending, globalName) {
  await mkdir(out, { recursive: true });
  const names = (await readdir(join(here, folder))).filter((f) => f.endsWith(".js")).map((f) => basename(f, ".js"));
  const stale = (await readdir(out)).filter((f) => f.endsWith(ending) && !names.includes(basename(f, ending)));
  wrong.push(...stale.map((f) => `${f} has no source`));
  for (const name of names.sort()) {
    const { outputFiles } = await build({
      entryPoints: [join(here, folder, `${name}.js`)],
      ...shape,
      globalName: globalName?.(name),
      plugins: [asText],
      legalComments: "none",
      logLevel: "warning",
    });
    const text = outputFiles[0].text;
    const file = join(out, `${name}${ending}`);
    if (check) {
      const committed = await readFile(file, "utf8").catch(() => "");
      if (committed !== text) wrong.push(`${name}${ending} differs from its source: run npm run build`);
    } else {
      await writeFile(file, text);
      console.log(`${name}${ending} ${(text.length / 1024).toFixed(1)} kB`);
    }
  }
}

await bundles("figures", join(here, "..", "lvm_lib", "figures", "bundle"), ".js", (name) => `lvm_${name}`);
await bundles("page", join(here, "..", "assets", "bundle"), ".min.js");
if (check && wrong.length) {
  console.error(wrong.join("\n"));
  process.exitCode = 1;
}
