// The import walls. A new edge is a design decision: change this table in its own commit and say why.

import assert from "node:assert/strict";
import { posix } from "node:path";
import { test } from "node:test";
import { isTest, sources } from "./sources.ts";

type Edge = { readonly to: RegExp; readonly typeOnly?: true };

const CORE: Edge = { to: /^core\// };
const RUNTIME: Edge = { to: /^runtime\// };
const WIRE: Edge = { to: /^wire\// };
const JOURNAL: Edge = { to: /^journal\// };
const PROCESS = [CORE, RUNTIME, WIRE, JOURNAL];

const MAY_IMPORT: Readonly<Record<string, readonly Edge[]>> = {
  core: [],
  runtime: [CORE],
  wire: [CORE, RUNTIME],
  journal: [CORE, RUNTIME],
  connectors: [CORE, RUNTIME],
  "task-agent": PROCESS,
  "task-runner": [...PROCESS, { to: /^connectors\/steps\.ts$/ }],
  "notify-agent": [...PROCESS, { to: /^connectors\/[^/]+\/channel\.ts$/ }],
  "portal-api": [...PROCESS, { to: /^connectors\/[^/]+\/webhook\.ts$/ }],
  // The table of states is one for console, mail and chat, so it is the one value that the console takes.
  console: [
    { to: /^core\//, typeOnly: true },
    { to: /^runtime\//, typeOnly: true },
    { to: /^wire\//, typeOnly: true },
    { to: /^core\/task\/states\.ts$/ },
  ],
  // `backup`, `restore` and `archive` work on files, where no process answers.
  cli: [
    CORE,
    RUNTIME,
    WIRE,
    { to: /^journal\/(sqlite\/backup|archive\/archive)\.ts$/ },
    { to: /^(task-agent|task-runner|notify-agent|portal-api)\/main\.ts$/ },
    { to: /^lab\/start\.ts$/ },
  ],
  lab: [{ to: /./ }],
  // What runs in the image beside the processes; it knows nothing of them.
  deploy: [],
};

/** Packages that are pure enough for core. */
const CORE_PACKAGES = /^(zod|yaml|@marcbachmann\/cel-js)$/;
const WORLD =
  /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\brandomUUID\(|\bprocess\.[a-z]|\bfetch\(|\bset(Timeout|Interval|Immediate)\(|\bperformance\./;
const IMPORT = /^\s*(?:import|export)(\s+type)?\b[^"';]*?from\s+"([^"]+)"|\bimport(?:\s+|\(\s*)"([^"]+)"/gm;

for (const { path, text } of sources(/^[a-z-]+\/.*\.tsx?$/)) {
  const folder = path.slice(0, path.indexOf("/"));
  test(`walls: ${path}`, () => {
    const edges = MAY_IMPORT[folder];
    assert.ok(edges, `the folder ${folder} is not in the table`);
    for (const [, type, from, bare] of text.matchAll(IMPORT)) {
      const spec = from ?? bare ?? "";
      const to = spec.startsWith(".") ? posix.join(posix.dirname(path), spec) : spec.replace(/^@gantry\//, "");
      if (to.startsWith(`${folder}/`)) continue;
      if (to === spec) {
        if (folder === "core" && !isTest(path)) assert.match(spec, CORE_PACKAGES, `core may not import ${spec}`);
        continue;
      }
      // A test may use the lab's stand-ins, and the journal in memory.
      if (isTest(path) && /^(lab|journal|connectors)\//.test(to)) continue;
      assert.ok(
        edges.some((edge) => edge.to.test(to) && (!edge.typeOnly || type)),
        `${folder} may not import ${to}`,
      );
    }
    if (folder === "core" && !isTest(path))
      assert.doesNotMatch(text, WORLD, "core takes time, chance and the world as arguments");
  });
}
