// Files that are written to hurt. Each must be refused with a reason (or read as the harmless thing it is), within a second.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePipeline } from "./parse.ts";
import { STEP_FIXTURES } from "./steps.fixture.ts";

const JOB = "{ site: x, steps: [{ run: x }] }";
const GOOD = `name: demo\njobs:\n  a: ${JOB}\n`;
const letters = [..."abcdefghi"];
const bomb = letters
  .map(
    (letter, index) =>
      `${letter}: &${letter} [${Array(9)
        .fill(index === 0 ? "lol" : `*${letters[index - 1]}`)
        .join(",")}]`,
  )
  .join("\n");
const env = (value: string) => `name: demo\njobs:\n  a: { site: x, env: { A: ${value} }, steps: [{ run: x }] }\n`;
const list = (count: number) => `[${Array(count).fill("1").join(", ")}]`;
const chain = (count: number) =>
  `name: demo\njobs:\n${Array.from({ length: count }, (_, i) => `  j${i}: { site: x, needs: [${i === 0 ? "" : `j${i - 1}`}], steps: [{ run: x }] }`).join("\n")}\n`;

const long = `${list(60)}.map(a, ${list(60)}.map(b, ${list(20)}.map(c, a * b + c))).size() == 60`;
const choices = `{ type: integer, enum: [${Array.from({ length: 31 }, (_, i) => i).join(", ")}] }`;
const perSite = `each: [${Array.from({ length: 200 }, (_, i) => i).join(", ")}], site: "\${{ ${long} ? 'x' : 'y' }}"`;
/** Each has 961 combinations of values, of which all would be tried. */
const hardConditions =
  `name: demo\nparams: { a: ${choices}, b: ${choices} }\njobs:\n${Array.from({ length: 50 }, (_, i) => `  j${i}: { ${perSite}, when: '${long} && params.a == 30 && params.b > 31', env: { A: "\${{ ${long} }}" }, steps: [{ run: x }] }\n`).join("")}`.replace(
    "'x'",
    "params.nothing",
  );

const refused: readonly (readonly [id: string, text: string, reason: RegExp])[] = [
  ["Y1 alias bomb", bomb, /aliases|values|unknown key/],
  [
    "Y2 a large node 99 times",
    `x: &x [${Array(3_000).fill("y").join(",")}]\nname: demo\njobs: [${Array(99).fill("*x").join(",")}]`,
    /more than 20000 values/,
  ],
  ["Y2 300 aliases", `x: &x y\nname: demo\njobs: [${Array(300).fill("*x").join(",")}]`, /more than 200 aliases/],
  ["Y3 an alias to itself", "a: &a { b: *a }", /leads to itself/],
  ["Y3 an alias to itself through another", "a: &a\n  b: &b\n    c: *a", /leads to itself/],
  ["Y4 deep lists", "[".repeat(20_000), /nested deeper/],
  ["Y4 deep maps", "{a: ".repeat(20_000), /nested deeper/],
  ["Y4 deep compact lists", "- ".repeat(60_000), /nested deeper|parts/],
  [
    "Y4 deep block maps",
    Array.from({ length: 300 }, (_, depth) => `${" ".repeat(depth)}k:`).join("\n"),
    /nested deeper/,
  ],
  ["Y5 __proto__ as a key", `${GOOD}__proto__: { app: none }\n`, /`__proto__` is not allowed/],
  ["Y5 __proto__ behind a merge", `${GOOD}<<: { __proto__: { app: none } }\n`, /unknown key <</],
  ["Y5 constructor as a job", `name: demo\njobs:\n  constructor: ${JOB}\n`, /constructor is not a valid name/],
  ["Y5 __proto__ as an output", `${GOOD}outputs: { __proto__: x }\n`, /`__proto__` is not allowed/],
  ["Y5 toString as a param", `${GOOD}params: { toString: string }\n`, /toString is not a valid name/],
  ["Y6 a tag of JavaScript", env('!!js/function "function(){}"'), /tag !!js\/function/],
  ["Y6 a tag of Python", env("!!python/object:os.system x"), /tag !!python/],
  ["Y6 binary", env("!!binary aGVsbG8="), /tag !!binary/],
  ["Y6 50 MB of binary", env(`!!binary ${"A".repeat(1_000_000)}`), /larger than 256 KiB/],
  ["Y6 an unknown tag", env("!secret x"), /tag !secret/],
  ["Y6 a tag directive", `%TAG ! tag:x.org,2000:\n---\n${env("!y x")}`, /tag/],
  ["Y7 duplicate keys", `${GOOD}name: other\n`, /the key name occurs twice/],
  ["Y8 several documents", `${GOOD}---\n${GOOD}`, /more than one document/],
  ["Y8 UTF-16", [...GOOD].map((char) => `${char}\u0000`).join(""), /control characters/],
  ["Y8 tabs", "name: demo\njobs:\n\ta: x", /not valid|YAML/],
  ["Y8 NUL", env('"a\u0000b"'), /control characters/],
  ["Y9 012", env("012"), /put it in quotes/],
  ["Y9 .inf", env(".inf"), /put it in quotes/],
  ["Y9 beyond 2^53", env("9007199254740993"), /put it in quotes/],
  ["Y9 1.10", env("1.10"), /put it in quotes/],
  ["Y10 a scalar of 1 MB", env(`"${"x".repeat(1_048_576)}"`), /larger than 256 KiB/],
  ["Y10 100,000 keys", Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join("\n"), /parts/],
  ["Y10 many unknown keys", `${GOOD}${Array.from({ length: 5_000 }, (_, i) => `k${i}: 1`).join("\n")}`, /unknown key/],
  ["Y10 a long key", `${"k".repeat(200_000)}: 1`, /1024 chars/],
  [
    "Y11 a matrix of a million",
    `name: demo\njobs:\n  a: { site: x, matrix: { a: ${list(100)}, b: ${list(100)}, c: ${list(100)} }, steps: [{ run: x }] }\n`,
    /1000000 combinations/,
  ],
  [
    "Y12 a cycle",
    `name: demo\njobs:\n  a: { site: x, needs: b, steps: [{ run: x }] }\n  b: { site: x, needs: a, steps: [{ run: x }] }\n`,
    /a → b → a/,
  ],
  ["Y12 self need", "name: demo\njobs:\n  a: { site: x, needs: a, steps: [{ run: x }] }\n", /needs itself/],
  ["Y12 a chain of 1,001", chain(1_001), /more than 1000 jobs/],
  ["Y12 a missing need", "name: demo\njobs:\n  a: { site: x, needs: z, steps: [{ run: x }] }\n", /there is no job z/],
  [
    "Y12 duplicate step ids",
    "name: demo\njobs:\n  a: { site: x, steps: [{ id: s, run: x }, { id: s, run: x }] }\n",
    /occurs twice/,
  ],
  ["Y12 ids differing by case", `name: demo\njobs:\n  a: ${JOB}\n  A: ${JOB}\n`, /differ only by case/],
  ["Y12 ids differing by composition", `name: demo\njobs:\n  \u00e9: ${JOB}\n  e\u0301: ${JOB}\n`, /not a valid name/],
  ["Y13 an include", `${GOOD}include: ../../etc/passwd\n`, /unknown key include/],
  ["Y13 an include from the network", `${GOOD}extends: { url: "http://169.254.169.254/" }\n`, /unknown key extends/],
  ["an expression of 100,000 characters", env(`"\${{ ${"a+".repeat(50_000)}a }}"`), /longer than 4096/],
  ["an expression nested without end", env(`"\${{ ${"(".repeat(2_000)}1${")".repeat(2_000)} }}"`), /depth|nest|limit/i],
  ["conditions that take long", hardConditions, /there is no param nothing/],
  ["an alias without anchor", env("*nothing"), /no anchor|Unresolved/],
];

