// Templates of jobs and steps: what becomes of them, and what is said about mistakes, with both places.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePipeline } from "../parse.ts";

type Files = { readonly [path: string]: string };

function parse(text: string, files: Files = {}) {
  const includes = (path: string): string | undefined => (Object.hasOwn(files, path) ? files[path] : undefined);
  const { pipeline, problems, included } = parsePipeline({ name: "ci.yaml", text, includes }, []);
  const lines = problems.map(({ file, line, detail }) => `${file}:${line} ${detail}`);
  return { pipeline, problems: lines, included: [...(included?.keys() ?? [])] };
}

const BUILD = `params:
  version: { type: integer, default: 21 }
  site: string
  flags: { type: array, items: string, default: [] }
  isFast: { type: boolean, default: false }
job:
  title: Build with Java \${{ params.version }}
  site: \${{ params.site }}
  timeout: 5m
  steps:
    - include: greet
      with: { who: "\${{ params.site }}" }
    - id: build
      when: params.isFast || status == "succeeded"
      run: ./build.sh $FLAGS
      env:
        FLAGS: -j\${{ params.version }} \${{ params.flags.map(f, "-" + f).join(" ") }}
  outputs: { jar: "\${{ steps.build.outputs.jar }}" }
`;
const GREET = `params: { who: string }
steps:
  - { id: greet, run: 'echo "hello $WHO"', env: { WHO: "\${{ params.who + '!' }}" } }
`;
const FILES: Files = { "includes/build.yaml": BUILD, "includes/greet.yaml": GREET };
const CALLER = `name: ci
app: none
params: { branch: string, fast: { type: boolean, default: false } }
jobs:
  build:
    include: build
    timeout: 1h
    with:
      site: seoul
      flags: [x, "\${{ params.branch }}"]
      isFast: \${{ params.fast }}
  after:
    needs: build
    site: seoul
    steps:
      - include: greet
        with: { who: "\${{ needs.build.outputs.jar }}" }
`;

test("a template becomes the job, with the values of its params; keys of the caller replace its own", () => {
  const { pipeline, problems, included } = parse(CALLER, FILES);
  assert.deepEqual(problems, []);
  const [build, after] = pipeline?.jobs ?? [];
  assert.deepEqual([build?.title, build?.site, build?.timeoutMs], ["Build with Java 21", "seoul", 3_600_000]);
  assert.deepEqual(
    build?.steps.map(({ id, when, env }) => ({ id, when, env })),
    [
      { id: "greet", when: undefined, env: { WHO: "${{ (\"seoul\") + '!' }}" } },
      {
        id: "build",
        when: '(params.fast) || status == "succeeded"',
        env: { FLAGS: '-j21 ${{ (["x", params.branch]).map(f, "-" + f).join(" ") }}' },
      },
    ],
  );
  assert.deepEqual(after?.steps[0]?.env, { WHO: "${{ (needs.build.outputs.jar) + '!' }}" });
  assert.deepEqual(included, ["includes/build.yaml", "includes/greet.yaml"]);
});

