// `gantry init`: writes the configuration of an installation and says what to do next.

import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makePrivateFolder } from "@gantry/runtime/private-files.ts";
import type { Io } from "../io.ts";
import type { Call } from "../table/command.ts";
import type { Answers } from "./answers.ts";
import { type Files, filesOf } from "./decide-files.ts";
import { nextSteps } from "./next-steps.ts";
import { askMissing, readAnswers, type Values } from "./read-answers.ts";

type InitFlags = { readonly [flag: string]: string | boolean | readonly string[] | undefined };

export async function init({
  io,
  flags,
  args: [dir = "gantry-config"],
}: Call<InitFlags, readonly [string | undefined]>): Promise<number> {
  const given = Object.entries(flags).filter(([, value]) => typeof value !== "object" || value.length > 0);
  const values: Values = Object.fromEntries(given);
  const answers = readAnswers(dir, await askMissing(values, io.ask));
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
