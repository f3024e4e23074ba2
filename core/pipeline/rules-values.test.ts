// Pipeline files that could be read and that would fail, or never do something, at run time. Each has one mistake.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parsePipeline } from "./parse.ts";
import { STEP_FIXTURES } from "./steps.fixture.ts";

function mistakes(text: string): readonly string[] {
  return parsePipeline({ name: "demo.yaml", text }, STEP_FIXTURES).problems.map(
    ({ line, detail }) => `${line}: ${detail}`,
  );
}

const PARAMS = `params:
  n: integer
  ratio: number
  dry: boolean
  who: string
  list: { type: array, items: string }
  stage: { type: string, enum: [dev, prod] }
`;
/** The lines of the job begin at line 13, those of its step at line 15. */
function file({ job = "", step = "", rest = "" }): string {
  const indent = (text: string, by: string) => text && `${by}${text}\n`;
  return `name: demo\n${PARAMS}jobs:\n  first: { site: x, steps: [{ run: x }], outputs: { a: b } }\n  main:\n    needs: first\n    site: seoul\n${indent(job, "    ")}    steps:\n      - { id: one, run: x }\n      - run: x\n${indent(step, "        ")}${rest}`;
}

const wrong: readonly (readonly [what: string, text: string, detail: RegExp])[] = [
  [
    "a whole number as a condition",
    file({ job: "when: params.n" }),
    /must give true or false, and this gives a whole number/,
  ],
  ["a text as a condition", file({ job: "when: params.who" }), /and this gives text/],
  ["a list as a condition", file({ step: "when: params.list" }), /and this gives a list/],
  ["the site as a condition", file({ step: "when: site" }), /and this gives text/],
  ["a number in quotes as a condition", file({ job: 'when: "1"' }), /and this gives a whole number/],
  ["a size as a condition", file({ job: "when: size(params.list)" }), /and this gives a whole number/],
  ["a calculation as a condition", file({ step: "when: 1 + 1" }), /and this gives a whole number/],
  ["a text literal as a condition", file({ step: `when: '"yes"'` }), /and this gives text/],
  ["a condition that names nothing", file({ job: "when: 1 == 2" }), /always the same/],
  ["a misspelled status", file({ job: 'when: status == "failure"' }), /status is never "failure".*did you mean failed/],
  ["a status in capitals", file({ step: 'when: status == "FAILED"' }), /status is never "FAILED"/],
  [
    "a status of another system",
    file({ step: 'when: status in ["succeeded", "success"]' }),
    /status is never "success"/,
  ],
  ["a status that is compared with true", file({ step: "when: status == true" }), /status is never true/],
  [
    "a misspelled status behind !=",
    file({ step: 'when: status != "cancelled"' }),
    /never "cancelled".*did you mean canceled/,
  ],
  [
    "a misspelled outcome",
    file({ step: 'when: status == "failed" && steps.one.outcome == "failure"' }),
    /steps\.one\.outcome is never "failure"/,
  ],
  [
    "a misspelled outcome in a text",
    file({ job: `env: { A: '\${{ needs.first.outcome == "ok" }}' }` }),
    /needs\.first\.outcome is never "ok"/,
  ],
  [
    "an outcome of a step without status",
    file({ step: 'when: steps.one.outcome == "failed"' }),
    /never true: a condition that does not name `status`/,
  ],
  [
    "an outcome in a list without status",
    file({ step: 'when: steps.one.outcome in ["failed", "errored"]' }),
    /never true/,
  ],
  ["an outcome of a job without status", file({ job: 'when: needs.first.outcome == "failed"' }), /never true/],
  ["a job that begins after a cancel", file({ job: 'when: status == "canceled"' }), /no job begins after a cancel/],
  [
    "a choice that the param does not have",
    file({ job: 'when: params.stage == "production"' }),
    /params\.stage is never "production"; it is one of dev, prod/,
  ],
  [
    "a number that is compared with a text",
    file({ job: 'when: params.n == "3"' }),
    /params\.n is a whole number and never equals "3"/,
  ],
  [
    "a boolean that is compared with a text",
    file({ step: 'when: params.dry == "true"' }),
    /params\.dry is true or false and never equals "true"/,
  ],
  [
    "a text that is compared with a number",
    file({ step: "when: params.who == 3" }),
    /params\.who is text and never equals 3/,
  ],
  [
    "a list that is compared with a text",
    file({ step: 'when: params.list == "a"' }),
    /params\.list is a list and never equals "a"/,
  ],
  ["each over a text param", file({ job: "each: ${{ params.who }}" }), /`each` must give a list, and this gives text/],
  ["each over a number", file({ job: "each: ${{ params.n }}" }), /and this gives a whole number/],
  ["each over plain text", file({ job: "each: a,b" }), /`each` must be a list, or one expression/],
  ["each over a built text", file({ job: "each: a-${{ params.list }}" }), /this is text/],
  ["each over a literal text", file({ job: `each: '\${{ "a" }}'` }), /and this gives text/],
  ["each over a map", file({ job: `each: '\${{ {"a": 1} }}'` }), /and this gives a map/],
  ["each over an empty list", file({ job: "each: []" }), /each must not be empty/],
  ["each with the same element twice", file({ job: "each: [a, b, a]" }), /two elements have the name a/],
  ["each with names that become equal", file({ job: "each: [a b, a/b]" }), /two elements have the name a-b/],
  [
    "a member that an element lacks",
    file({ job: "each: [{ name: a, arch: arm }, { name: b }]", step: "env: { A: '${{ each.arch }}' }" }),
    /element 2 of `each` has no arch/,
  ],
  [
    "a member of a plain element",
    file({ job: "each: [a]", step: "env: { A: '${{ each.name }}' }" }),
    /element 1 of `each` has no name/,
  ],
  [
    "the same value twice in an axis",
    file({ job: "matrix: { os: [linux, linux] }" }),
    /two elements have the name linux/,
  ],
  ["an empty matrix", file({ job: "matrix: {}" }), /matrix must have at least one axis/],
  ["an axis without values", file({ job: "matrix: { os: [] }" }), /os must not be empty/],
  ["PATH in the env of a job", file({ job: "env: { PATH: /x }" }), /PATH is set by the runner/],
  ["HOME in the env of a step", file({ step: "env: { HOME: /x }" }), /HOME is set by the runner/],
  ["a variable of the loader", file({ step: "env: { LD_PRELOAD: x.so }" }), /LD_PRELOAD is set by the runner/],
  ["a variable of Gantry", file({ step: "env: { GANTRY_TASK: x }" }), /GANTRY_TASK is set by the runner/],
  [
    "a site that is no name",
    file({ rest: "  other: { site: seoul/1, steps: [{ run: x }] }\n" }),
    /seoul\/1 is not the name of a site/,
  ],
  ["an empty label", file({ job: "labels: ['']" }), /a label must not be empty/],
  ["no job", "name: demo\njobs: {}\n", /^2: jobs must have at least one job/],
  ["an empty finally", file({ rest: "finally: {}\n" }), /finally must have at least one job/],
  ["exit codes of an error", file({ job: "retry: { max: 1, on: [errored], exitCodes: [1] }" }), /add `failed` to `on`/],
  [
    "a longest delay that never applies",
    file({ job: "retry: { max: 1, maxDelay: 1m }" }),
    /for `backoff: exponential`/,
  ],
  [
    "a longest delay below the first one",
    file({ job: "retry: { max: 1, delay: 2m, backoff: exponential, maxDelay: 1m }" }),
    /shorter than `delay`/,
  ],
  ["an exit code of success", file({ job: "retry: { max: 1, exitCodes: [0] }" }), /element 1 must be at least 1/],
  [
    "exit codes of an error of a step",
    file({ step: "retry: { max: 1, on: [errored], exitCodes: [1] }" }),
    /add `failed` to `on`/,
  ],
  ["a wrong word in the retry of a step", file({ step: "retry: { max: 1, dealy: 1s }" }), /did you mean delay\?/],
  [
    "a retry on success",
    file({ job: "retry: { max: 1, on: [succeeded] }" }),
    /element 1 must be one of failed, errored, timed-out/,
  ],
];
describe("lint finds what would fail, or never do anything", () => {
  for (const [what, text, detail] of wrong)
    test(what, () => {
      const found = mistakes(text);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", detail);
    });
});

