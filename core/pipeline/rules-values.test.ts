// Pipeline files that could be read and that would fail, or never do something, at run time. Each has one mistake.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { file, job, RUN_TIME_MISTAKES } from "./mistakes.fixture.ts";
import { parsePipeline } from "./parse.ts";
import { STEP_FIXTURES } from "./steps.fixture.ts";

function mistakes(text: string): readonly string[] {
  return parsePipeline({ name: "demo.yaml", text }, STEP_FIXTURES).problems.map(
    ({ line, detail }) => `${line}: ${detail}`,
  );
}

describe("lint finds what would fail, or never do anything", () => {
  for (const [what, text, detail] of RUN_TIME_MISTAKES)
    test(what, () => {
      const found = mistakes(text);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", detail);
    });
});

const right: readonly (readonly [what: string, text: string])[] = [
  ["an outcome that must not be", file({ job: "when: \"!(needs.first.outcome == 'failed')\"" })],
  ["an outcome of the job in a step", file({ step: 'when: needs.first.outcome == "failed" || params.dry' })],
  ["an outcome that depends on another", file({ step: "when: (steps.one.outcome == 'failed') == params.dry" })],
  ["a choice and a text", file({ step: "when: params.stage == 'dev' && params.who == 'x' && !params.dry" })],
  ["a param that may be missing", file({ step: "when: has(params.dry) && params.dry" })],
  ["the name of a param", file({ step: "when: \"'dry' in params && params.?dry.orValue(true)\"" })],
  ["a test for an output", file({ step: "when: has(steps.one.outputs.x) && steps.one.outputs.x == 'failed'" })],
  ["an outcome that may be missing", file({ step: "when: steps.?one.?outcome.orValue('') != 'failed'" })],
  ["every outcome of a list", file({ job: "when: needs.exists(id, needs[id].outcome == 'skipped')" })],
  ["a list of labels from a param", file({ job: "labels: ${{ params.list }}" })],
  ["a list among labels", file({ job: 'labels: [linux, "${{ params.list + params.list }}", "${{ [] }}"]' })],
  ["a number and a choice as labels", file({ job: 'labels: ["${{ params.n }}", "${{ params.stage }}"]' })],
  ["a boolean param", file({ job: "when: params.dry" })],
  ["a comparison", file({ job: "when: params.n > 3 && params.ratio == 1 && params.stage in ['dev']" })],
  ["an outcome together with status", file({ step: 'when: status != "succeeded" && steps.one.outcome == "failed"' })],
  [
    "an outcome that is skipped",
    file({ step: 'when: params.dry\n      - { id: three, run: x, when: steps.run.outcome == "skipped" }' }),
  ],
  [
    "a step that may fail",
    file({ step: 'continueOnError: true\n      - { run: x, when: steps.run.outcome != "succeeded" }' }),
  ],
  ["an element of some jobs", file({ job: "each: [a, b]", step: "when: each == 'b'" })],
  [
    "a number of some jobs",
    file({ job: "matrix: { node: [20, 22], include: [{ node: 24 }] }", step: "when: each.node > 22" }),
  ],
  [
    "a member of some elements",
    file({ job: "each: [{ name: a, x: 1 }, { name: b }]", step: "when: each.?x.orValue(0) == 1" }),
  ],
  ["an element that a task gives", file({ job: "each: ['${{ params.who }}', b]", step: "when: each == 'c'" })],
  [
    "the site that a param names",
    file({ step: "when: site == 'tokyo'" }).replace("site: seoul", "site: ${{ params.who }}"),
  ],
  [
    "the answers of approvals",
    file({
      job: "approval: { question: q, inputs: { n: integer, r: number, ok: boolean, many: { type: array, items: string } } }",
      step: "when: approval.inputs.ok && approval.inputs.n > 3 && approval.inputs.r > 1.5 && approval.inputs.many.exists(x, x == approval.by)",
      rest: "  other:\n    site: x\n    approval: { question: q, inputs: { n: string } }\n    steps: [{ run: x, when: approval.inputs.n == 'a' }]\n",
    }),
  ],
  ["a person who starts it", file({ job: "when: trigger.kind == 'person'" })],
  ["a step after a cancel", file({ step: 'when: status == "canceled"' })],
  [
    "a final job after a cancel",
    file({ rest: "finally:\n  end: { site: x, when: 'status == \"canceled\"', steps: [{ run: x }] }\n" }),
  ],
  [
    "a final step that asks for a job",
    file({
      rest: 'finally:\n  end:\n    site: x\n    steps:\n      - run: x\n        when: needs.main.outcome == "failed"\n',
    }),
  ],
  ["a list param", file({ job: "each: ${{ params.list }}" })],
  [
    "a build whose facts may be empty",
    file({
      rest: "build: { commit: '${{ params.who }}', branch: 'b-${{ params.n }}', images: '${{ needs.first.outputs.any }}', subject: null, url: '', gate: { status: '${{ needs.first.outcome }}' }, scan: {}, tests: { passed: '${{ params.n }}', failed: 0 } }\n",
    }),
  ],
  [
    "targets and sites by name",
    job("    steps: [{ run: x }]\n", "params: { t: { type: array, ui: target }, s: { type: string, ui: site } }\n"),
  ],
  ["elements that a task gives", file({ job: "each: ['${{ params.who }}', b]\n    labels: ['${{ each }}']" })],
  ["a label for each element", file({ job: "each: [a, b]\n    labels: ['${{ each }}-x', y]" })],
  [
    "two thousand jobs",
    `name: demo\njobs:\n${Array.from({ length: 20 }, (_, at) => `  j${at}: { site: x, matrix: { a: [${Array.from({ length: 100 }, (_, i) => i).join(", ")}] }, steps: [{ run: x }] }\n`).join("")}`,
  ],
  ["constant parts", file({ step: `when: (params.n + (4 - 2)) * (3 - 1) / (2 - 1) > [1, 2][1]` })],
  ["a division of fractions by zero", file({ step: "when: params.ratio / 0.0 > 3.0" })],
  [
    "a type, bytes and a large number",
    file({ step: "when: type(params.n) == type(1) && 9007199254740993 > params.n" }),
  ],
  ["a place that may be missing", file({ step: 'env: { A: "${{ [params.n][?5].orValue(1) }}" }' })],
  ["a place that is negated twice", file({ step: 'env: { A: "${{ params.who.split(params.who)[--1] }}" }' })],
  [
    "sums of lists whose elements are not known",
    file({
      step: "when: params.any.sum() + needs.first.outputs.any.sum() + [1, params.n].sum() + params.list.map(x, size(x)).sum() + [].sum() > 1",
    }).replace("params:", "params:\n  any: array"),
  ],
  ["the last element of a list", file({ step: 'env: { A: "${{ params.list[size(params.list) - 1] }}" }' })],
  ["the characters after a place", file({ step: 'env: { A: "${{ params.who.substring(size(params.who) - 3) }}" }' })],
  ["a list that is made", file({ job: "each: '${{ params.list.map(x, x + \"!\") }}'" })],
  ["an output that may be a list", file({ job: "each: ${{ needs.first.outputs.any }}" })],
  ["a list in what a script puts out", file({ job: "each: ${{ fromJson(needs.first.outputs.made) }}" })],
  ["what a script puts out as text", file({ step: "when: steps.one.outputs.changed == 'true'" })],
  [
    "an output of steps of several jobs with one id",
    file({
      step: "when: steps.one.outputs.changed == 'true'",
      rest: "  other:\n    site: x\n    steps:\n      - { id: one, uses: git/commit-push, with: { repository: { project: a, slug: b }, message: x } }\n      - { run: x, when: steps.one.outputs.changed }\n",
    }),
  ],
  ["a name that a comprehension binds", file({ step: 'when: params.list.exists(status, status == "x")' })],
  ["a step as long as its job", file({ job: "timeout: 2h", step: "timeout: 120m" })],
  [
    "elements with groups of their own",
    file({ job: "each: [a, b]\n    concurrency: { group: 'g-${{ each }}', policy: reject }" }),
  ],
  [
    "one element after the other",
    file({ job: "each: [a, b]\n    maxParallel: 1\n    concurrency: { group: g, policy: cancel-older }" }),
  ],
  ["elements that find room", file({ job: "each: [a, b]\n    concurrency: { group: g, policy: reject, limit: 2 }" })],
  ["elements that wait for their turn", file({ job: "each: ${{ params.list }}\n    concurrency: g" })],
  [
    "a priority by choice",
    file({ rest: "priority: \"${{ params.stage == 'prod' ? 'high' : params.dry ? 'low' : 'normal' }}\"\n" }),
  ],
  ["a priority that a task gives", file({ rest: "priority: ${{ params.who }}\n" })],
  [
    "artifacts of failed jobs",
    file({
      job: "artifacts: { d: { paths: [a, '!a/b'], when: status != 'succeeded' }, e: { paths: x, when: always } }",
    }),
  ],
  ["sizes and places that are there", file({ step: "when: size(params.list) > -1 && params.who.indexOf('x') != -1" })],
  [
    "an empty list and a text without a part",
    file({ step: "when: size(params.list) <= 0 || params.who.indexOf('x') < 0" }),
  ],
  ["a range of numbers", file({ step: "when: params.n > 5 && params.n < 7 && params.ratio > 1 && params.ratio < 2" })],
  [
    "a text that is one or another",
    file({ step: "when: params.who != 'a' && params.who != 'b' && params.who in ['c', 'd']" }),
  ],
  ["a text that is also used in another way", file({ step: "when: params.who != 'a' && params.who.startsWith('a')" })],
  [
    "numbers within their limits",
    file({ step: "when: params.few >= 5 && params.few <= 5 || params.few > 4.5 || params.few < 3" }).replace(
      "n: integer",
      "few: { type: number, minimum: 2, maximum: 5 }\n  n: integer",
    ),
  ],
  ["outputs of a step and a job", file({ step: "when: steps.one.outputs.a == 'x' && needs.first.outputs.a == 'y'" })],
  ["a number for the retry of a step", file({ step: "retry: 2" })],
  [
    "retry in full",
    file({
      job: "retry: { max: 3, delay: 5s, on: [failed, errored], exitCodes: [1, 75], errors: [conflict], backoff: exponential, maxDelay: 2m }",
    }),
  ],
];
describe("lint leaves alone", () => {
  for (const [what, text] of right) test(what, () => assert.deepEqual(mistakes(text), []));
});

