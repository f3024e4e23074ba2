// `gantry init`: writes the configuration of an installation and says what to do next.

import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { makePrivateFolder } from "@gantry/runtime/private-files.ts";
import { parseFlags } from "@gantry/runtime/process/parse-flags.ts";
import type { Io } from "../io.ts";
import { type Answers, FORMS, PROVIDERS } from "./answers.ts";
import { type Files, filesOf } from "./decide-files.ts";
import { nextSteps } from "./next-steps.ts";
import { type Ask, askMissing, FLAGS, readAnswers, type Values } from "./read-answers.ts";

const HELP = `Usage: gantry init [DIR] [flags]        (DIR: gantry-config)

Writes the configuration of an installation into DIR, and says what to do next. At a terminal it asks for what the flags
leave open. Files that are there stay, unless --force is given; secrets are never overwritten.

  --form FORM          ${FORMS.join(", ")} (default all-in-one)
  --site SITE          a site that builds and deploys; may be given several times (default main)
  --url URL            the address that people open (default http://127.0.0.1:PORT)
  --port N             port of the portal (8080); --agent-port (7001) and --notify-port (7002)
  --isolation HOW      of scripts: sandbox (default), container or none; see docs/runner.md

Systems; [SITE=]URL is for the first site if none is named:
  --git PROVIDER=URL   ${PROVIDERS.join(", ")}; --git-user NAME, --git-project PROJECT (APPS)
  --harbor [SITE=]URL  --harbor-user NAME (robot$gantry)
  --argocd [SITE=]URL
  --nexus [SITE=]URL   optional; --nexus-user NAME (gantry)
  --sonarqube [SITE=]URL   optional
  --jira URL           optional; --jira-user NAME
  --mail HOST          optional; --mail-from ADDRESS, --mail-to ADDRESS
  --sso URL            optional: an OIDC issuer; --sso-client ID (gantry)

  --force              overwrite configuration files (not secrets)
`;

/** `ask`: for tests; default: the terminal, if there is one. */
export async function init(argv: readonly string[], io: Io, ask?: Ask): Promise<number> {
  const read = readArguments(argv);
  if (typeof read === "string") {
    (read === "" ? io.stdout : io.stderr)(`${read === "" ? "" : `${read}\n\n`}${HELP}`);
    return read === "" ? 0 : 2;
  }
  const { dir, values } = read;
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

/** The arguments, an empty text for `--help`, or an error message. */
function readArguments(argv: readonly string[]): { readonly dir: string; readonly values: Values } | string {
  try {
    const { values, positionals } = parseFlags(argv, FLAGS);
    if (values.help) return "";
    const [dir = "gantry-config", ...more] = positionals;
    return more.length > 0 ? "Too many arguments." : { dir, values };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
