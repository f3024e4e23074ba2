// The console for development: the ordinary build, and a script in the page that reloads it after a new build and after a
// restart of Gantry. `npm run build` writes the page without the script again.

import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { buildConsole } from "@gantry/console/build.ts";

const DIST = fileURLToPath(new URL("../../console/dist", import.meta.url));

/** A page names its bundles by their hashes, so it differs when the console does. Polling needs no server of its own. */
const RELOAD = `// Written by lab/dev/console.ts; not part of the product.
let shown;
let wasAway = false;
async function look() {
  try {
    const page = await (await fetch("/", { headers: { accept: "text/html" }, cache: "no-store" })).text();
    if (wasAway || (shown !== undefined && shown !== page)) location.reload();
    shown = page;
  } catch {
    wasAway = true;
  }
  setTimeout(look, 500);
}
look();
`;

/** Returns how long the build took, in milliseconds. Rejects when a source does not compile; the last build stays then. */
export async function buildConsoleForDev(): Promise<number> {
  const startedAt = performance.now();
  await buildConsole(DIST);
  const page = await readFile(`${DIST}/index.html`, "utf8");
  await writeFile(`${DIST}/dev-reload.js`, RELOAD);
  await writeFile(
    `${DIST}/index.html`,
    page.replace("</head>", '  <script type="module" src="/dev-reload.js"></script>\n  </head>'),
  );
  return Math.round(performance.now() - startedAt);
}
