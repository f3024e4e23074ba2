// Variables in Dockerfiles, with every operator of the Dockerfile reference.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import fc from "fast-check";
import { tempDir } from "../temp-dir.fixture.ts";
import { findObstacle } from "./decide-builder.ts";
import { parseDockerfile } from "./dockerfile/dockerfile.ts";
import { AmbiguousError, ExpansionError, expandWord } from "./dockerfile/expansion.ts";
import { DEFAULT_PATH } from "./dockerfile/interpret.ts";
import { assemble, look, writeFiles } from "./image.fixture.ts";

const KNOWN: Readonly<Record<string, string>> = {
  V: "v1.2.3",
  P: "a/b/a.tar.gz",
  EMPTY: "",
  STAR: "*",
  X: "a.b",
  G: "aXbXc",
  FACE: "😀a",
  LINES: "a\nb",
};
const value = (word: string): string => expandWord(word, "\\", (name) => KNOWN[name]);

test("every operator gives what BuildKit gives", () => {
  const cases: readonly [string, string][] = [
    ["${V#v}", "1.2.3"],
    ["${V#x}", "v1.2.3"],
    ["${V#*.}", "2.3"],
    ["${V##*.}", "3"],
    ["${V%.*}", "v1.2"],
    ["${V%%.*}", "v1"],
    ["${V%.?}", "v1.2"],
    ["${V%%*}", ""],
    ["${P##*/}", "a.tar.gz"],
    ["${P%/*}", "a/b"],
    ["${P/a/x}", "x/b/a.tar.gz"],
    ["${P//a/x}", "x/b/x.txr.gz"],
    ["${P//\\//-}", "a-b-a.tar.gz"],
    ["${V/v/}", "1.2.3"],
    ["${V//./_}", "v1_2_3"],
    ["${X/./-}", "a-b"],
    ["${G/X*/-}", "a-"],
    ["${V/v/$EMPTY}", "1.2.3"],
    ["${V/v/$1\\$&}", "\\$&1.2.3"],
    ["${V:?needed}", "v1.2.3"],
    ["${EMPTY?needed}", ""],
    ["${NONE#x}${NONE%x}${NONE/a/b}", ""],
    ["${NONE:-${V#v}}", "1.2.3"],
    ["${V#${NONE:-v}}", "1.2.3"],
    ["\"${V#v}\" '${V#v}'", "1.2.3 ${V#v}"],
    ["${V#\\*}", "v1.2.3"],
    ["$1$9${1}", ""],
    ["\\${V#v}", "${V#v}"],
    ['${P/"/"/y}', "ayb/a.tar.gz"],
    ['${V/"v"/"x/y"}', "x/y1.2.3"],
    ["${V/v/'a}'}", "a}1.2.3"],
    ["${NONE:-\"}\"}${NONE:-'}'}", "}}"],
    ["${NONE:-a\\}b}", "a}b"],
    ["${NONE-{}}|${V-{}}", "{}|v1.2.3}"],
    ["${V///-}", "-v-1-.-2-.-3-"],
    ["${V/${EMPTY}/x}", "xv1.2.3"],
    ["${V//*/x}", "x"],
    ["${V/./\\x}", "v1\\x2.3"],
    ["${V/v/\\}}", "\\}1.2.3"],
    ['${V#"\\v"}', "v1.2.3"],
    ["${FACE#?}|${FACE%?a}|${FACE/?/x}", "a||xa"],
    ["${LINES#*b}|${LINES%%a*}", "a\nb|a\nb"],
  ];
  for (const [word, expected] of cases) assert.equal(value(word), expected, word);
});

