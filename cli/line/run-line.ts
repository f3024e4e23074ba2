// Runs one command line: finds the command in the table, reads its flags and arguments, prints what it returns, and turns
// errors into words and exit codes.

import { GantryError } from "@gantry/core/errors.ts";
import { inOneLine, startError } from "@gantry/runtime/process/start-error.ts";
import { nearName } from "../complete/near-name.ts";
import type { Io } from "../io.ts";
import { type PortalFlags, portalFor, portalUrlFor } from "../portal-access.ts";
import { type Command, type Context, type ParsedFlags, UsageError } from "../table/command.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { findCommand } from "./find-command.ts";
import { commandHelp, exitCodesText, groupHelp, mainHelp, usageOf } from "./help.ts";
import { parseLine } from "./parse-line.ts";

const ALL_COMMANDS = "`gantry` alone lists all commands.\n";

/** The exit code. Rejects only when Gantry has a bug. */
export async function runLine(argv: readonly string[], io: Io): Promise<number> {
  try {
    return await runOrThrow(argv, io);
  } catch (error) {
    const fault = startError(error);
    if (!fault) throw error;
    io.stderr(errorText(fault));
    return exitCodeOf(fault.code);
  }
}

/** As `runLine`, but rejects with the GantryErrors of the command. */
export async function runOrThrow(argv: readonly string[], io: Io): Promise<number> {
  const found = findCommand(argv);
  switch (found.kind) {
    case "command":
      return runCommand(found.command, found.argv, io);
    case "unknown":
      // Only the commands of the group: all of them would push the problem off the screen.
      io.stderr(`${found.problem}\n\n${found.group === undefined ? ALL_COMMANDS : groupHelp(found.group)}`);
      return EXIT.usage;
    case "main-help":
      io.stdout(mainHelp(io.env));
      return EXIT.ok;
    case "exit-codes":
      io.stdout(exitCodesText());
      return EXIT.ok;
    case "group-help":
      io.stdout(groupHelp(found.group));
      return EXIT.ok;
    case "command-help":
      io.stdout(commandHelp(found.command));
      return EXIT.ok;
  }
}

async function runCommand(command: Command, argv: readonly string[], io: Io): Promise<number> {
  try {
    const { flags, args } = parseLine(command, argv);
    if (flags.help === true) {
      io.stdout(commandHelp(command));
      return EXIT.ok;
    }
    const own = Object.fromEntries(Object.keys(command.flags).map((name) => [name, flags[name]]));
    const context = contextOf(flags, io);
    const outcome = await withNearName(context, () => command.run(context, own, args));
    if (typeof outcome === "number") return outcome;
    io.stdout(flags.json === true ? `${JSON.stringify(outcome.value, null, 2)}\n` : outcome.text);
    return outcome.code ?? EXIT.ok;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.stderr(`${error.message}\n\n${usageOf(command)}\n\`gantry ${command.name} --help\` explains it.\n`);
    return EXIT.usage;
  }
}

/** Rejects with the same error, and what may have been meant. */
async function withNearName<T>(context: Context, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const near = error instanceof GantryError ? await nearName(error, context) : undefined;
    if (near === undefined) throw error;
    const known = error as GantryError;
    throw new AdvisedError(known, [`Did you mean ${near}?`, adviceFor(known)].filter(Boolean).join(" "));
  }
}

function contextOf(flags: ParsedFlags, io: Io): Context {
  const text = (name: string): string | undefined => {
    const value = flags[name];
    return typeof value === "string" ? value : undefined;
  };
  const access: PortalFlags = {
    portal: text("portal"),
    context: text("context"),
    data: text("data"),
    "allow-plain-http": flags["allow-plain-http"] === true,
  };
  return {
    io,
    json: flags.json === true,
    portal: (signal) => portalFor(access, io, signal),
    portalUrl: () => portalUrlFor(access, io),
  };
}

/** What, why and what to do in one line; then a line for each place in the request that is wrong, unless that line says it. */
export function errorText(error: GantryError): string {
  const summary = inOneLine(withAdvice(error));
  const said = summary.toLowerCase();
  const lines = error.problems.flatMap(({ pointer = "", detail }) => {
    const place = pointer.replace(/^\/(params\/)?/, "").replaceAll("/", ".");
    const line = `${place === "" || detail.startsWith(`${place} `) ? "" : `${place}: `}${detail}`;
    const isSaid = error.problems.length === 1 && said.includes(detail.replace(/\.$/, "").toLowerCase());
    return isSaid ? [] : [`  ${line}\n`];
  });
  return `${summary}\n${lines.join("")}`;
}

/** The portal's advice is for clients of its API; people at a terminal have commands. */
const ADVICE: { readonly [code: string]: string } = {
  unauthenticated: "Run `gantry login`; a token may have expired or been revoked.",
  unavailable: "Check the address and try again.",
  "app-unknown": "`gantry app list` lists the apps that you may see.",
  "pipeline-unknown": "`gantry pipeline list` lists the pipelines that you may see.",
  "bad-params": "`gantry pipeline show {pipeline}` lists the parameters.",
  "policy-unmet":
    "`gantry build list {app}` shows what each build lacks. Whoever has the right override-policy can add --override-reason TEXT.",
};

/** What lists the names, by what was not found. */
const LISTS: { readonly [kind: string]: string } = {
  build: "`gantry build list APP` lists the builds.",
  context: "`gantry context list` lists them.",
  runner: "`gantry runner list` lists the runners.",
  site: "`gantry site list` lists the sites.",
  task: "`gantry task list` lists the newest.",
};

function adviceFor({ code, details: { todo, kind } }: GantryError): string | undefined {
  if (todo !== undefined) return undefined;
  if (code === "not-found") return typeof kind === "string" && Object.hasOwn(LISTS, kind) ? LISTS[kind] : undefined;
  return Object.hasOwn(ADVICE, code) ? ADVICE[code] : undefined;
}

function withAdvice(error: GantryError): GantryError {
  if (error instanceof AdvisedError) return error;
  const advice = adviceFor(error);
  if (advice === undefined) return error;
  return new AdvisedError(error, advice);
}

class AdvisedError extends GantryError {
  readonly #advice: string;

  constructor({ code, details, problems }: GantryError, advice: string) {
    super(code, details, { problems });
    this.#advice = advice;
  }

  override get entry(): GantryError["entry"] {
    return { ...super.entry, todo: this.#advice };
  }
}
