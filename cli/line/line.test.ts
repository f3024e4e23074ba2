// What appears on a terminal: errors with their places, texts of others without control characters, colours only where
// they are wanted, and completion in a shell.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { type StreamFrame, streamFrames } from "../portal/event-stream.ts";
import { runCommand } from "../portal.fixture.ts";
import { paint } from "../print/colour.ts";
import { textTable } from "../print/text-table.ts";
import { errorText } from "./run-line.ts";

test("an error is one line, with a line for each place that is wrong", () => {
  const problems = [{ pointer: "/params/targets/0", detail: "there is no target soul" }];
  const text = errorText(new GantryError("bad-params", { pipeline: "cd", problem: "A target is wrong" }, { problems }));
  assert.equal(
    text,
    "The parameters do not fit the pipeline cd. A target is wrong. `gantry pipeline show cd` lists the parameters.\n  targets.0: there is no target soul\n",
  );
});

test("a cell of a table stays in its row, whatever somebody wrote into it", () => {
  const table = textTable(["A", "B"], [["one\ntwo\u001b[2J", "x"]]);
  assert.equal(table, "A                 B\none two\\u001b[2J  x\n");
});

test("colours appear on a terminal only, and not with NO_COLOR", () => {
  const of = (tty: boolean, env: Record<string, string> = {}): string => paint({ tty, env }, "red", "x");
  assert.equal(of(true), "\u001b[31mx\u001b[39m");
  for (const plain of [of(false), of(true, { NO_COLOR: "1" }), of(true, { TERM: "dumb" })]) assert.equal(plain, "x");
  assert.notEqual(of(true, { NO_COLOR: "" }), "x", "an empty NO_COLOR says nothing");
});

test("frames of a stream are read, however they are cut", async () => {
  const text = ': ping\n\nid: 5-2\ndata: {"n":1}\n\nevent: end\ndata: é\ndata: b\n\ndata: cut';
  const body = new ReadableStream<Uint8Array>({
    start: (stream) => {
      for (const byte of Buffer.from(text)) stream.enqueue(Uint8Array.of(byte));
      stream.close();
    },
  });
  const frames: StreamFrame[] = [];
  for await (const frame of streamFrames(new Response(body))) frames.push(frame);
  assert.deepEqual(frames, [
    { id: "5-2", event: "message", data: '{"n":1}' },
    { id: undefined, event: "end", data: "é\nb" },
  ]);
});

test("completion knows commands, flags and values, and files where nothing else fits", async (t) => {
  const script = (await runCommand(["completion", "bash"])).out;
  const complete = (line: string): string => {
    const words = line.split(" ");
    const list = words.map((word) => `'${word}'`).join(" ");
    return `COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _gantry; echo "\${COMPREPLY[*]}"`;
  };
  const lines = [
    "gantry ta",
    "gantry task re",
    "gantry task list --state = su",
    "gantry task list --state su",
    "gantry rerun --ne",
    "gantry cd orders --o",
    "gantry completion z",
    "gantry --he",
  ];
  const { stdout, stderr, error } = spawnSync("bash", ["-c", [script, ...lines.map(complete)].join("\n")], {
    encoding: "utf8",
  });
  if (error) return t.skip("there is no bash");
  assert.deepEqual(
    [stderr, stdout.trimEnd().split("\n")],
    ["", ["task", "rerun resolve reject", "succeeded", "succeeded", "--newest", "--override-reason", "zsh"]],
  );
  for (const shell of ["zsh", "fish"]) assert.match((await runCommand(["completion", shell])).out, /'task rerun'/);
  assert.equal((await runCommand(["completion", "tcsh"])).code, 2);
});
