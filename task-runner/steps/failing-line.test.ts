import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { findFailingLine } from "./failing-line.ts";

function lineOf(...lines: string[]): string | undefined {
  const finder = findFailingLine();
  finder.push(Buffer.from(`${lines.join("\n")}\n`));
  return finder.line();
}

const CASES: readonly [string, readonly string[], string | undefined][] = [
  ["tap", ["TAP version 13", "ok 1 - adds", "not ok 2 - subtracts", "# fail 1"], "not ok 2 - subtracts"],
  ["node:test", ["✔ adds (1ms)", "✖ subtracts (2ms)", "ℹ fail 1"], "✖ subtracts (2ms)"],
  ["go", ["=== RUN TestX", "--- FAIL: TestX (0.00s)", "    x_test.go:5: got 3", "FAIL"], "--- FAIL: TestX (0.00s)"],
  ["tsc", ["src/a.ts(3,7): error TS2322: Type 'string'", "exit 2"], "src/a.ts(3,7): error TS2322: Type 'string'"],
  ["gcc", ["cc -c a.c", "a.c:1:2: error: expected ';'", "make: *** [a.o] Error 1"], "a.c:1:2: error: expected ';'"],
  ["maven", ["[INFO] Compiling", "[ERROR] COMPILATION ERROR : "], "[ERROR] COMPILATION ERROR :"],
  ["npm", ["npm warn old", "npm error code ENOENT"], "npm error code ENOENT"],
  [
    "npm with a code before the reason",
    ["npm error code E404", "npm error errno 1", "npm error 404 Not Found - GET https://r.example/ms", "npm error 404"],
    "npm error 404 Not Found - GET https://r.example/ms",
  ],
  [
    "python",
    ["Traceback (most recent call last):", '  File "x.py", line 1', "    int('x')", "ValueError: invalid"],
    "ValueError: invalid",
  ],
  ["shell", ["start", "build.sh: line 3: mvnn: command not found"], "build.sh: line 3: mvnn: command not found"],
  ["a full disk", ["ok", "/dev/sda1 is 100% full, cannot write"], "/dev/sda1 is 100% full, cannot write"],
  ["too little coverage", ["ok", "coverage is 71.4%, less than 80%"], "coverage is 71.4%, less than 80%"],
  ["the title of a window", ["\u001b]0;make\u0007no rule for x"], "no rule for x"],
  ["a link", ["\u001b]8;;http://x\u001b\\the page\u001b]8;;\u001b\\ is gone"], "the page is gone"],
  ["a character set", ["\u001b(B\u001b[mend"], "end"],
  ["colours in 8 bits", ["\u009b31mred\u009b0m end"], "red end"],
  ["colours", ["\u001b[31mError:\u001b[0m no space left"], "Error: no space left"],
  ["all is well but for the end", ["0 errors, 0 warnings", "Tests failed: 0", "✓ ok", "bye"], "bye"],
  ["only the last group", ["error: old", "::group::tests", "fine", "AssertionError: 1 == 2"], "AssertionError: 1 == 2"],
  ["nothing", ["", "  "], undefined],
];

for (const [name, lines, expected] of CASES) {
  test(`the failing line: ${name}`, () => assert.equal(lineOf(...lines), expected));
}

/** Output in which no line is an error, although the script failed. */
const NO_ERROR: readonly (readonly [string, readonly string[]])[] = [
  ["only a greeting", ["hello", "bye"]],
  ["passed tests about failures", ["✓ says that the login failed", "ok 3 - could not be spoofed", "3 tests"]],
  ["a failure of nobody", ["0 failed, 12 passed", "failed attempts: 0", "done"]],
  ["passed tests of Rust and Python", ["test error: is_shown ... ok", "test_x.py::failed PASSED", "2 passed"]],
  ["the commands of `set -x`", ["+ grep -q error: log.txt", "++ echo failed", "end"]],
  ["the names of files", ["Compiling failed.ts", "Copying error.html", "written"]],
  ["an announcement", ["If this failed before, it is tried again", "[2/3] waiting"]],
  ["a percentage", ["Downloading 45%"]],
];

for (const [name, lines] of NO_ERROR)
  test(`no line is taken for the error: ${name}`, () => {
    const finder = findFailingLine();
    finder.push(Buffer.from(`${lines.join("\n")}\n`));
    assert.equal(finder.isError(), false, finder.line());
    assert.equal(finder.line(), lines.at(-1));
  });

