// The `gantry` command.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { text } from "node:stream/consumers";
import { visibleText } from "@gantry/core/visible-text.ts";
import type { Io } from "./io.ts";
import { runLine } from "./line/run-line.ts";
import { askSecret } from "./sign-in/ask-secret.ts";

const io: Io = {
  stdout: (text) => void process.stdout.write(visibleText(text)),
  stderr: (text) => void process.stderr.write(visibleText(text)),
  painted: (text) => void process.stdout.write(text),
  readFile: (path) => readFileSync(path, "utf8"),
  env: process.env,
  tty: process.stdout.isTTY === true,
  readInput: () => text(process.stdin),
  askSecret: process.stdin.isTTY ? (question) => askSecret(question, process.stdin, process.stderr) : undefined,
  ask: process.stdin.isTTY && process.stdout.isTTY ? askLine : undefined,
  interruption: () => {
    const stop = new AbortController();
    process.once("SIGINT", () => stop.abort());
    process.once("SIGTERM", () => stop.abort());
    return stop.signal;
  },
};

async function askLine(question: string, otherwise: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await terminal.question(`${question}${otherwise === "" ? "" : ` [${otherwise}]`}: `);
  } finally {
    terminal.close();
  }
}

// The reader of a pipe may end before the writer, as in `gantry task list | head -1`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await runLine(process.argv.slice(2), io);