describe("words of other systems get a hint", () => {
  const words: readonly (readonly [text: string, hint: RegExp])[] = [
    [file({ rest: "on: push\n" }), /unknown key on; use `triggers`/],
    [file({ rest: "stages: [a]\n" }), /stages; use `jobs`/],
    [file({ rest: "env: { A: b }\n" }), /env; use `env`, in a job or a step/],
    [file({ rest: "inputs: {}\n" }), /inputs; use `params`/],
    [file({ job: "if: x" }), /if; use `when`/],
    [file({ job: "runs-on: ubuntu" }), /runs-on; use `site`/],
    [file({ job: "strategy: { matrix: {} }" }), /strategy; use `matrix`/],
    [file({ job: "stage: test" }), /stage; use `needs`/],
    [file({ job: "script: [x]" }), /script; use `steps`/],
    [file({ job: "tags: [x]" }), /tags; use `labels`/],
    [file({ job: "with: {}" }), /with; `with` belongs to a step/],
    [file({ job: "timeout-minutes: 5" }), /timeout-minutes; use `timeout`/],
    [file({ step: "name: x" }), /name; use `title`/],
    [file({ step: "working-directory: x" }), /working-directory; use `workingDirectory`/],
    [file({ step: "commands: [x]" }), /commands; use `run`/],
    [file({ step: "continue-on-error: true" }), /continue-on-error; use `continueOnError`/],
    [file({ job: "retry: { max: 1, when: always }" }), /when; use `on`/],
    [file({ step: "retry: { max: 1, attempts: 1 }" }), /attempts; use `max`/],
  ];
  for (const [text, hint] of words)
    test(String(hint), () => {
      const found = mistakes(text);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", hint);
    });
});

