// One mistake per file: each rule finds its own, at its line, and nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePipeline } from "./parse.ts";
import { STEP_FIXTURES } from "./steps.fixture.ts";

function parse(text: string) {
  return parsePipeline({ name: "demo.yaml", text }, STEP_FIXTURES);
}

/** Every problem as `line: text`. */
function mistakes(text: string): readonly string[] {
  const { pipeline, problems } = parse(text);
  assert.equal(pipeline === undefined, problems.length > 0);
  for (const problem of problems) assert(problem.file === "demo.yaml" && (problem.column ?? 0) > 0);
  return problems.map((problem) => `${problem.line}: ${problem.detail}`);
}

/** A whole file around some lines of one job. */
function job(lines: string, params = ""): string {
  return `name: demo\n${params}jobs:\n  build:\n    site: seoul\n${lines}`;
}

const NUMBERS = Array.from({ length: 100 }, (_, at) => at).join(", ");

const single: readonly (readonly [string, string, RegExp])[] = [
  ["no jobs", "name: demo\n", /^1: jobs is missing$/],
  ["no steps", "name: demo\njobs:\n  a:\n    site: x\n", /^3: steps is missing$/],
  ["empty steps", "name: demo\njobs:\n  a:\n    site: x\n    steps: []\n", /^5: steps must not be empty$/],
  ["no name", "jobs:\n  a: { site: x, steps: [{ run: x }] }\n", /^1: name is missing$/],
  ["a list as a file", "- a\n", /^1: a pipeline file is a map/],
  ["a step without action", job("    steps:\n      - title: x\n"), /^6: a step needs `uses` or `run`$/],
  [
    "a step with two actions",
    job(
      "    steps:\n      - run: x\n        uses: git/checkout\n        with: { repository: { project: a, slug: b } }\n",
    ),
    /^6: a step has `uses` or `run`, not both$/,
  ],
  ["with on a script", job("    steps:\n      - run: x\n        with: {}\n"), /^7: `with` is for `uses`/],
  [
    "a folder outside",
    job("    steps:\n      - run: x\n        workingDirectory: ../x\n"),
    /^7: the folder must be below/,
  ],
  ["no input at all", job("    steps:\n      - uses: git/checkout\n"), /^6: git\/checkout: repository is missing$/],
  [
    "a wrong choice",
    job("    steps:\n      - uses: nexus/settings\n        with:\n          formats: [nmp]\n"),
    /^8: nexus\/settings: formats\.0: it must be one of npm, maven, pypi \(did you mean npm\?\)$/,
  ],
  [
    "an expression for the whole input",
    job("    steps:\n      - uses: nexus/settings\n        with:\n          formats: ${{ params.x }}\n"),
    /^8: there is no param x$/,
  ],
  ["self need", job("    needs: build\n    steps: [{ run: x }]\n"), /^5: the job build needs itself$/],
  [
    "twice the same need",
    job("    needs: [a, a]\n    steps: [{ run: x }]\n  a: { site: x, steps: [{ run: x }] }\n"),
    /^5: the job a is named twice$/,
  ],
  [
    "ids differing by case",
    job("    steps: [{ run: x }]\n  Build: { site: x, steps: [{ run: x }] }\n"),
    /^6: the ids build and Build differ only by case$/,
  ],
  [
    "the same id in finally",
    job("    steps: [{ run: x }]\nfinally:\n  build: { site: x, steps: [{ run: x }] }\n"),
    /^7: the id build occurs twice$/,
  ],
  [
    "twice the same step id",
    job("    steps:\n      - { id: a, run: x }\n      - { id: a, run: x }\n"),
    /^7: the id a occurs twice$/,
  ],
  [
    "a reserved id",
    "name: demo\njobs:\n  constructor: { site: x, steps: [{ run: x }] }\n",
    /^3: constructor is not a valid name/,
  ],
  [
    "an id with strange letters",
    "name: demo\njobs:\n  bäu: { site: x, steps: [{ run: x }] }\n",
    /^3: bäu is not a valid name/,
  ],
  [
    "a main job that needs a final one",
    job("    needs: end\n    steps: [{ run: x }]\nfinally:\n  end: { site: x, steps: [{ run: x }] }\n"),
    /^5: the job end runs at the end/,
  ],
  [
    "a huge matrix",
    job(`    matrix: { a: [${NUMBERS}], b: [${NUMBERS}], c: [${NUMBERS}] }\n    steps: [{ run: x }]\n`),
    /^5: the matrix has 1000000 combinations/,
  ],
  [
    "each and matrix",
    job("    each: [a]\n    matrix: { a: [1] }\n    steps: [{ run: x }]\n"),
    /^6: a job has `each` or `matrix`, not both$/,
  ],
  ["no time at all", job("    timeout: 0s\n    steps: [{ run: x }]\n"), /^5: a timeout must be longer than 0$/],
  ["when false", job("    when: 'false'\n    steps: [{ run: x }]\n"), /^5: `when: false` never runs$/],
  ["a broken expression", job("    when: a ||\n    steps: [{ run: x }]\n"), /^5: the expression ends too early$/],
  [
    "an expression that is not closed",
    job('    env: { A: "${{ x" }\n    steps: [{ run: x }]\n'),
    /^5: `\$\{\{` without `\}\}`$/,
  ],
  [
    "an unknown variable",
    job('    env: { A: "${{ param.x }}" }\n    steps: [{ run: x }]\n'),
    /^5: there is no variable param \(did you mean params\?\)$/,
  ],
  [
    "a job that is not needed",
    job("    steps: [{ run: x }]\n  b:\n    site: ${{ needs.build.outputs.x }}\n    steps: [{ run: x }]\n"),
    /^7: b does not need the job build; add it to `needs`$/,
  ],
  [
    "an output that the job lacks",
    job(
      "    steps: [{ run: x }]\n    outputs: { image: a }\n  b:\n    needs: build\n    site: ${{ needs.build.outputs.imge }}\n    steps: [{ run: x }]\n",
    ),
    /^9: the job build has no output imge \(did you mean image\?\)$/,
  ],
  [
    "outputs of a job with each",
    job(
      '    each: [a]\n    steps: [{ run: x }]\n    outputs: { image: a }\noutputs: { x: "${{ jobs.build.outputs.image }}" }\n',
    ),
    /^8: the job build runs once per element: its outputs are in jobs\.build\.each$/,
  ],
  [
    "each without each",
    job('    env: { A: "${{ each.x }}" }\n    steps: [{ run: x }]\n'),
    /^5: `each` is only there in a job with/,
  ],
  [
    "an axis that is not there",
    job('    matrix: { os: [a] }\n    env: { A: "${{ each.ox }}" }\n    steps: [{ run: x }]\n'),
    /^6: the matrix has no axis ox \(did you mean os\?\)$/,
  ],
  [
    "a step that comes later",
    job('    steps:\n      - { run: x, env: { A: "${{ steps.b.outcome }}" } }\n      - { id: b, run: x }\n'),
    /^6: the step b has not run yet at this place$/,
  ],
  [
    "a member of text",
    job('    env: { A: "${{ site.name }}" }\n    steps: [{ run: x }]\n'),
    /^5: site is text and has no member name$/,
  ],
  [
    "an unknown fact of the task",
    job('    env: { A: "${{ task.user }}" }\n    steps: [{ run: x }]\n'),
    /^5: there is no task\.user$/,
  ],
  [
    "a hyphen read as minus",
    job(
      '    steps:\n      - { id: set-image, run: x }\n      - { run: x, env: { A: "${{ steps.set-image.outcome }}" } }\n',
    ),
    /a name with a hyphen is written steps\["set-image"\]$/,
  ],
  [
    "all secrets",
    job('    steps:\n      - { run: x, env: { A: "${{ secrets }}" } }\n'),
    /^6: name one secret: secrets\.NAME$/,
  ],
  [
    "secrets in a condition",
    job("    steps:\n      - { run: x, when: secrets.A == 'x' }\n"),
    /^6: secrets are only there/,
  ],
  [
    "an app where there is none",
    `app: none\n${job('    env: { A: "${{ app.name }}" }\n    steps: [{ run: x }]\n')}`,
    /^6: this pipeline has `app: none`/,
  ],
  [
    "a new app without record",
    `app: new\n${job("    steps: [{ run: x }]\n", "params: { name: string }\n")}`,
    /^1: `app: new` needs `outputs\.app`/,
  ],
  [
    "a new app that is asked for",
    `app: new\noutputs: { app: "\${{ app.source }}" }\n${job("    steps: [{ run: x }]\n", "params: { name: string }\n")}`,
    /^2: the app is only being created/,
  ],
  [
    "a limit that does not fit",
    job("    steps: [{ run: x }]\n", "params: { a: { type: string, minimum: 3 } }\n"),
    /^2: `minimum` is not for type string$/,
  ],
  [
    "a pattern with look-around",
    job("    steps: [{ run: x }]\n", "params: { a: { type: string, pattern: '(?=x)' } }\n"),
    /^2: the pattern cannot be used: look-around/,
  ],
  [
    "a choice of another type",
    job("    steps: [{ run: x }]\n", "params: { a: { type: string, enum: [a, 1] } }\n"),
    /^2: the choice does not fit/,
  ],
  [
    "an unknown type",
    job("    steps: [{ run: x }]\n", "params: { a: { type: strng } }\n"),
    /^2: type must be one of .* \(did you mean string\?\)$/,
  ],
  [
    "an unknown key of a param",
    job("    steps: [{ run: x }]\n", "params: { a: { type: string, titel: x } }\n"),
    /^2: unknown key titel \(did you mean title\?\)$/,
  ],
  [
    "a title with an expression",
    job("    title: Build ${{ params.x }}\n    steps: [{ run: x }]\n"),
    /^5: a title is not filled in$/,
  ],
];