test("what a Dockerfile must not have is an error, not a text", () => {
  const cases: readonly [string, RegExp][] = [
    ["${NONE:?a word}", /^NONE: a word$/],
    ["${NONE?}", /^NONE: it is not set$/],
    ["${EMPTY:?}", /^EMPTY: it is empty$/],
    ["${V^^}", /^\$\{V\^\^\} has an operator/],
    ["${V,,}", /has an operator/],
    ["${V:0:2}", /has an operator/],
    ["${V@Q}", /has an operator/],
    ["${V:x}", /has an operator/],
    ["${V=x}", /has an operator/],
    ["${!V}", /has an operator/],
    ["${#V}", /has an operator/],
    ["${}", /there is no name of a variable/],
    ["${ V}", /there is no name of a variable/],
    ["${V", /is never closed/],
    ["${P/a}", /^\$\{P\/a\} has no \/ between the pattern and what replaces it$/],
    ["${V//}", /has no \/ between/],
    ['${V/x"/y}', /^the quote " in .* is never closed$/],
    ["${V#'v}", /^the quote ' in .* is never closed$/],
    ['"${NONE:-a"b}"', /is never closed$/],
    ["${V#\\x}", /^\$\{V#\\x\} has \\x in its pattern: a backslash stands before/],
    ["${V/\\./x}", /has \\\. in its pattern/],
    ["${V:-${NONE?needed}}", /^NONE: needed$/],
    ["${V+'}", /is never closed$/],
    ["${V-${NONE}", /is never closed$/],
    ["${V:#v}", /has an operator/],
    ["a'b", /^the quote ' in a'b is never closed$/],
    ['"$V', /is never closed/],
  ];
  for (const [word, problem] of cases) {
    assert.throws(
      () => value(word),
      (error) => error instanceof ExpansionError && problem.test(error.message),
      word,
    );
  }
});

test("variables of a shell, which builders read in different ways, are for a real builder", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  for (const word of ["$$", "$@", "$*", "$#", "$?", "$!", "$-", "${@}", "${-}", 'a"$$"', "${V:-$$}"]) {
    assert.throws(() => value(word.replace("$V", "$NONE").replace("{V", "{NONE")), AmbiguousError, word);
    await assert.rejects(
      assemble(`FROM scratch\nENV A=${word}\n`, folders),
      (error) =>
        error instanceof GantryError &&
        error.code === "no-builder" &&
        /Line 2: ENV/.test(String(error.details.problem)),
      word,
    );
  }
  for (const word of ["'$$'", "\\$\\$", "$ ", "a$"]) assert.doesNotThrow(() => value(word), word);
});

test("a $ in what replaces every match, which BuildKit takes for a group, is for a real builder", () => {
  for (const word of ["${V//./\\$1}", "${V//./'$'}", "${V//v/$DOLLAR}"])
    assert.throws(() => expandWord(word, "\\", (name) => ({ V: "v1", DOLLAR: "$1" })[name]), AmbiguousError, word);
});

test("a pattern with many stars takes no longer than a short one", () => {
  const text = "a".repeat(5000);
  for (const operator of ["#", "##", "%", "%%"])
    assert.equal(
      expandWord(`\${V${operator}${"*a".repeat(30)}*b}`, "\\", () => text),
      text,
    );
});

test("property: patterns are taken off as bash takes them off", {
  skip: existsSync("/bin/bash") ? false : "no bash",
}, () => {
  const text = fc.array(fc.constantFrom("a", "b", ".", "/"), { maxLength: 6 }).map((parts) => parts.join(""));
  const pattern = fc.array(fc.constantFrom("a", "b", ".", "*", "?"), { maxLength: 3 }).map((parts) => parts.join(""));
  const rows = fc.sample(fc.tuple(text, pattern, fc.constantFrom("#", "##", "%", "%%")), 400);
  const script = rows.map(([from, off, operator]) => `V='${from}'; echo "<\${V${operator}${off}}>"`).join("\n");
  const expected = execFileSync("/bin/bash", ["-c", script], { encoding: "utf8" }).trimEnd().split("\n");
  for (const [index, [from, off, operator]] of rows.entries()) {
    // A pattern that begins with the operator's own sign would be another operator.
    const got = expandWord(`<\${V${operator}${off}}>`, "\\", () => from);
    assert.equal(got, expected[index], `${from} ${operator} ${off}`);
  }
});

test("instructions fill in variables where the reference says, and a mistake names its line", async (t) => {
  const context = await tempDir(t);
  await writeFiles(context, { "a-1": "1", b: "2" });
  const scratch = await tempDir(t);
  const text = [
    "ARG BASE=scratch",
    "FROM ${BASE%%-*} AS one",
    "ARG V=v1",
    "ENV K${V#v}=x",
    'COPY ["a-${V#v}", "/${V/v/n}/"]',
    'VOLUME ["/data-${V#v}"]',
    "FROM one",
    "COPY a-${V#v} /again/",
    "LABEL ${V}=$K1",
    'CMD ["echo", "${V}"]',
  ].join("\n");
  const { config, layers } = await look(await assemble(text, { context, scratch }));
  assert.deepEqual(config.config.Env, [DEFAULT_PATH, "K1=x"]);
  assert.deepEqual(config.config.Volumes, { "/data-1": {} });
  assert.deepEqual(config.config.Labels, { v1: "x" });
  assert.deepEqual(config.config.Cmd, ["echo", "${V}"]);
  assert.deepEqual(
    layers.map((layer) => layer.map(({ path }) => path)),
    [
      ["n1/", "n1/a-1"],
      ["again/", "again/a-1"],
    ],
  );
  const mistakes: readonly [string, RegExp][] = [
    ["FROM scratch\nARG SHA\nLABEL c=${SHA:?missing}\n", /^line 3: LABEL: SHA: missing$/],
    ["FROM scratch\nENV A='x\n", /^line 2: ENV: the quote/],
    ["FROM scratch\nWORKDIR /${A^^}\n", /^line 2: WORKDIR: \$\{A\^\^\} has an operator/],
    ["FROM ${A\n", /^line 1: FROM: the brace/],
  ];
  for (const [dockerfile, problem] of mistakes) {
    await assert.rejects(
      assemble(dockerfile, { context, scratch }),
      (error) =>
        error instanceof GantryError &&
        error.code === "dockerfile-invalid" &&
        problem.test(String(error.details.problem)),
      dockerfile,
    );
  }
});

test("what builders read in different ways is left to a real builder", () => {
  const why = (text: string): string | undefined => findObstacle(parseDockerfile(text).dockerfile, {})?.why;
  assert.match(why("# syntax=example/other:1\nFROM scratch\n") ?? "", /another Dockerfile frontend/);
  for (const usual of ["docker/dockerfile:1", "docker.io/docker/dockerfile:1.7-labs", "docker/dockerfile@sha256:a"]) {
    assert.equal(why(`# syntax=${usual}\nFROM scratch\n`), undefined);
  }
  assert.match(why('FROM scratch\nCOPY "a b" /x/\n') ?? "", /a space outside of a JSON array/);
  assert.equal(why('FROM scratch\nCOPY ["a b", "/x/"]\n'), undefined);
  const [env, after] = parseDockerfile("FROM a\nENV A=x\\\\\nUSER me\n").dockerfile.stages[0]?.instructions ?? [];
  assert.deepEqual([env?.text, after?.name], ["A=x\\\\", "USER"], "an escaped escape continues nothing");
});