test("a clear error counts more than a line before it that only sounds like one", () => {
  for (const vague of ["Retrying, because the first download failed", "could not find a cache, continuing"])
    assert.equal(
      lineOf(vague, "src/a.c:3: error: no such type", "make: *** [a.o] Error 1"),
      "src/a.c:3: error: no such type",
    );
  assert.equal(lineOf("upload of x failed", "make: *** [up] Error 1"), "upload of x failed");
  const finder = findFailingLine();
  finder.push(Buffer.from("upload of x failed\n"));
  assert.equal(finder.isError(), true);
});

/** What programs print while they work, and then the error in the same line. */
const BARS: readonly [string, string, string][] = [
  [
    "curl",
    "  5  100M    5 5120k    0     0  1234k      0  0:01:23  0:00:04  0:01:19 1234k\r",
    "curl: (56) Recv failure",
  ],
  ["wget", "x.bin   45%[====>      ]  1.2M  --.-KB/s\r", "x.bin: Read error at byte 5"],
  ["pip", "   ━━━━━━╸━━━━━ 1.2/3.4 MB 5 MB/s\r", "ERROR: No matching distribution"],
  ["git", "Receiving objects:  45% (9/20)\r", "fatal: early EOF"],
  ["docker", "a1b2: Downloading [==>     ]  1.2MB/3.4MB\u001b[2K\r", "write /x: no space left on device"],
  ["npm", "\u001b[1G\u001b[0K⠙\u001b[1G", "npm error code E404"],
  ["spinner with backspaces", "building |\u0008/\u0008-\u0008\\\u0008", "cannot open x"],
  ["percentages with backspaces", "copy 10%\u0008\u0008\u000820%\u0008\u0008\u0008", "the disk is full"],
  ["cursor up", "\u001b[1A[#####-----] 50%\u001b[1A", "upload was refused"],
  ["maven", "Progress (1): 1.2/3.4 MB\r", "Connection reset"],
  ["cargo", "   Building [=======>        ] 12/34: x\r", "error: linking with cc failed"],
  ["apt", "\r0% [Working]\r 45% [1 Packages 1,234 kB]\r", "Hash Sum mismatch"],
  ["rsync", "  1,234  45%    1.2MB/s    0:00:04\r", "rsync: connection unexpectedly closed"],
  ["tqdm", " 45%|████▌     | 45/100 [00:04<00:05, 10it/s]\r", "the model file is broken"],
  ["gcc in colours", "\u001b[Ka.c:1: \u001b[01;31m\u001b[K", "a.c:1: error: expected ';'"],
];

for (const [name, bar, error] of BARS) {
  const text = name.startsWith("gcc")
    ? "\u001b[Ka.c:1: \u001b[01;31m\u001b[Kerror: \u001b[mexpected ';'\n"
    : `${bar.repeat(100)}${error}\n`;
  test(`the error behind a progress bar is the failing line: ${name}`, () => {
    for (const size of [1, 7, 100_000]) {
      const finder = findFailingLine();
      for (let at = 0; at < text.length; at += size) finder.push(Buffer.from(text.slice(at, at + size)));
      assert.equal(finder.line(), error, `in pieces of ${size}`);
    }
  });
}

test("a progress line is the failing line only when there is no other", () => {
  assert.equal(lineOf("cannot continue", "Downloading 45%", "[=======>   ]"), "cannot continue");
  assert.equal(lineOf("Downloading 45%"), "Downloading 45%");
});

test("property: the pieces in which the output comes do not matter", () => {
  const text = Buffer.from("größe\nerror: ünten\nend");
  fc.assert(
    fc.property(fc.nat({ max: text.length }), (cut) => {
      const finder = findFailingLine();
      finder.push(text.subarray(0, cut));
      finder.push(text.subarray(cut));
      assert.equal(finder.line(), "error: ünten");
    }),
  );
});

test("a long line without end costs no time", () => {
  const finder = findFailingLine();
  const piece = Buffer.from("Errorerrorfailed".repeat(4_096));
  const spent = process.cpuUsage();
  for (let index = 0; index < 500; index += 1) finder.push(piece);
  finder.line();
  assert.ok(process.cpuUsage(spent).user < 3_000_000);
});
