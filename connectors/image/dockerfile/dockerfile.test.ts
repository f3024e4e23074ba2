import assert from "node:assert/strict";
import { test } from "node:test";
import { testRuns } from "@gantry/core/test-runs.fixture.ts";
import fc from "fast-check";
import { parseDockerfile } from "./dockerfile.ts";
import { expandWord } from "./expansion.ts";
import { splitWords } from "./shell-words.ts";

function instructionsOf(text: string) {
  const { dockerfile, problems } = parseDockerfile(text);
  assert.deepEqual(problems, []);
  return dockerfile.stages.flatMap((stage) => stage.instructions);
}

test("reads stages, names, platforms and the arguments before them", () => {
  const { dockerfile, problems } = parseDockerfile(
    [
      "# syntax=docker/dockerfile:1",
      "ARG VERSION=24 REGISTRY",
      "FROM --platform=linux/arm64 node:${VERSION} AS Build",
      "RUN npm ci",
      "from scratch",
      'COPY --from=build --chown=1000:1000 ["/app dist", "/app/"]',
    ].join("\n"),
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(dockerfile.args[0]?.pairs, [
    ["VERSION", "24"],
    ["REGISTRY", undefined],
  ]);
  const [build, last] = dockerfile.stages;
  assert.deepEqual([build?.base, build?.name, build?.platform], ["node:${VERSION}", "build", "linux/arm64"]);
  assert.deepEqual([last?.base, last?.name, last?.from.line], ["scratch", undefined, 5]);
  const [copy] = last?.instructions ?? [];
  assert.deepEqual(copy?.flags, [
    ["from", "build"],
    ["chown", "1000:1000"],
  ]);
  assert.deepEqual(copy?.json, ["/app dist", "/app/"]);
});

test("joins continuation lines; comments and empty lines inside do not end an instruction", () => {
  const [run, env] = instructionsOf("FROM a\nRUN one \\\n  # why\n\n  two \\\n  three\nENV A=1\n");
  assert.equal(run?.text.replace(/\s+/g, " "), "one two three");
  assert.deepEqual([run?.line, env?.line], [2, 7]);
});

test("reads the escape directive, and only at the top", () => {
  const [copy] = instructionsOf("# escape=`\nFROM a\nCOPY x `\n  y:\\dir\\\n");
  assert.deepEqual(copy?.words, ["x", "y:\\dir\\"]);
  const { dockerfile } = parseDockerfile("FROM a\n# escape=`\n");
  assert.equal(dockerfile.escapeWith, "\\");
});

test("reads heredocs, quoted and with tabs taken off, and several of them", () => {
  const [run, copy, after] = instructionsOf(
    'FROM a\nRUN <<EOF\necho FROM here\nEOF\nCOPY <<"A" <<-B /etc/\n$one\nA\n\t\ttwo\n\tB\nUSER me\n',
  );
  assert.deepEqual(run?.heredocs, [{ name: "EOF", content: "echo FROM here\n", expand: true }]);
  assert.deepEqual(copy?.heredocs, [
    { name: "A", content: "$one\n", expand: false },
    { name: "B", content: "two\n", expand: true },
  ]);
  assert.deepEqual([after?.name, after?.line], ["USER", 10]);
  const [shift] = instructionsOf("FROM a\nRUN echo $((1<<2)) && cat <<< word\nUSER me\n");
  assert.deepEqual(shift?.heredocs, []);
});

test("reads name=value pairs with quotes, and the old form with a space", () => {
  const [env, old, label] = instructionsOf(
    'FROM a\nENV A="x y" B=a\\ b C=\'$HOME\'\nENV OLD the  whole rest\nLABEL "com.example.x"="1" y=2\n',
  );
  assert.deepEqual(env?.pairs, [
    ["A", '"x y"'],
    ["B", "a\\ b"],
    ["C", "'$HOME'"],
  ]);
  assert.deepEqual(old?.pairs, [["OLD", "the  whole rest"]]);
  assert.deepEqual(label?.pairs, [
    ['"com.example.x"', '"1"'],
    ["y", "2"],
  ]);
});

test("takes what only looks like JSON as the shell form", () => {
  const [good, bad] = instructionsOf("FROM a\nCMD [\"node\", \"main.js\"]\nCMD ['node', 'main.js']\n");
  assert.deepEqual(good?.json, ["node", "main.js"]);
  assert.equal(bad?.json, undefined);
});

test("reports every mistake with its line", () => {
  const { problems } = parseDockerfile(
    "COPY a b\nFROM a AS\nFROM a\nCOPPY a b\nCOPY a\nENV A\nSHELL sh\nHEALTHCHECK maybe\nONBUILD FROM b\nRUN <<E\nx\n",
    "ci/Dockerfile",
  );
  assert.deepEqual(
    problems.map(({ file, line, detail }) => `${file}:${line} ${detail.split(" ").slice(0, 3).join(" ")}`),
    [
      "ci/Dockerfile:1 COPY comes before",
      "ci/Dockerfile:2 FROM: it must",
      "ci/Dockerfile:4 COPPY is not",
      "ci/Dockerfile:5 COPY: it needs",
      'ci/Dockerfile:6 ENV: "A" has',
      "ci/Dockerfile:7 SHELL: it must",
      "ci/Dockerfile:8 HEALTHCHECK: it must",
      "ci/Dockerfile:9 ONBUILD: FROM is",
      "ci/Dockerfile:10 the heredoc E",
    ],
  );
  assert.equal(parseDockerfile("# nothing\n").problems[0]?.detail, "there is no FROM instruction");
});

test("fills in variables as the reference says", () => {
  const known: Record<string, string> = { A: "1", EMPTY: "" };
  const cases: readonly [string, string][] = [
    ["$A-${A}", "1-1"],
    ["${B:-x}${EMPTY:-y}${EMPTY-z}", "xy"],
    ["${A:+set}${B:+set}", "set"],
    ["${B:-${A}2}", "12"],
    ["'$A' \"$A\"", "$A 1"],
    ["\\$A", "$A"],
    ['"a\\nb"', "a\\nb"],
    ["a$ b$1c", "a$ bc"],
    ["a$", "a$"],
  ];
  for (const [word, value] of cases) {
    assert.equal(
      expandWord(word, "\\", (name) => known[name]),
      value,
      word,
    );
  }
});

/** Not what looks like an option: COPY knows those, and they are no words of it. */
const word = fc.stringMatching(/^[a-zA-Z0-9_./:][a-zA-Z0-9_./:-]{0,11}$/);
const plainInstruction = fc.oneof(
  fc.tuple(word, word).map(([from, to]) => ({ text: `COPY ${from} ${to}`, words: [from, to] })),
  word.map((user) => ({ text: `USER ${user}`, words: [user] })),
  fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => ({ text: `RUN ${words.join(" ")}`, words })),
);

