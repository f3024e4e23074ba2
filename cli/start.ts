// `gantry start`: runs everything on this machine. The first start creates an app, runs its CI and its CD, and prints them
// live. A later start continues where the last one stopped.

import { type LogLevel, makeLogger } from "@gantry/runtime/process/logger.ts";
import { parseFlags } from "@gantry/runtime/process/parse-flags.ts";
import { type AllInOne, type AllInOneOptions, startAllInOne } from "./all-in-one.ts";
import { openPortal, signInLink } from "./client.ts";
import { lackingSystems } from "./decide-lacking.ts";
import { runDemo } from "./demo.ts";
import type { Io } from "./io.ts";
import { startSeparately } from "./separate.ts";

const HELP = `Usage: gantry start [--data DIR] [--port N] [--once] [--json] [--no-demo] [--no-lab] [--separate] [--log LEVEL]
       gantry start --config DIR [--no-lab] [--separate] [--port N] [--json] [--log LEVEL]

  --config DIR the installation that \`gantry init\` wrote; systems that it does not name are fakes, unless --no-lab is given
  --data DIR   the data folder (default .data)
  --port N     port of the portal; 0 selects a free one (default: that of the last start)
  --once       exit when the demo has ended: 0 when all tasks succeeded, else 1
  --json       one JSON object per line instead of text
  --no-demo    do not run the demo
  --no-lab     no fakes of external systems and no demo; without --config only one runner, at site platform
  --separate   run each process separately; one that exits is restarted
  --log LEVEL  log level on stderr: debug, info, warn, error or silent (default error)
`;

type Flags = {
  readonly data: string;
  readonly config: string | undefined;
  readonly port: number | undefined;
  readonly once: boolean;
  readonly json: boolean;
  readonly demo: boolean;
  readonly lab: boolean;
  readonly separate: boolean;
  readonly log: LogLevel;
};

export async function start(argv: readonly string[], io: Io): Promise<number> {
  const flags = readFlags(argv);
  if (flags === "help") {
    io.stdout(HELP);
    return 0;
  }
  if ("problem" in flags) {
    io.stderr(`${flags.problem}\n\n${HELP}`);
    return 2;
  }
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  const started = performance.now();
  const gantry = await open(flags, io);
  try {
    return await runUntilStopped(gantry, flags, io, stop.signal, performance.now() - started);
  } finally {
    await gantry.close();
  }
}

function open(flags: Flags, io: Io): Promise<AllInOne> {
  const { data, port, lab, config } = flags;
  const options: AllInOneOptions = { data, port, lab, config, path: io.env.PATH ?? "", env: io.env };
  if (flags.separate) return startSeparately(options, (name) => io.stderr(`${name} exited and will be restarted.\n`));
  return startAllInOne(options, (process) => makeLogger(process, flags.log, { write: io.stderr }));
}

async function runUntilStopped(
  gantry: AllInOne,
  flags: Flags,
  io: Io,
  signal: AbortSignal,
  ms: number,
): Promise<number> {
  const portal = openPortal(gantry.url, gantry.data, signal);
  const printJson = flags.json ? (value: object) => io.stdout(`${JSON.stringify(value)}\n`) : undefined;
  if (printJson) printJson({ kind: "ready", url: gantry.url, data: gantry.data, pid: process.pid });
  else io.stdout(`${banner(gantry.url, ms, flags)}${missingInWords(gantry.runners, flags)}`);
  try {
    const ok = flags.demo && flags.lab ? await runDemo(portal, { io, signal, printJson }) : true;
    if (flags.once) return ok ? 0 : 1;
    // Created last, because it expires after 15 minutes.
    if (!printJson)
      io.stdout(invitation((await portal.post("/v1/sign-in-links", {}, signInLink)).url, gantry.data, flags));
    await aborted(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (!printJson) io.stdout("\nStopping. Running jobs continue at the next start.\n");
  return flags.once ? 1 : 0;
}

function readFlags(argv: readonly string[]): Flags | "help" | { readonly problem: string } {
  try {
    const { values } = parseFlags(
      argv,
      {
        data: { type: "string", default: ".data" },
        config: { type: "string" },
        port: { type: "string" },
        once: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        demo: { type: "boolean", default: true },
        lab: { type: "boolean", default: true },
        separate: { type: "boolean", default: false },
        log: { type: "string", default: "error" },
        help: { type: "boolean", short: "h", default: false },
      },
      { positionals: false, allowNegative: true },
    );
    if (values.help) return "help";
    const port = values.port === undefined ? undefined : portOf(values.port);
    if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535))
      return { problem: `--port ${values.port}: use a number from 0 to 65535.` };
    const log = (["debug", "info", "warn", "error", "silent"] as const).find((level) => level === values.log);
    if (!log) return { problem: `--log ${values.log}: use debug, info, warn, error or silent.` };
    // The demo uses the sites and the templates of the lab.
    return { ...values, config: values.config, demo: values.demo && values.config === undefined, port, log };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

/** Number("") is 0, which would be taken for a port. */
function portOf(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

type Mode = Pick<Flags, "lab" | "config">;

function banner(url: string, ms: number, { lab, config }: Mode): string {
  const what = lab && config === undefined ? " The sites and their systems are fakes on this machine." : "";
  return `Gantry is running at ${url} after ${(ms / 1_000).toFixed(1)} s.${what}\n\n`;
}

/** What has to be added before an app can be built and deployed, or which systems are fakes of the lab. */
function missingInWords(runners: AllInOne["runners"], { lab, config }: Mode): string {
  if (lab && config === undefined) return "";
  const fakes = runners.flatMap(({ site, systems = {} }) =>
    Object.entries(systems).flatMap(([name, system]) =>
      (system as { readonly standIn?: unknown }).standIn === true ? [`${name} at ${site}`] : [],
    ),
  );
  const used = fakes.length === 0 ? "" : `Fakes are used for ${fakes.join(", ")}.\n\n`;
  const lacking = lackingSystems(runners);
  if (lacking.length === 0) return used;
  const how =
    config === undefined
      ? "`gantry init` writes an installation with them, which `gantry start --config DIR` starts. Or start a runner at the site: docs/runner.md."
      : `Add them to runner-SITE.yaml in ${config} (docs/runner.md), or run \`gantry init ${config} --force\` with their addresses.`;
  return `${used}Missing before an app can be built and deployed:\n${lacking.map((one) => `  - ${one}\n`).join("")}${how}\n\n`;
}

function invitation(signIn: string, data: string, { lab, config }: Mode): string {
  const where =
    config !== undefined
      ? `In another shell, \`set -a; . ${config}/gantry.env; set +a\` lets the command gantry find this portal; \`gantry doctor\` tests the systems.`
      : lab
        ? `The fakes and their credentials are listed in ${data}/lab.json.`
        : `The tokens for runners are in ${data}/gantry.json.`;
  return `Open the portal (signs you in once, within 15 minutes):\n  ${signIn}\n\n${where} Press Ctrl-C to stop; the next start continues where this one stopped.\n`;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