const right: readonly (readonly [what: string, text: string])[] = [
  ["a boolean param", file({ job: "when: params.dry" })],
  ["a comparison", file({ job: "when: params.n > 3 && params.ratio == 1 && params.stage in ['dev']" })],
  ["an outcome together with status", file({ step: 'when: status != "succeeded" && steps.one.outcome == "failed"' })],
  ["an outcome that is skipped", file({ step: 'when: steps.one.outcome == "skipped"' })],
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
  ["a list that is made", file({ job: "each: '${{ params.list.map(x, x + \"!\") }}'" })],
  ["an output that may be a list", file({ job: "each: ${{ needs.first.outputs.a }}" })],
  ["a name that a comprehension binds", file({ step: 'when: params.list.exists(status, status == "x")' })],
  ["a number for the retry of a step", file({ step: "retry: 2" })],
  [
    "retry in full",
    file({
      job: "retry: { max: 3, delay: 5s, on: [failed, errored], exitCodes: [1, 75], backoff: exponential, maxDelay: 2m }",
    }),
  ],
];
describe("lint leaves alone", () => {
  for (const [what, text] of right) test(what, () => assert.deepEqual(mistakes(text), []));
});

describe("words of other systems get a hint", () => {
  const words: readonly (readonly [text: string, hint: RegExp])[] = [
    [file({ rest: "on: push\n" }), /unknown key on; a task is started by/],
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
    [file({ step: "continue-on-error: true" }), /continue-on-error; write `when: always`/],
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
