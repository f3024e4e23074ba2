// Mistakes in the use of single keywords, each with its place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePipeline } from "./parse.ts";

const STEPS = "    steps: [{ run: 'true' }]\n";

function problemsOf(lines: string, rest = ""): readonly string[] {
  const text = `name: demo\napp: none\njobs:\n  test:\n    site: seoul\n${lines}${rest}`;
  const { problems } = parsePipeline({ name: "demo.yaml", text }, []);
  return problems.map(({ line, column, detail }) => `${line}:${column} ${detail}`);
}

const MISTAKES: readonly (readonly [what: string, lines: string, expected: RegExp])[] = [
  [
    "a word for true",
    `    continueOnError: "yes"\n${STEPS}`,
    /^6:22 this is text; write true, false or an expression$/,
  ],
  [
    "an expression that gives text",
    `    continueOnError: "\${{ 'true' }}"\n${STEPS}`,
    /^6:22 this must be true or false, or one expression that gives one of them$/,
  ],
  [
    "text around an expression",
    `    each: [true]\n    continueOnError: "x\${{ each }}"\n${STEPS}`,
    /^7:22 this must be true or false/,
  ],
  [
    "an expression for a step",
    "    steps: [{ run: 'true', continueOnError: \"${{ 1 == 1 }}\" }]\n",
    /^6:45 continueOnError must be true or false/,
  ],
  ["the word of Tekton", `    onError: continue\n${STEPS}`, /^6:5 unknown key onError; use `continueOnError: true`$/],
];
for (const [what, lines, expected] of MISTAKES) {
  test(`finds ${what}, at its place`, () => {
    const found = problemsOf(lines);
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0] ?? "", expected);
  });
}