test("property: however lines are broken, spaced, cased and commented, the same instructions come out", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(plainInstruction, fc.boolean(), fc.constantFrom("\n", "\r\n"), fc.boolean()), { maxLength: 8 }),
      (items) => {
        let text = "FROM base\n";
        for (const [{ text: one }, broken, newline, lower] of items) {
          const space = one.indexOf(" ");
          const name = lower ? one.slice(0, space).toLowerCase() : one.slice(0, space);
          const rest = one.slice(space + 1);
          text += broken
            ? `${name} \\${newline}# a comment${newline}${newline}   ${rest.replaceAll(" ", ` \\${newline}`)}${newline}`
            : `  ${name}   ${rest}  ${newline}${newline}`;
        }
        assert.deepEqual(
          instructionsOf(text).map(({ words }) => words),
          items.map(([{ words }]) => words),
        );
      },
    ),
    { numRuns: testRuns(200) },
  );
});

test("property: no text makes it throw, and every mistake has a line of the text", () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "FROM a\n",
      "RUN <<EOF\n",
      "COPY ",
      "ENV ",
      "\\\n",
      '["',
      "${",
      "'",
      "# escape=`\n",
      "--from=",
      "\n",
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const text = pieces.join("");
      const lines = text.split("\n").length;
      for (const { line } of parseDockerfile(text).problems)
        assert.ok(line !== undefined && line >= 1 && line <= lines);
    }),
    { numRuns: testRuns(500) },
  );
});

test("property: quoting a value and splitting it again gives the value", () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[^\n\r]{1,20}$/), { minLength: 1, maxLength: 5 }), (values) => {
      const quoted = values.map((value) => `"${value.replace(/(["$\\])/g, "\\$1")}"`).join(" ");
      const back = splitWords(quoted, "\\").map((one) => expandWord(one, "\\", () => "never"));
      assert.deepEqual(back, values);
    }),
    { numRuns: testRuns(300) },
  );
});
