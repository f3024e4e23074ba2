import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testRuns } from "../test-runs.fixture.ts";
import { parsePipeline } from "./parse.ts";
import { STEP_FIXTURES } from "./steps.fixture.ts";

function parse(text: string) {
  return parsePipeline({ name: "demo.yaml", text }, STEP_FIXTURES);
}

test("a small file becomes a whole pipeline", () => {
  const { pipeline, problems, warnings } = parse(`
name: demo
params:
  name: string
  count: { type: integer, default: 3, required: true }
  tags: { type: array, items: string, required: true }
jobs:
  build:
    site: seoul
    labels: big
    timeout: 1h30m
    retry: 2
    env: { A: "1" }
    steps:
      - uses: git/checkout
        with: { repository: { project: A, slug: b } }
      - run: |
          # build
          make
      - run: make test
        retry: { max: 3, delay: 1s, exitCodes: [75] }
        when: \${{ params.count > 2 }}
        timeout: 90s
  deploy:
    needs: build
    site: tokyo
    matrix: { region: [a, b] }
    steps: [{ run: "true" }]
finally:
  clean:
    site: seoul
    steps: [{ run: "true", when: always }]
`);
  assert.deepEqual(problems, []);
  assert.deepEqual(warnings, []);
  assert(pipeline);
  assert.deepEqual(pipeline.params, {
    type: "object",
    properties: {
      name: { type: "string" },
      count: { type: "integer", default: 3 },
      tags: { type: "array", items: { type: "string" } },
    },
    required: ["name", "tags"],
    additionalProperties: false,
  });
  const [build, deploy] = pipeline.jobs;
  assert.equal(build?.timeoutMs, 5_400_000);
  const on = ["failed", "errored", "timed-out"];
  assert.deepEqual(build?.retry, { max: 2, delayMs: 10_000, on }, "a script that exits 1 is tried again");
  assert.deepEqual(
    build?.steps.map(({ retry }) => retry),
    [undefined, undefined, { max: 3, delayMs: 1_000, on, exitCodes: [75] }],
  );
  assert.deepEqual(build?.labels, ["big"]);
  assert.deepEqual(
    build?.steps.map((step) => [step.id, step.title, step.when, step.timeoutMs]),
    [
      ["checkout", "git/checkout", undefined, undefined],
      ["run", "# build", undefined, undefined],
      ["run-2", "make test", "params.count > 2", 90_000],
    ],
  );
  assert.deepEqual(deploy?.needs, ["build"]);
  assert.deepEqual(
    pipeline.finally.map((one) => one.id),
    ["clean"],
  );
  assert.equal(pipeline.app, "existing");
  assert.equal(pipeline.button, "Run demo");
});

test("a file with many mistakes reports them all, each at its place", () => {
  const text = `name: demo
params:
  branch: string
  count: { type: integer, default: x }
jobs:
  build:
    site: seoul
    titel: hi
    steps:
      - uses: git/chekout
      - id: co
        uses: git/checkout
        with:
          repository: { project: a }
          depth: "1"
          dept: 1
      - run: echo \${{ params.branch }}
      - run: echo $X
        env:
          X: "\${{ steps.co.outputs.comit }} \${{ params.brnch }}"
          Y: \${{ secrets.TOKEN }}
    env:
      Z: \${{ secrets.TOKEN }}
  test:
    needs: [lint, biuld]
    site: \${{ app.build.site }}
    steps: [{ run: x }]
  lint:
    needs: test
    site: x
    timeout: 10
    retry: many
    when: true
    steps: [{ run: x }]
`;
  const { problems } = parse(text);
  assert.deepEqual(
    problems.map((problem) => `${problem.line}:${problem.column} ${problem.detail}`),
    [
      "4:36 the default does not fit: it must be a whole number, not text",
      "8:5 unknown key titel (did you mean title?)",
      "10:15 there is no step git/chekout (did you mean git/checkout?)",
      "14:11 git/checkout: repository: slug is missing",
      "15:18 git/checkout: depth must be a whole number, not text",
      "16:11 git/checkout: dept is not known (did you mean depth?)",
      "17:9 a script cannot contain an expression; pass the value with `env` and use the variable",
      "20:19 the step co has no output comit (did you mean commit?)",
      "20:49 there is no param brnch (did you mean branch?)",
      "23:14 secrets can only be used in `with` and `env` of a step: they never leave the site",
      "25:5 jobs need each other: test → lint → test",
      "25:19 there is no job biuld (did you mean build?)",
      '31:14 timeout must be a duration such as "30s", "10m" or "1h30m"',
      "32:12 retry must be a number up to 20, or a map with `max`",
      "33:11 when must be an expression, or `always`",
    ],
  );
});

