// The `gantry` command. Every command is a function of its arguments and an Io, and answers its exit code.

import { readFileSync } from "node:fs";
import { inOneLine, startError } from "@gantry/runtime/process/start-error.ts";
import type { Io } from "./io.ts";

type Command = { readonly summary: string; readonly run: (argv: readonly string[], io: Io) => Promise<number> };

/** Loaded when used: `lint` must not wait for the servers' code. */
const COMMANDS: Readonly<Record<string, Command>> = {
  start: {
    summary: "start everything on this machine, with the lab",
    run: async (argv, io) => (await import("./start.ts")).start(argv, io),
  },
  lint: { summary: "check pipeline files", run: async (argv, io) => (await import("./lint.ts")).lint(argv, io) },
  plan: {
    summary: "show the jobs a pipeline would run",
    run: async (argv, io) => (await import("./plan.ts")).plan(argv, io),
  },
  settings: {
    summary: "show and change settings while everything runs",
    run: async (argv, io) => (await import("./settings.ts")).settings(argv, io),
  },
  archive: {
    summary: "look into the archive of old tasks and deliveries",
    run: async (argv, io) => (await import("./archive.ts")).archive(argv, io),
  },
  backup: {
    summary: "copy what the processes of a data folder remember, while they run",
    run: async (argv, io) => (await import("./backup.ts")).backup(argv, io),
  },
  restore: {
    summary: "make a data folder of a backup",
    run: async (argv, io) => (await import("./restore.ts")).restore(argv, io),
  },
  version: {
    summary: "tell which Gantry this is",
    run: async (argv, io) => (await import("./version.ts")).version(argv, io),
  },
};

async function main(argv: readonly string[], io: Io): Promise<number> {
  const [given = "help", ...rest] = argv;
  const name = given === "--version" ? "version" : given;
  const command = COMMANDS[name];
  if (command) return command.run(rest, io);
  const known = name === "help" || name === "--help" || name === "-h";
  (known ? io.stdout : io.stderr)(`${known ? "" : `There is no command ${name}.\n\n`}${help()}`);
  return known ? 0 : 2;
}

function help(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  gantry ${name.padEnd(8)} ${summary}`);
  return `Usage:\n${lines.join("\n")}\n\n\`gantry COMMAND --help\` tells more.\n`;
}

const io: Io = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  readFile: (path) => readFileSync(path, "utf8"),
  env: process.env,
  tty: process.stdout.isTTY === true,
};

try {
  process.exitCode = await main(process.argv.slice(2), io);
} catch (error) {
  const fault = startError(error);
  if (!fault) throw error;
  io.stderr(`${inOneLine(fault)}\n`);
  process.exitCode = 2;
}
