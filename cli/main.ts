// The `gantry` command. Every subcommand is a function of its arguments and an Io that resolves to the exit code.

import { readFileSync } from "node:fs";
import { didYouMean } from "@gantry/core/suggest.ts";
import { visibleText } from "@gantry/core/visible-text.ts";
import { inOneLine, startError } from "@gantry/runtime/process/start-error.ts";
import type { Io } from "./io.ts";

type Command = { readonly summary: string; readonly run: (argv: readonly string[], io: Io) => Promise<number> };

/** Each command is loaded when it is used: `lint` must not wait for the code of the servers. */
const COMMANDS: { readonly [name: string]: Command | undefined } = {
  start: {
    summary: "start everything on this machine, with the lab",
    run: async (argv, io) => (await import("./start.ts")).start(argv, io),
  },
  init: {
    summary: "write the configuration of an installation",
    run: async (argv, io) => (await import("./init/init.ts")).init(argv, io),
  },
  doctor: {
    summary: "test what the systems let Gantry do, right by right",
    run: async (argv, io) => (await import("./doctor/doctor.ts")).doctor(argv, io),
  },
  app: {
    summary: "list, adopt, change, rename and forget apps, one or hundreds at once",
    run: async (argv, io) => (await import("./app/app.ts")).app(argv, io),
  },
  lint: { summary: "check pipeline files", run: async (argv, io) => (await import("./lint.ts")).lint(argv, io) },
  plan: {
    summary: "show the jobs that a pipeline would run",
    run: async (argv, io) => (await import("./plan.ts")).plan(argv, io),
  },
  definitions: {
    summary: "show which pipelines are in force, read them from git now, compare a folder",
    run: async (argv, io) => (await import("./definitions.ts")).definitions(argv, io),
  },
  settings: {
    summary: "show and change live settings",
    run: async (argv, io) => (await import("./settings.ts")).settings(argv, io),
  },
  runners: {
    summary: "list and enrol runners, take them out of service and back",
    run: async (argv, io) => (await import("./runners.ts")).runners(argv, io),
  },
  people: {
    summary: "list, create, reset and disable accounts of people",
    run: async (argv, io) => (await import("./access/people.ts")).people(argv, io),
  },
  tokens: {
    summary: "list, create, rotate and revoke tokens",
    run: async (argv, io) => (await import("./access/tokens.ts")).tokens(argv, io),
  },
  audit: {
    summary: "list, verify and export the audit log",
    run: async (argv, io) => (await import("./audit.ts")).audit(argv, io),
  },
  rerun: {
    summary: "run an ended task again",
    run: async (argv, io) => (await import("./rerun.ts")).rerun(argv, io),
  },
  can: {
    summary: "ask whether somebody may do something, and why",
    run: async (argv, io) => (await import("./can.ts")).can(argv, io),
  },
  archive: {
    summary: "read the archive of old tasks and deliveries",
    run: async (argv, io) => (await import("./archive.ts")).archive(argv, io),
  },
  backup: {
    summary: "back up a data folder while its processes run",
    run: async (argv, io) => (await import("./backup.ts")).backup(argv, io),
  },
  restore: {
    summary: "create a data folder from a backup",
    run: async (argv, io) => (await import("./restore.ts")).restore(argv, io),
  },
  version: {
    summary: "print the version",
    run: async (argv, io) => (await import("./version.ts")).version(argv, io),
  },
};

async function main(argv: readonly string[], io: Io): Promise<number> {
  const [given = "help", ...rest] = argv;
  const name = given === "--version" ? "version" : given;
  const command = commandOf(name);
  if (command) return command.run(rest, io);
  const asksForHelp = name === "help" || name === "--help" || name === "-h";
  const [topic] = rest;
  const about = asksForHelp && topic !== undefined ? commandOf(topic) : undefined;
  if (about) return about.run(["--help"], io);
  const unknown = asksForHelp ? topic : name;
  if (unknown === undefined) {
    io.stdout(help());
    return 0;
  }
  io.stderr(`Unknown command: ${unknown}${didYouMean(unknown, Object.keys(COMMANDS))}\n\n${help()}`);
  return 2;
}

function commandOf(name: string): Command | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
}

function help(): string {
  const lines = Object.entries(COMMANDS).map(([name, command]) => `  gantry ${name.padEnd(8)} ${command?.summary}`);
  return `Usage:\n${lines.join("\n")}\n\nRun \`gantry COMMAND --help\` for details.\n`;
}

const io: Io = {
  stdout: (text) => void process.stdout.write(visibleText(text)),
  stderr: (text) => void process.stderr.write(visibleText(text)),
  painted: (text) => void process.stdout.write(text),
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
