// Builds the pages into api/pages/built, which the api serves: HTML by name, everything else by hash in assets/.
//
//   node build.mjs            one build
//   node build.mjs --watch    a build after each change, for development

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { languages } from "./languages.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const built = join(here, "..", "api", "pages", "built");
const fresh = `${built}.new`;
/** Each page and the module that starts it. */
const pages = { storefront: "src/storefront/main.tsx", console: "src/console/main.tsx" };
const options = {
  absWorkingDir: here,
  bundle: true,
  format: "esm",
  target: ["chrome120", "firefox121", "safari17.5"],
  jsx: "automatic",
  jsxImportSource: "preact",
  minify: true,
  sourcemap: false,
  legalComments: "linked",
  define: { LANGUAGES: JSON.stringify(languages()) },
  logLevel: "warning",
};

async function build() {
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const { metafile } = await esbuild.build({
    ...options,
    entryPoints: Object.values(pages),
    outdir: join(fresh, "assets"),
    entryNames: "[hash]/[dir]-[name]",
    chunkNames: "[hash]/[name]",
    assetNames: "[hash]/[name]",
    splitting: true,
    metafile: true,
  });
  const outputs = Object.entries(metafile.outputs).map(([path, output]) => [
    path.slice(path.indexOf("assets/")),
    output,
  ]);
  for (const [page, entry] of Object.entries(pages)) {
    const [script, output] = outputs.find(([, each]) => each.entryPoint === entry);
    const template = readFileSync(join(here, `${page}.html`), "utf8");
    writeFileSync(join(fresh, `${page}.html`), template.replace("<!-- built -->", head(script, output)));
  }
  await worker(filesOf(pages.storefront, metafile.outputs));
  writeFileSync(join(fresh, "manifest.webmanifest"), readFileSync(join(here, "manifest.webmanifest")));
  writeFileSync(join(fresh, "icon.svg"), readFileSync(join(here, "icon.svg")));
  rmSync(built, { recursive: true, force: true });
  renameSync(fresh, built);
}

/** Return the elements that load an entry: its styles, itself, and early what it imports. */
function head(script, output) {
  const imports = output.imports.filter((each) => each.kind === "import-statement").map((each) => each.path);
  const early = imports.map((path) => `<link rel="modulepreload" href="assets/${inner(path)}">`);
  const styles = output.cssBundle ? [`<link rel="stylesheet" href="assets/${inner(output.cssBundle)}">`] : [];
  return [...styles, `<script type="module" src="${script}"></script>`, ...early].join("\n");
}

/** Return a path below assets/. */
function inner(path) {
  return join(basename(dirname(path)), basename(path));
}

/** Return the names of an entry's files: what it imports at once or later, and its styles. */
function filesOf(entry, outputs) {
  const found = new Set(Object.keys(outputs).filter((path) => outputs[path].entryPoint === entry));
  for (const path of found) {
    const { imports, cssBundle } = outputs[path];
    for (const each of imports) found.add(each.path);
    if (cssBundle) found.add(cssBundle);
  }
  return [...found].map((path) => path.slice(path.indexOf("assets/"))).sort();
}

/** Build the service worker, which knows the names of the storefront's files. */
async function worker(shell) {
  const version = createHash("sha256").update(shell.join("\n")).digest("hex").slice(0, 16);
  await esbuild.build({
    ...options,
    legalComments: "none",
    entryPoints: ["src/offline/worker.ts"],
    outfile: join(fresh, "worker.js"),
    define: { SHELL: JSON.stringify(shell), VERSION: JSON.stringify(version) },
  });
}

if (process.argv.includes("--watch")) {
  const { watch } = await import("node:fs");
  let due = setTimeout(() => {}, 0);
  for (const folder of ["src", "languages"])
    watch(join(here, folder), { recursive: true }, () => {
      clearTimeout(due);
      due = setTimeout(() => build().catch(() => {}), 50);
    });
}
await build();
