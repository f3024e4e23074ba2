// `gantry init`: writes the configuration of an installation and says what to do next.

import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { makePrivateFolder } from "@gantry/runtime/private-files.ts";
import type { Io } from "../io.ts";
import type { Call, Values as TableValues } from "../table/command.ts";
import type { INIT_FLAGS } from "../table/init-flags.ts";
import type { Answers } from "./answers.ts";
import { type Files, filesOf } from "./decide-files.ts";
import { nextSteps } from "./next-steps.ts";
import { type Ask, askMissing, readAnswers, type Values } from "./read-answers.ts";

/** `ask`: for tests; default: the terminal, if there is one. */
export async function init(
  { io, flags, args: [dir = "gantry-config"] }: Call<TableValues<typeof INIT_FLAGS>, readonly [string | undefined]>,
  ask?: Ask,
): Promise<number> {
  const values: Values = Object.fromEntries(Object.entries(flags).filter(([, value]) => value?.toString() !== ""));
  const answers = readAnswers(dir, await withTerminal(io, ask, (asking) => askMissing(values, asking)));
  if (Array.isArray(answers)) {
    io.stderr(`${answers.join("\n")}\n\nRun \`gantry init --help\` for details.\n`);
    return 2;
  }
  return write(answers as Answers, values.force === true, io);
}

function write(answers: Answers, force: boolean, io: Io): number {
  const at = (path: string): string => join(answers.dir, path);
  const files = filesOf(
    answers,
    () => randomBytes(32).toString("base64url"),
    (path) => keptSecret(at(path)),
  );
  const there = files.files.filter(({ path }) => existsSync(at(path)));
  if (there.length > 0 && !force) {
    io.stderr(
      `${answers.dir} already has ${there.map(({ path }) => path).join(", ")}. Nothing was written. Use another folder, or --force to overwrite these files; secrets stay.\n`,
    );
    return 1;
  }
  writeAll(answers, files);
  const empty = files.secrets.filter(({ content }) => content === undefined);
  const names = files.files.map(({ path }) => path).join(", ");
  io.stdout(`Written to ${answers.dir}: ${names}, and secrets/.\n\nNext:\n${nextSteps(answers, empty)}`);
  return 0;
}

/** Containers of compose run as another user: there, the folder alone keeps others out. */
function writeAll(answers: Answers, { files, secrets }: Files): void {
  makePrivateFolder(join(answers.dir, "secrets"));
  makePrivateFolder(answers.dir);
  const readable = answers.form === "compose" ? 0o444 : 0o600;
  const put = (path: string, content: string, mode: number): void => {
    const file = join(answers.dir, path);
    if (existsSync(file)) chmodSync(file, 0o600);
    writeFileSync(file, content, { mode: 0o600 });
    chmodSync(file, mode);
  };
  for (const { path, content } of files) put(path, content, path === "make-secrets" ? 0o700 : 0o600);
  for (const { path, content } of secrets) put(path, content ?? "", content === undefined ? 0o600 : readable);
}

/** Undefined: there is none, or it is still empty. */
function keptSecret(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, "utf8").replace(/\r?\n$/, "");
  return text === "" ? undefined : text;
}

async function withTerminal<T>(io: Io, ask: Ask | undefined, run: (ask: Ask | undefined) => Promise<T>): Promise<T> {
  if (ask !== undefined || !io.tty || !process.stdin.isTTY) return run(ask);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await run((question, otherwise) =>
      terminal.question(`${question}${otherwise === "" ? "" : ` [${otherwise}]`}: `),
    );
  } finally {
    terminal.close();
  }
}
