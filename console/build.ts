// Builds the console into console/dist: bundles with a hash in their names, one HTML page from a template, and a size check.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build, type OutputFile } from "esbuild";

export type Sizes = { readonly js: number; readonly css: number };

/** The size limits in bytes after gzip. A larger console is not built. */
const BUDGET: Sizes = { js: 80_000, css: 15_000 };

/**
 * Writes the console to `outdir` and resolves to its sizes in bytes after gzip. Rejects when a source does not compile or a
 * size limit is exceeded.
 */
export async function buildConsole(outdir: string): Promise<Sizes> {
  const source = (path: string): string => new URL(`src/${path}`, import.meta.url).pathname;
  const result = await build({
    entryPoints: [source("main.tsx"), source("boot.ts"), source("styles/styles.css")],
    outdir,
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2023",
    entryNames: "[name]-[hash]",
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    logLevel: "warning",
  });
  const files = result.outputFiles;
  const sizes = { js: gzipSize(files, ".js"), css: gzipSize(files, ".css") };
  if (sizes.js > BUDGET.js || sizes.css > BUDGET.css) {
    throw new Error(
      `The console is too large: ${sizes.js} bytes of script (at most ${BUDGET.js}) and ${sizes.css} of style ` +
        `(at most ${BUDGET.css}), after gzip. Remove something, or load it when it is used.`,
    );
  }
  await rm(outdir, { recursive: true, force: true });
  await mkdir(outdir, { recursive: true });
  for (const file of files) await writeFile(file.path, file.contents);
  await writeFile(`${outdir}/index.html`, await makePage(files, source));
  return sizes;
}

async function makePage(files: readonly OutputFile[], source: (path: string) => string): Promise<string> {
  const named = (name: string): string => {
    const file = files.map((one) => one.path.split("/").at(-1) ?? "").find((one) => one.startsWith(`${name}-`));
    if (file === undefined) throw new Error(`the bundle has no file named ${name}`);
    return `/${file}`;
  };
  const [page, sprite] = await Promise.all(["page.html", "sprite.svg"].map((path) => readFile(source(path), "utf8")));
  return (page ?? "")
    .replace("%BOOT%", named("boot"))
    .replace("%STYLES%", named("styles"))
    .replace("%MAIN%", named("main"))
    .replace("%SPRITE%", (sprite ?? "").replaceAll(/\n\s*/g, ""));
}

function gzipSize(files: readonly OutputFile[], extension: string): number {
  const ours = files.filter((file) => file.path.endsWith(extension));
  return ours.reduce((sum, file) => sum + gzipSync(file.contents, { level: 9 }).length, 0);
}

if (import.meta.main) {
  const startedAt = performance.now();
  const sizes = await buildConsole(new URL("dist", import.meta.url).pathname);
  const kb = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} kB`;
  console.log(
    `console: ${kb(sizes.js)} script, ${kb(sizes.css)} style (gzip), ${Math.round(performance.now() - startedAt)} ms`,
  );
}