test("one mistake is one message, in words", () => {
  const rows: readonly (readonly [job: string, problems: readonly string[]])[] = [
    ["steps: [{ run: '' }]", ["run must not be empty"]],
    ["steps: [{ run: }]", ["run must be text"]],
    ["steps: [{ uses: '' }]", ["uses must not be empty"]],
    ["steps: [{ title: x }]", ["a step needs `uses` or `run`"]],
    ["when: ''\n    steps: [{ run: x }]", ["the expression is empty"]],
    [
      "env: { '': x }\n    steps: [{ run: x }]",
      ["an empty text is not a valid name: a variable has letters, digits and `_`"],
    ],
    ["when: status = 'failed'\n    steps: [{ run: x }]", ["`=` cannot be used here; compare with `==` or `!=`"]],
  ];
  for (const [job, expected] of rows) {
    const { problems } = parse(`name: demo\njobs:\n  a:\n    site: x\n    ${job}\n`);
    assert.deepEqual(
      problems.map(({ detail }) => detail),
      expected,
      job,
    );
  }
});

test("any text gives an answer in bounded time", () => {
  const words = fc.constantFrom(
    "name: ",
    "jobs:",
    "\n",
    "\n  ",
    "\n    ",
    "\n      - ",
    "steps: ",
    "site: x",
    "run: ",
    "uses: git/checkout",
    "${{ ",
    " }}",
    "[",
    "]",
    "{",
    "}",
    ": ",
    "- ",
    "&a ",
    "*a",
    "!!str ",
    "'",
    '"',
    "|\n",
    "# ",
    "params",
    "null",
    "1",
    "é",
    "\t",
    "? ",
    "when: ",
    "needs: ",
    "<<: ",
    "%YAML 1.1",
    "---",
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(words, { maxLength: 60 }).map((list) => list.join("")),
  );
  fc.assert(
    fc.property(text, (source) => {
      const { pipeline, problems } = parse(source);
      assert.equal(pipeline === undefined, problems.length > 0);
      for (const problem of problems) assert((problem.line ?? 0) > 0 && (problem.column ?? 0) > 0);
    }),
    { numRuns: testRuns(1_500) },
  );
});

test("a valid file with one value changed to anything never crashes the parser", () => {
  const base = {
    name: "demo",
    params: { a: { type: "string" } },
    jobs: { build: { site: "x", steps: [{ run: "x", env: { A: "b" } }] } },
    outputs: { x: "y" },
  };
  const paths = [
    ["name"],
    ["params"],
    ["params", "a"],
    ["jobs"],
    ["jobs", "build"],
    ["jobs", "build", "site"],
    ["jobs", "build", "steps"],
    ["jobs", "build", "steps", "0"],
    ["jobs", "build", "steps", "0", "env"],
    ["outputs"],
    ["concurrency"],
    ["finally"],
    ["jobs", "build", "matrix"],
    ["jobs", "build", "retry"],
  ];
  fc.assert(
    fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
      const copy: Record<string, unknown> = structuredClone(base);
      let at: Record<string, unknown> = copy;
      for (const step of path.slice(0, -1)) at = at[step] as Record<string, unknown>;
      at[path.at(-1) ?? ""] = value;
      parse(JSON.stringify(copy));
    }),
    { numRuns: testRuns(800) },
  );
});
