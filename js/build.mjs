// Bundle every js/figures/*.js into lvm_lib/figures/bundle/<name>.js: a classic script that defines lvm_<name>.
// `--check` rebuilds in memory and fails if a committed bundle differs.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "lvm_lib", "figures", "bundle");
const check = process.argv.includes("--check");

await mkdir(out, { recursive: true });
const names = (await readdir(join(here, "figures"))).filter((f) => f.endsWith(".js")).map((f) => basename(f, ".js"));
const stale = (await readdir(out)).filter((f) => f.endsWith(".js") && !names.includes(basename(f, ".js")));
const wrong = stale.map((f) => `${f} has no source`);
for (const name of names.sort()) {
  const { outputFiles } = await build({
    entryPoints: [join(here, "figures", `${name}.js`)],
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    globalName: `lvm_${name}`,
    target: "es2020",
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
  });
  const text = outputFiles[0].text;
  const file = join(out, `${name}.js`);
  if (check) {
    const committed = await readFile(file, "utf8").catch(() => "");
    if (committed !== text) wrong.push(`${name}.js differs from its source: run npm run build`);
  } else {
    await writeFile(file, text);
    console.log(`${name}.js ${(text.length / 1024).toFixed(1)} kB`);
  }
}
if (check && wrong.length) {
  console.error(wrong.join("\n"));
  process.exitCode = 1;
}