describe("an operator or function that does not fit the declared type of a param", () => {
  const params = "params: { s: string, n: integer, b: boolean, l: { type: array, items: string }, d: number }";
  const env = (expression: string): readonly string[] =>
    mistakes(
      `name: demo\n${params}\njobs:\n  a:\n    site: x\n    env: { V: '\${{ ${expression} }}' }\n    steps: [{ run: "true" }]\n`,
    );
  const wrong = [
    'params.n.join(",")',
    "params.n + params.s",
    'params.s + "x" + params.n',
    "params.l[0] + params.n",
    "params.n - params.l",
    "!params.n",
    "!params.s",
    "params.s && params.b",
    "params.n.startsWith(params.s)",
    "params.b.lower()",
    "short(params.n)",
    "size(params.n)",
    "params.n.map(x, x)",
    "params.l.lower()",
    "status + params.n",
    "site.join(params.s)",
    "task.id * 2",
    "params.n ? 1 : 2",
  ];
  for (const expression of wrong)
    test(expression, () => {
      const found = env(expression);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", /^6: (?!.*(no such overload|undefined|dyn))/);
    });
  const right = [
    "params.n + 1",
    "params.d + 1.5",
    "params.d * 2.0",
    'params.s + "x"',
    'params.l.join(",")',
    "string(params.n) + params.s",
    "size(params.l) + params.n",
    'params.b ? params.s : "x"',
    "params.b ? params.n : params.s",
    'params.?s.orValue("") + "x"',
    "has(params.n) && params.b",
    "params.l.map(x, x + params.s)",
    "params.l.filter(params, params == site)",
    'params["n"] + 1',
    "short(params.s) + task.id",
  ];
  for (const expression of right) test(`${expression} is fine`, () => assert.deepEqual(env(expression), []));
});

test("two mistakes in one map are two problems, and no third one follows from them", () => {
  for (const text of [file({ step: "retry: { attempts: 1 }" }), file({ job: "retry: { attempts: 1 }" })]) {
    const found = mistakes(text).map((one) => one.replace(/^\d+: /, ""));
    assert.deepEqual(found, ["max is missing", "unknown key attempts; use `max`"]);
  }
});

test("a YAML syntax error is the only problem that is reported", () => {
  for (const text of [
    "name: demo\njobs:\n  a: { site: x, steps: [{ run: x }\n",
    "name: demo\n  jobs: x\n",
    "name: 'demo\njobs: {}\n",
    "name: demo\njobs:\n\ta: x\n",
    "name: demo: x\njobs: {}\n",
    "name: demo\nparams: [\njobs: {}\n",
    "name: &a demo\njobs: *b\nfoo: bar: baz\n",
  ]) {
    const found = mistakes(text);
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0] ?? "", /the YAML is not valid/);
  }
});
