// The import boundaries between folders. A new edge is a design decision: change this table in its own commit and say why.

import assert from "node:assert/strict";
import { posix } from "node:path";
import { test } from "node:test";
import { findCycles } from "./cycles.ts";
import { DEMO, isTest } from "./sources.ts";
import { type Import, importsOf, project } from "./typescript-project.ts";

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
  "task-runner": [
    CORE,
    RUNTIME,
    WIRE,
    { to: /^connectors\/steps\.ts$/ },
    // What a runner watches beside its jobs, for the state of the fleet.
    { to: /^connectors\/[^/]+\/watch\.ts$/ },
  ],
  "notify-agent": [...PROCESS, { to: /^connectors\/[^/]+\/channel\.ts$/ }],
  "portal-api": PROCESS,
  // The table of states is the same for the console, mail and chat, so the console imports it as a value.
  console: [
    { to: /^core\//, typeOnly: true },
    { to: /^runtime\//, typeOnly: true },
    { to: /^wire\//, typeOnly: true },
    { to: /^core\/task\/states\.ts$/ },
    // So is the table of the live states of targets.
    { to: /^core\/fleet\/live-states\.ts$/ },
    // Commands in a log mean the same to the runner, the console and the command line.
    { to: /^core\/log\/commands\.ts$/ },
    { to: /^core\/log\/command-words\.ts$/ },
    // What an option of a proposal changes is the same for the console and the command line.
    { to: /^core\/proposal\/proposal\.ts$/ },
  ],
  // `backup`, `restore`, `archive` and `audit` work on files, also while no process runs.
  cli: [
    CORE,
    RUNTIME,
    WIRE,
    { to: /^journal\/sqlite\/backup\.ts$/ },
    { to: /^journal\/sqlite\/read-file\.ts$/ },
    { to: /^journal\/archive\/archive\.ts$/ },
    { to: /^task-agent\/main\.ts$/ },
    { to: /^task-runner\/main\.ts$/ },
    { to: /^notify-agent\/main\.ts$/ },
    { to: /^portal-api\/main\.ts$/ },
    // `start --config` reads the files of an installation (decision 0030).
    { to: /^task-agent\/config\.ts$/ },
    { to: /^task-runner\/config\.ts$/ },
    { to: /^notify-agent\/config\.ts$/ },
    { to: /^portal-api\/config\.ts$/ },
    { to: /^lab\/start\.ts$/ },
  ],
  lab: [{ to: /./ }],
  // Code that runs in the image beside the processes and imports nothing of them.
  deploy: [],
};

/** Import cycles that exist on purpose, as sorted lists of files, each with its reason. Keep this empty. */
const KNOWN_CYCLES: readonly (readonly string[])[] = [];

/** Packages that are pure enough for core. */
const CORE_PACKAGES = /^(zod|yaml|croner|@marcbachmann\/cel-js)$/;
/** Also without a call: `const now = Date.now` is as impure, and so are `new Date` and `const { now } = Date`. */
const IMPURE =
  /\bDate\.now\b|\bnew Date\b(?!\([^)])|\bMath\.random\b|\bcrypto\.|\bconsole\.|\bglobalThis\b|\}\s*=\s*(Date|Math|process)\b|\bprocess\.[a-z]|\bfetch\(|\bset(Timeout|Interval|Immediate)\(|\bperformance\./;

const files = project.files.filter(({ path }) => path.includes("/"));
const importsByFile = new Map(files.map((file) => [file.path, importsOf(file)]));

/** The imported file, or undefined when it is a package of somebody else's. */
function targetOf(path: string, { specifier }: Import): string | undefined {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(path), specifier);
  return specifier.startsWith("@gantry/") ? specifier.replace("@gantry/", "") : undefined;
}

for (const { path, text } of files) {
  const folder = path.slice(0, path.indexOf("/"));
  test(`import boundaries: ${path}`, () => {
    const edges = MAY_IMPORT[folder];
    assert.ok(edges, `the folder ${folder} is not in the table`);
    for (const one of importsByFile.get(path) ?? []) {
      assert.ok(
        isTest(path) || (folder === "lab" && !DEMO.test(path)) || !isTest(one.specifier),
        `line ${one.line}: only tests may import ${one.specifier}`,
      );
      const to = targetOf(path, one);
      if (to === undefined) {
        if (folder === "core" && !isTest(path) && !/^node:(test|assert)/.test(one.specifier))
          assert.match(one.specifier, CORE_PACKAGES, `line ${one.line}: core may not import ${one.specifier}`);
        continue;
      }
      if (to.startsWith(`${folder}/`)) continue;
      // Tests may use the fakes of the lab, the journal in memory, connectors, and the runtime.
      if (isTest(path) && /^(lab|journal|connectors|runtime)\//.test(to)) continue;
      const matching = edges.filter((edge) => edge.to.test(to));
      assert.ok(
        matching.some((edge) => !edge.typeOnly || one.typeOnly),
        matching.length > 0
          ? `line ${one.line}: ${folder} may only import types of ${to}: write \`import type\``
          : `line ${one.line}: ${folder} may not import ${to}; MAY_IMPORT in this check says what it may`,
      );
    }
    if (folder === "core" && !isTest(path))
      assert.doesNotMatch(text, IMPURE, "core takes time, random numbers and everything outside as arguments");
  });
}

test("import boundaries: every edge of the table is used", () => {
  for (const [folder, edges] of Object.entries(MAY_IMPORT)) {
    const targets = files
      .filter(({ path }) => path.startsWith(`${folder}/`) && !isTest(path))
      .flatMap(({ path }) => importsByFile.get(path)?.map((one) => ({ to: targetOf(path, one), one })) ?? []);
    for (const edge of edges) {
      assert.doesNotMatch(edge.to.source, /\|/, "one entry per edge, so that an unused one is found");
      const isUsed = targets.some(
        ({ to, one }) =>
          to !== undefined && !to.startsWith(`${folder}/`) && edge.to.test(to) && (!edge.typeOnly || one.typeOnly),
      );
      assert.ok(isUsed, `${folder} imports nothing that matches ${edge.to}: remove the edge`);
    }
  }
});

test("import boundaries: no import cycles, type imports included", () => {
  const graph = new Map(
    files.map(({ path }) => [path, (importsByFile.get(path) ?? []).flatMap((one) => targetOf(path, one) ?? [])]),
  );
  const cycles = findCycles(graph);
  const known = new Set(KNOWN_CYCLES.map((cycle) => cycle.toSorted().join(" ")));
  const unknown = cycles.filter((cycle) => !known.has(cycle.toSorted().join(" ")));
  assert.deepEqual(
    unknown.map((cycle) => cycle.join(" ↔ ")),
    [],
    "files that import each other, directly or through others",
  );
  assert.equal(known.size, cycles.length - unknown.length, "a cycle of KNOWN_CYCLES is gone: remove it there");
});
