// A log is the output of any program: whatever it contains is shown as text.

import assert from "node:assert/strict";
import { test } from "node:test";
import { anyCharacter } from "@gantry/lab/any-character.fixture.ts";
import fc from "fast-check";
import { groupSizes, visibleLines } from "./src/log/log-groups.ts";
import { addText, allLines, EMPTY_LOG, levelOf, PLAIN, parseLine, plainText } from "./src/log/log-lines.ts";
import { findLines, firstFailingLine, splitAround } from "./src/log/log-search.ts";

const ESC = "\u001b";
const shown = (line: string): string => plainText(parseLine(line, PLAIN).spans);
const anyLine = fc
  .array(
    fc.oneof(
      fc.string({ unit: anyCharacter }),
      fc.constantFrom(
        ESC,
        `${ESC}[`,
        `${ESC}[31m`,
        `${ESC}[38;5;196m`,
        `${ESC}[0m`,
        `${ESC}]8;;`,
        "\u0007",
        "\r",
        "<script>",
      ),
    ),
  )
  .map((parts) => parts.join("").replaceAll("\n", ""));

test("colours become class names and stay in force across line breaks", () => {
  const first = parseLine(`${ESC}[1;31mnot ok${ESC}[22m 17`, PLAIN);
  assert.deepEqual(first.spans, [
    { text: "not ok", className: "a-bold a-red" },
    { text: " 17", className: "a-red" },
  ]);
  assert.deepEqual(parseLine(`still red${ESC}[m plain`, first.style).spans, [
    { text: "still red", className: "a-red" },
    { text: " plain", className: "" },
  ]);
});

test("256 colours and true colour take the nearest colour of the theme", () => {
  assert.equal(parseLine(`${ESC}[38;5;196mx`, PLAIN).spans[0]?.className, "a-red");
  assert.equal(parseLine(`${ESC}[38;2;20;200;30mx`, PLAIN).spans[0]?.className, "a-green");
  assert.equal(parseLine(`${ESC}[48;5;21;1mx`, PLAIN).spans[0]?.className, "a-bold a-on-blue");
});

test("a carriage return overwrites the line; titles, links and cursor moves are removed", () => {
  assert.equal(shown("10 %\r50 %\r100 %\r"), "100 %");
  assert.equal(shown(`${ESC}]0;title\u0007${ESC}[2K${ESC}[1Gdone`), "done");
  assert.equal(shown(`${ESC}]8;;http://a.example${ESC}\\text${ESC}]8;;${ESC}\\`), "text");
});

test("spans contain only the text of the line, with class names from a fixed set", () => {
  fc.assert(
    fc.property(anyLine, (line) => {
      const { spans } = parseLine(line, PLAIN);
      for (const { className } of spans) assert.match(className, /^(a-[a-z-]+( a-[a-z-]+)*)?$/);
      const text = plainText(spans);
      assert.doesNotMatch(text, /(?!\t)\p{Cc}|[\u202a-\u202e]/u);
      const inOrder = [...text].reduce((at, sign) => (at < 0 ? at : line.indexOf(sign, at)), 0);
      assert.ok(inOrder >= 0, "a character that is not in the line");
    }),
  );
});

test("the lines do not depend on how the text is split into pieces", () => {
  fc.assert(
    fc.property(fc.array(anyLine), fc.array(fc.nat(12)), (given, cuts) => {
      const whole = given.map((line) => `${line}\n`).join("");
      let log = EMPTY_LOG;
      let at = 0;
      for (const cut of [...cuts, whole.length]) {
        log = addText(log, whole.slice(at, at + cut));
        at += cut;
      }
      assert.deepEqual(log.lines, addText(EMPTY_LOG, whole).lines);
      assert.equal(log.lines.length, given.length);
    }),
  );
});

test("an unfinished line is shown, and completed by the next bytes", () => {
  const half = addText(EMPTY_LOG, "one\ntw");
  assert.deepEqual(
    allLines(half).map((line) => line.text),
    ["one", "tw"],
  );
  assert.deepEqual(
    allLines(addText(half, "o\n")).map((line) => line.text),
    ["one", "two"],
  );
});

test("errors are distinguished from mentions of errors", () => {
  for (const text of [
    "Error: no space",
    "npm ERR! code 1",
    "not ok 3",
    "ERROR no route",
    "2 tests failed",
    "fatal: bad ref",
  ])
    assert.equal(levelOf(text), "error", text);
  for (const text of ["0 errors", "# fail 0", "no error", "errors.ts compiled", "terror", "ok 1 - handles failures"])
    assert.equal(levelOf(text), undefined, text);
  assert.equal(levelOf("npm warn deprecated x"), "warning");
});

test("a failed step opens at the line named in its failure, else at the first error", () => {
  const { lines } = addText(EMPTY_LOG, "start\nError: first\nnot ok 17 - rounds\nend\n");
  assert.equal(firstFailingLine(lines, "not ok 17 - rounds"), 3);
  assert.equal(firstFailingLine(lines, "a line that is not there"), 2);
  assert.equal(firstFailingLine(lines.slice(3), undefined), undefined);
  assert.deepEqual(findLines(lines, "ERR"), [2]);
});

test("the parts around search hits together are the whole text", () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), fc.string({ maxLength: 3 }), (text, wanted) => {
      const parts = splitAround(text, wanted);
      assert.equal(parts.map((part) => part.text).join(""), text);
      for (const part of parts) if (part.isHit) assert.equal(part.text.toLowerCase(), wanted.toLowerCase());
    }),
  );
});

test("commands of scripts are shown in words, and the numbers of the lines stay those of the log", () => {
  const text = [
    "start",
    "::group::Libraries%0Aand more",
    "got a",
    "::endgroup::",
    "::error file=a.js,line=3::bad\r",
    "::debug::no error",
    "::group::",
    "::stop-commands::t",
    "::error::text",
    "::T::",
    "::notice::after",
  ].join("\n");
  const { lines } = addText({ ...EMPTY_LOG, firstLine: 101 }, `${text}\n`);
  assert.deepEqual(
    lines.map(({ n, text: said, level, group }) => [n, said, level, group]),
    [
      [101, "start", undefined, undefined],
      [102, "Libraries and more", undefined, 102],
      [103, "got a", undefined, 102],
      [104, "::endgroup::", undefined, 102],
      [105, "error: a.js:3: bad", "error", undefined],
      [106, "debug: no error", undefined, undefined],
      [107, "Group", undefined, 107],
      [108, "::stop-commands::t", undefined, 107],
      [109, "::error::text", undefined, 107],
      [110, "::T::", undefined, 107],
      [111, "notice: after", undefined, 107],
    ],
  );
  assert.deepEqual(
    [...groupSizes(lines)],
    [
      [102, 1],
      [107, 4],
    ],
  );
  assert.deepEqual(
    visibleLines(lines, new Set([102, 107])).map(({ n }) => n),
    [101, 102, 105, 106, 107],
  );
});

test("groups and commands do not depend on how the log arrived in pieces", () => {
  const line = fc.constantFrom("::group::a", "::endgroup::", "x", "::stop-commands::t", "::t::", "::error::b", "");
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(80)), (parts, cuts) => {
      const text = parts.join("\n");
      const places = [...new Set(cuts)].filter((cut) => cut < text.length).sort((a, b) => a - b);
      const pieces = [0, ...places].map((from, at) => text.slice(from, places[at]));
      const log = pieces.reduce((before, piece) => {
        allLines(before);
        return addText(before, piece);
      }, EMPTY_LOG);
      assert.deepEqual(allLines(log), allLines(addText(EMPTY_LOG, text)));
    }),
  );
});
