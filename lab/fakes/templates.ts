// The templates of the lab: those that ship. A company changes them, and so does the lab: its web service uses a library
// that only the Nexus of the lab has.

import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SHIPPED = fileURLToPath(new URL("../../pipelines/templates/", import.meta.url));

/** Writes them anew below `dir`. Answers the folder of each, by its name. */
export function writeLabTemplates(dir: string): ReadonlyMap<string, string> {
  rmSync(dir, { recursive: true, force: true });
  cpSync(SHIPPED, dir, { recursive: true });
  const service = join(dir, "web-service");
  change(join(service, "package.json.tmpl"), '"build": "node build.js"\n  }\n', (all) =>
    all.replace(/\n$/, ',\n  "dependencies": {\n    "@lab/greeting": "^1.0.0"\n  }\n'),
  );
  change(
    join(service, "src/server.js.tmpl"),
    'import { createServer } from "node:http";\n',
    (all) => `${all}import { greet } from "@lab/greeting";\n`,
  );
  change(join(service, "src/server.js.tmpl"), "`Hello from ${TITLE}.`", () => "greet(TITLE)");
  return new Map(readdirSync(dir).map((name) => [name, join(dir, name)]));
}

function change(file: string, part: string, to: (part: string) => string): void {
  const text = readFileSync(file, "utf8");
  if (!text.includes(part)) throw new Error(`${file} has no ${part}`);
  writeFileSync(file, text.replace(part, to(part)));
}