test("a text of a caller never becomes an expression or a command", () => {
  const template =
    'params: { a: string, b: string }\nsteps:\n  - { run: "true", env: { X: "${{ params.a }}${{ params.b }}" } }\n';
  const steps = "[{ include: t, with: { a: $, b: '{{ task.id }}' } }]";
  const { pipeline, problems } = parse(`name: ci\napp: none\njobs:\n  a: { site: x, steps: ${steps} }\n`, {
    "includes/t.yaml": template,
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(pipeline?.jobs[0]?.steps[0]?.env, { X: '${{ ("$") }}${{ ("{{ task.id }}") }}' });
});

const use = (steps: string) =>
  `name: ci\napp: none\nparams: { n: integer }\njobs:\n  a:\n    site: x\n    steps:\n      - ${steps}\n`;
const T = (text: string): Files => ({ "includes/t.yaml": text });
const STEPS =
  'params: { who: string, size: { type: integer, default: 1 } }\nsteps:\n  - { run: "true", env: { A: "${{ params.who }}" } }\n';

const MISTAKES: readonly (readonly [what: string, text: string, files: Files, expected: readonly string[]])[] = [
  ["a template that is not there", use("include: t"), {}, ["ci.yaml:8 there is no template includes/t.yaml"]],
  ["a value that is missing", use("include: t"), T(STEPS), ["ci.yaml:8 who is missing"]],
  [
    "values of another type and without a param, each at its place",
    use('{ include: t, with: { who: "${{ params.n }}", size: big, hw: x } }'),
    T(STEPS),
    [
      "ci.yaml:8 who must be text, and this gives a whole number",
      "ci.yaml:8 size must be a whole number, not text",
      "ci.yaml:8 hw is not known",
    ],
  ],
  [
    "a param that the pipeline does not have",
    use('{ include: t, with: { who: "${{ params.nn }}" } }'),
    T(STEPS),
    ["ci.yaml:8 there is no param nn (did you mean n?)"],
  ],
  [
    "a mistake in the template, with both places",
    use("include: t"),
    T('steps:\n  - run: "true"\n    env: { A: "${{ task.idd }}" }\n'),
    ["includes/t.yaml:3 there is no task.idd (did you mean id?) (included at ci.yaml:8)"],
  ],
  [
    "an unknown key in the template, with both places",
    use("include: t"),
    T('steps:\n  - run: "true"\n    if: x\n'),
    ["includes/t.yaml:3 unknown key if; use `when` (included at ci.yaml:8)"],
  ],
  [
    "a param that the template does not have",
    use("include: t"),
    T('steps:\n  - run: "true"\n    env: { A: "${{ 1 + params.x }}" }\n'),
    ["includes/t.yaml:3 the template has no param x (included at ci.yaml:8)"],
  ],
  [
    "a param in a script",
    use("{ include: t, with: { who: x } }"),
    T("params: { who: string }\nsteps:\n  - run: echo ${{ params.who }}\n"),
    [
      "includes/t.yaml:3 a script cannot contain an expression; pass the value with `env` and use the variable (included at ci.yaml:8)",
    ],
  ],
  [
    "a param without a value",
    use("include: t"),
    T('params: { a: { type: string } }\nsteps: [{ run: "true" }]\n'),
    [
      "includes/t.yaml:1 the param a of a template needs `required: true` or a default: it always has a value (included at ci.yaml:8)",
    ],
  ],
  [
    "a template that includes itself through another",
    use("include: t"),
    { ...T("steps: [{ include: u }]\n"), "includes/u.yaml": "steps: [{ include: t }]\n" },
    [
      "includes/u.yaml:1 templates include each other: includes/t.yaml → includes/u.yaml → includes/t.yaml (included at includes/t.yaml:1, ci.yaml:8)",
    ],
  ],
  [
    "a job where steps are needed",
    use("include: t"),
    T('job: { site: x, steps: [{ run: "true" }] }\n'),
    ["ci.yaml:8 the template includes/t.yaml is a job; include it in `jobs`"],
  ],
  [
    "other keys beside an include of steps",
    use("{ include: t, when: always }"),
    T('steps: [{ run: "true" }]\n'),
    ["ci.yaml:8 unknown key when"],
  ],
  [
    "a name that could be a path",
    use("include: ../../etc/passwd"),
    {},
    ["ci.yaml:8 include is not valid: a name has lower case letters, digits and hyphens"],
  ],
  [
    "the steps of a job that is included",
    "name: ci\napp: none\njobs:\n  a:\n    include: t\n    steps: []\n",
    T('job: { site: x, steps: [{ run: "true" }] }\n'),
    ["ci.yaml:6 unknown key steps; the template has the steps; include it in a step to add others"],
  ],
  [
    "the same step twice",
    use("include: t\n      - include: t"),
    T('steps: [{ id: s, run: "true" }]\n'),
    ["includes/t.yaml:1 the id s occurs twice (included at ci.yaml:9)"],
  ],
];
for (const [what, text, files, expected] of MISTAKES) {
  test(`finds ${what}`, () => assert.deepEqual(parse(text, files).problems, expected));
}

test("templates of templates are bounded, however they are written", () => {
  const chain = Object.fromEntries(
    Array.from({ length: 8 }, (_, i) => [`includes/t${i}.yaml`, `steps: [{ include: t${i + 1} }]\n`]),
  );
  assert.match(parse(use("include: t0"), chain).problems[0] ?? "", /templates include others more than 5 deep/);
  const wide = Object.fromEntries(
    Array.from({ length: 4 }, (_, i) => [
      `includes/t${i}.yaml`,
      `steps: [${Array(40)
        .fill(`{ include: t${i + 1} }`)
        .join(", ")}]\n`,
    ]),
  );
  const start = process.cpuUsage();
  const { problems } = parse(use("include: t0"), { ...wide, "includes/t4.yaml": 'steps: [{ run: "true" }]\n' });
  assert.ok(
    problems.some((one) => one.includes("includes more than 200 templates")),
    problems[0],
  );
  assert.ok(process.cpuUsage(start).user < 1_000_000);
});

test("the values of templates are bounded, however often templates pass them on", () => {
  const twenty = Array(20).fill('"${{ params.a }}"').join(", ");
  const text = (inner: string): string => `params: { a: { type: array, required: true } }\nsteps: [${inner}]\n`;
  const files = Object.fromEntries(
    Array.from({ length: 4 }, (_, i) => [
      `includes/t${i}.yaml`,
      text(`{ include: t${i + 1}, with: { a: [${twenty}] } }`),
    ]),
  );
  const last = { "includes/t4.yaml": text('{ run: "true", env: { A: "${{ size(params.a) }}" } }') };
  const start = process.cpuUsage();
  const { problems } = parse(use("{ include: t0, with: { a: [1, 2, 3] } }"), { ...files, ...last });
  assert.match(problems[0] ?? "", /the templates have more than 20000 values together/);
  assert.ok(process.cpuUsage(start).user < 1_000_000);
});

test("a template asks for values that only some files give", () => {
  const steps = `params: { stage: string, dry: { type: boolean, default: false } }
steps:
  - { run: "true", when: params.dry }
  - { run: "true", when: 'params.stage == "live"' }
  - { run: "true", when: 'params.stage == "live" || status == "failed"' }
  - { run: "true", when: 'params.stage in ["dev", "test"] && app.name != "x"' }
  - { id: scan, run: "true", continueOnError: true }
  - { run: "true", when: 'params.dry && steps.scan.outcome == "failed"' }
  - { run: "true", when: 'params.stage == "live" && steps.scan.outcome == "failed"' }
`;
  const file = (value: string): string =>
    `name: ci\nparams: { at: { type: string, enum: [dev, prod], required: true } }\njobs:\n  a:\n    site: x\n    steps:\n      - { include: t, with: { stage: ${value} } }\n`;
  for (const value of ["live", "dev", '"${{ params.at }}"']) {
    const { pipeline, problems } = parse(file(value), T(steps));
    assert.deepEqual(problems, []);
    assert.equal(pipeline?.jobs[0]?.steps.length, 7);
  }
  const wrong = steps.replace('status == "failed"', 'status == "failure"');
  assert.match(parse(file("live"), T(wrong)).problems.join(), /^includes\/t.yaml:5 status is never "failure"/);
});