for (const [what, text, expected] of single) {
  test(`finds ${what}`, () => {
    const found = mistakes(text);
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0] ?? "", expected);
  });
}

test("a param that may be absent is a warning, unless it is guarded", () => {
  const params = "params: { a: { type: string }, b: string, c: { type: string, default: x } }\n";
  const env = (source: string) => job(`    env: { A: "\${{ ${source} }}" }\n    steps: [{ run: x }]\n`, params);
  const warnings = (source: string) =>
    parse(env(source)).warnings.map((one) => `${one.line}:${one.column} ${one.detail}`);
  assert.deepEqual(warnings("params.b + params.a"), [
    "6:31 params.a may be absent; give it a default, or write params.?a.orValue(…)",
  ]);
  assert.deepEqual(warnings("params.?a.orValue('')"), []);
  assert.deepEqual(warnings("has(params.a) ? 'x' : params.c"), []);
});

test("every cycle is named once", () => {
  const text = ["a: b", "b: c", "c: a", "d: a", "e: f", "f: e"]
    .map((line) => line.split(": "))
    .map(([id, need]) => `  ${id}: { site: x, needs: ${need}, steps: [{ run: x }] }`)
    .join("\n");
  assert.deepEqual(mistakes(`name: demo\njobs:\n${text}\n`), [
    "3: jobs need each other: a → b → c → a",
    "7: jobs need each other: e → f → e",
  ]);
});
