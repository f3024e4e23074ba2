// A secret that a site does not have is noticed before anything runs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import { type SecretsAt, secretProblems } from "./decide-secrets.ts";

const HEAD = "name: demo\napp: none\nparams:\n  site: { type: string, default: seoul }\n";
const AT: { readonly [site: string]: readonly string[] } = { seoul: ["NPM_TOKEN", "SIGNING"], tokyo: ["SIGNING"] };
const secretsAt: SecretsAt = (site) => AT[site];

function problems(jobs: string, known: SecretsAt = secretsAt, kept: readonly string[] = []) {
  const parsed = parsePipeline({ name: "demo.yaml", text: HEAD + jobs }, []);
  assert.ok(parsed.pipeline, JSON.stringify(parsed.problems));
  return secretProblems(parsed.pipeline, { params: { site: "seoul" } }, known, kept).map(({ detail }) => detail);
}

const using = (secret: string, more = ""): string => `{ run: "true", env: { T: "x\${{ secrets.${secret} }}" }${more} }`;
const job = (site: string, step: string, more = ""): string =>
  `jobs:\n  a: { site: "${site}", ${more}steps: [${step}] }\n`;

const MISSING = "the job a needs the secret NPM_TOKN, which the site seoul does not have (did you mean NPM_TOKEN?)";

const ROWS: readonly [string, string, readonly string[]][] = [
  ["a known one", job("seoul", using("NPM_TOKEN")), []],
  ["a wrong name", job("seoul", using("NPM_TOKN")), [MISSING]],
  ["a wrong name, twice", job("seoul", `${using("NPM_TOKN")}, ${using("NPM_TOKN")}`), [MISSING]],
  ["a site from a parameter", job("${{ params.site }}", using("NPM_TOKN")), [MISSING]],
  ["a site that nobody knows", job("osaka", using("NPM_TOKN")), []],
  [
    "one of two sites",
    job("${{ each }}", using("NPM_TOKEN"), "each: [seoul, tokyo], "),
    ["the job a[tokyo] needs the secret NPM_TOKEN, which the site tokyo does not have"],
  ],
  ["a step that may not run", job("seoul", using("NPM_TOKN", `, when: 'params.site == "x"'`)), []],
  ["a job that may not run", job("seoul", using("NPM_TOKN"), `when: 'params.site == "x"', `), []],
  ["a step that always runs", job("seoul", using("NPM_TOKN", ", when: always")), [MISSING]],
  [
    "a job at the end",
    `${job("seoul", '{ run: "true" }')}finally:\n  z: { site: seoul, steps: [${using("NPM_TOKN")}] }\n`,
    [MISSING.replace("job a", "job z")],
  ],
  [
    "a site that another job chooses",
    `jobs:\n  a: { site: seoul, outputs: { s: seoul }, steps: [{ run: "true" }] }\n  b: { needs: a, site: "\${{ needs.a.outputs.s }}", steps: [${using("NPM_TOKN")}] }\n`,
    [],
  ],
];

for (const [name, jobs, wanted] of ROWS)
  test(`secrets of a site: ${name}`, () => assert.deepEqual(problems(jobs), wanted));

test("secrets of a site: not checked where nobody knows them, or for jobs that do not run again", () => {
  assert.deepEqual(
    problems(job("seoul", using("NPM_TOKN")), () => undefined),
    [],
  );
  assert.deepEqual(problems(job("seoul", using("NPM_TOKN")), secretsAt, ["a"]), []);
});