for (const [id, text, reason] of refused) {
  test(`${id} is refused`, () => {
    const spent = process.cpuUsage();
    const { pipeline, problems } = parsePipeline({ name: "h.yaml", text }, STEP_FIXTURES);
    const { user } = process.cpuUsage(spent);
    assert.equal(pipeline, undefined);
    assert.match(problems.map((one) => one.detail).join("\n"), reason);
    assert(problems.length <= 100);
    assert(user < 1_000_000, `${user / 1_000} ms`);
  });
}

test("patterns and long texts to compare with them take no time", () => {
  const text = "a".repeat(9_000);
  const params = Array.from(
    { length: 20 },
    (_, at) => `  p${at}: { type: string, pattern: "(a?){999}b", default: ${text} }\n`,
  ).join("");
  const choices = `  c: { type: string, pattern: "^(a?){999}$", enum: [${Array(500).fill("a").join(", ")}] }\n`;
  const spent = process.cpuUsage();
  const { problems } = parsePipeline({ name: "x.yaml", text: `${GOOD}params:\n${params}${choices}` }, STEP_FIXTURES);
  assert.ok(process.cpuUsage(spent).user < 2_000_000);
  assert.match(problems[0]?.detail ?? "", /there is too much text to compare it with `pattern`/);
});

test("Y8, Y9 what only looks strange is read as what it is", () => {
  const read = (text: string) => parsePipeline({ name: "h.yaml", text }, STEP_FIXTURES);
  assert(read(`\ufeff${GOOD}`).pipeline, "a byte order mark");
  assert(read(GOOD.replaceAll("\n", "\r\n")).pipeline, "CRLF");
  for (const text of ["no", "1:30", "y", "2026-01-01"]) {
    assert.equal(read(env(text)).pipeline?.jobs[0]?.env.A, text);
  }
  assert(read(chain(1_000)).pipeline, "a long chain of jobs");
});

test("nothing that a file says changes what objects are", () => {
  parsePipeline(
    { name: "h.yaml", text: `${GOOD}__proto__: { polluted: true }\nconstructor: { prototype: { polluted: true } }\n` },
    [],
  );
  assert.equal("polluted" in {}, false);
});
