// The commands in the output of scripts, as people know them from GitHub Actions.

import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuMsOf } from "@gantry/lab/cpu-time.ts";
import fc from "fast-check";
import { type Annotation, annotationOf, MAX_FILE, MAX_MESSAGE, MAX_TITLE } from "./annotation.ts";
import { readCommands } from "./commands.ts";
import { progressOf, type StepProgress } from "./progress.ts";

function annotation(line: string): Annotation | undefined {
  const command = readCommands()(line);
  return command && annotationOf(command);
}

const ANNOTATIONS: readonly (readonly [string, Annotation | undefined])[] = [
  ["::error::bad", { level: "error", message: "bad" }],
  [
    "::error file=app.js,line=1,col=5::Missing semicolon",
    { level: "error", message: "Missing semicolon", file: "app.js", line: 1, column: 5 },
  ],
  [
    "::warning file=app.js,line=1,col=5,endColumn=7,endLine=2,title=YOUR-TITLE::Missing",
    {
      level: "warning",
      message: "Missing",
      title: "YOUR-TITLE",
      file: "app.js",
      line: 1,
      column: 5,
      endLine: 2,
      endColumn: 7,
    },
  ],
  ["  \t::NOTICE FILE=a.js::in any case", { level: "notice", message: "in any case", file: "a.js" }],
  ["::error::first%0Asecond%0D%0Athird", { level: "error", message: "first\nsecond\nthird" }],
  ["::error::100%25 and %250A", { level: "error", message: "100% and %0A" }],
  ["::error::%0a and %3A are no codes here", { level: "error", message: "%0a and %3A are no codes here" }],
  ["::error title=a%3Ab%2Cc,file=x%25y::m", { level: "error", message: "m", title: "a:b,c", file: "x%y" }],
  ["::error file=C%3A\\x.js,line=nine,col=-1,endLine=0::m", { level: "error", message: "m", file: "C:\\x.js" }],
  ["::error ,,=,file,line=3,unknown=1::m", { level: "error", message: "m", line: 3 }],
  ["::error::a::b", { level: "error", message: "a::b" }],
  ["::error::\u001b[31mred\u001b[0m \u202egpj.exe\u0007", { level: "error", message: "red gpj.exe" }],
  ["::error title=only a title::", { level: "error", message: "", title: "only a title" }],
  ["::error::", undefined],
  ["::error", undefined],
  ["::errors::bad", undefined],
  ["::debug::not for a place", undefined],
  ["text ::error::in the middle of a line", undefined],
  ["::set-output name=x::1", undefined],
];

for (const [line, expected] of ANNOTATIONS)
  test(`annotation: ${JSON.stringify(line)}`, () => assert.deepEqual(annotation(line), expected));

test("commands are switched off between a token and its return", () => {
  const read = readCommands();
  const names = [
    "::stop-commands::Pause-1",
    "::error::text",
    "::other::",
    "::add-mask::abcdefgh",
    "::stop-commands::x",
    "::x::",
    "::pause-1::",
    "::error::again",
  ].map((line) => read(line)?.name);
  assert.deepEqual(names, ["stop-commands", ...Array(6).fill(undefined), "error"]);
});

test("a token that is empty or the name of a command switches nothing off", () => {
  for (const token of ["", "  ", "error", "EndGroup"]) {
    const read = readCommands();
    assert.equal(read(`::stop-commands::${token}`), undefined);
    assert.equal(read("::group::still on")?.name, "group");
  }
});

test("A13: the progress that a script tells", () => {
  const cases: readonly (readonly [string, StepProgress | undefined])[] = [
    ["3/10 uploading", { done: 3, total: 10, text: "uploading" }],
    [" 50% ", { done: 50, total: 100 }],
    ["0/7", { done: 0, total: 7 }],
    ["9/3", { done: 3, total: 3 }],
    ["1/0", undefined],
    ["half", undefined],
    ["-1/3", undefined],
    ["", undefined],
  ];
  for (const [message, expected] of cases) {
    const command = readCommands()(`::progress::${message}`);
    assert.ok(command);
    assert.deepEqual(progressOf(command), expected, message);
  }
});

test("an annotation is within its limits, without control characters, whatever the line is", () => {
  const text = fc.oneof(fc.string({ unit: "binary", maxLength: 3_000 }), fc.string({ unit: "grapheme" }));
  fc.assert(
    fc.property(text, text, text, (title, file, message) => {
      const found = annotation(`::warning title=${title},file=${file}::${message}`);
      if (!found) return;
      assert.ok(found.message.length <= MAX_MESSAGE);
      assert.ok((found.title ?? "").length <= MAX_TITLE && (found.file ?? "").length <= MAX_FILE);
      assert.doesNotMatch(`${found.title}${found.file}`, /\p{Cc}/u);
      assert.doesNotMatch(found.message, /(?![\n\t])\p{Cc}|\p{Bidi_Control}/u);
    }),
  );
});

test("a huge line is read in little time", async () => {
  for (const line of [
    `::error ${"a=b,".repeat(16_000)}::m`,
    `::error::${"%0A".repeat(20_000)}`,
    `::${" :".repeat(30_000)}`,
  ]) {
    const cpuMs = await cpuMsOf(() => annotation(line));
    assert.ok(cpuMs < 1_000, `${line.slice(0, 20)} took ${cpuMs} ms`);
  }
});
