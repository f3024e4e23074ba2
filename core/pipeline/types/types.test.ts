// Maps and lists as params, and outputs with types: what lint finds in a file, each at its place.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../json.ts";
import { checkParams } from "../params.ts";
import { parsePipeline } from "../parse.ts";

const PARAMS = `
params:
  image:
    type: object
    required: true
    properties:
      name: string
      tag: { type: string }
      size: { type: number, required: true }
      env: { type: object, additionalProperties: { type: string, maxLength: 5 } }
  hosts: { type: array, items: { type: object, properties: { name: string } }, default: [] }
`;
const file = (jobs: string, params = PARAMS) => `name: demo\napp: none\n${params.trim()}\njobs:\n${jobs}`;
const withEnv = (expression: string) =>
  file(`  a:\n    site: seoul\n    env: { A: "\${{ ${expression} }}" }\n    steps: [{ run: x }]\n`);

function parse(text: string) {
  const { pipeline, problems, warnings } = parsePipeline({ name: "demo.yaml", text }, []);
  return { pipeline, problems: problems.map(({ detail }) => detail), warnings: warnings.map(({ detail }) => detail) };
}

test("expressions read members of maps, with their types", () => {
  for (const good of [
    "params.image.name + '!'",
    "params.image.size + 1.5",
    "params.image.size + 1",
    "params.hosts[0].name",
  ])
    assert.deepEqual(parse(withEnv(good)).problems, [], good);
  const wrong: readonly (readonly [expression: string, problem: RegExp])[] = [
    ["params.image.nam", /^params\.image has no member nam \(did you mean name\?\)$/],
    ["params.image.name + 1", /`\+` cannot be used with text and a whole number/],
    ["params.image.name == 3", /params\.image\.name is text and never equals 3/],
    ["params.image + 1", /`\+` cannot be used with a map and a whole number/],
  ];
  for (const [expression, problem] of wrong) {
    const { problems } = parse(withEnv(expression));
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", problem);
  }
});

test("a member that may be absent is a warning, unless it is guarded", () => {
  assert.deepEqual(parse(withEnv("params.image.tag")).warnings, [
    "params.image.tag may be absent; make it required, or write params.image.?tag.orValue(…)",
  ]);
  assert.deepEqual(parse(withEnv("params.image.?tag.orValue('')")).warnings, []);
  assert.deepEqual(parse(withEnv("has(params.image.tag) ? 'x' : 'y'")).warnings, []);
});

const JOB = "  a: { site: seoul, steps: [{ run: x }] }\n";
const MISTAKES: readonly (readonly [what: string, text: string, problem: RegExp])[] = [
  [
    "members of a text",
    file(JOB, "params: { a: { type: string, properties: { b: string } } }"),
    /^`properties` does not apply to type string$/,
  ],
  [
    "a default that does not fit its map",
    file(JOB, "params: { a: { type: object, properties: { b: string }, default: { b: 3 } } }"),
    /^the default does not fit: it must be text, not a number$/,
  ],
  [
    "a keyword that types do not have",
    file(JOB, "params: { a: { type: object, propertys: { b: string } } }"),
    /^unknown key propertys \(did you mean properties\?\)$/,
  ],
  [
    "a type that does not exist, deep inside",
    file(JOB, "params: { a: { type: object, properties: { b: { type: array, items: strin } } } }"),
    /^items must be a type \(string, integer, number, boolean, array, object\), or a map with `type` and its limits/,
  ],
  [
    "limits that cannot be met, deep inside",
    file(
      JOB,
      "params: { a: { type: array, items: { type: array, items: { type: string, minLength: 3, maxLength: 2 } } } }",
    ),
    /^minLength is above maxLength$/,
  ],
  [
    "a type of an output that the job does not have",
    file("  a: { site: seoul, outputs: { count: x }, outputTypes: { cont: string }, steps: [{ run: x }] }\n"),
    /^the job has no output cont \(did you mean count\?\)$/,
  ],
  [
    "an output that is certainly of another type",
    file('  a: { site: seoul, outputs: { n: "${{ 1.5 }}" }, outputTypes: { n: array }, steps: [{ run: x }] }\n'),
    /^n must be a list, and this gives a number$/,
  ],
  [
    "an output that is used as another type",
    file(
      '  a: { site: seoul, outputs: { n: "${{ steps.run.outputs.n }}" }, outputTypes: { n: integer }, steps: [{ run: x }] }\n' +
        "  b: { site: seoul, needs: a, when: needs.a.outputs.n == 'three', steps: [{ run: x }] }\n",
    ),
    /^needs\.a\.outputs\.n is a whole number and never equals "three"$/,
  ],
  [
    "a member that an output does not have",
    file(
      '  a: { site: seoul, outputs: { n: "${{ steps.run.outputs.n }}" }, outputTypes: { n: { type: object, properties: { x: integer } } }, steps: [{ run: x }] }\n' +
        "  b: { site: seoul, needs: a, when: needs.a.outputs.n.y == 1, steps: [{ run: x }] }\n",
    ),
    /^needs\.a\.outputs\.n has no member y$/,
  ],
];
for (const [what, text, problem] of MISTAKES) {
  test(`finds ${what}`, () => {
    const { problems } = parse(text);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", problem);
  });
}

test("values are checked at the door, each at its place", () => {
  const { pipeline } = parse(file(JOB));
  assert.ok(pipeline);
  const given: JsonObject = {
    image: { name: 3, size: 1, env: { A: "too long" }, typ: "x" },
    hosts: [{ name: "a" }, {}],
  };
  const { problems } = checkParams(pipeline.params, given, {});
  assert.deepEqual(
    problems.map(({ pointer, detail }) => `${pointer} ${detail}`),
    [
      "/image/name it must be text, not a number",
      "/image/env/A it must have at most 5 characters",
      "/image/typ typ is not known",
      "/hosts/1/name name is missing",
    ],
  );
  const good = { image: { name: "web", size: 2.5, env: { A: "b" } } };
  assert.deepEqual(checkParams(pipeline.params, good, {}), { params: { ...good, hosts: [] }, problems: [] });
});
