// `gantry start`: runs everything on this machine. The first start creates an app, runs its CI and its CD, and prints them
// live. A later start continues where the last one stopped.

import { closeInheritedFiles } from "@gantry/runtime/process/inherited-files.ts";
import { type LogLevel, makeLogger } from "@gantry/runtime/process/logger.ts";
import { type AllInOne, type AllInOneOptions, startAllInOne } from "./all-in-one.ts";
import { openPortal, signInLink } from "./client.ts";
import { lackingSystems } from "./decide-lacking.ts";
import { runDemo } from "./demo.ts";
import type { Io } from "./io.ts";
import { startSeparately } from "./separate.ts";
import { type Call, UsageError } from "./table/command.ts";

type Flags = {
  readonly data: string;
  readonly config: string | undefined;
  readonly port: number | undefined;
  readonly once: boolean;
  readonly json: boolean;
  readonly demo: boolean;
  readonly lab: boolean;
  readonly poll: boolean;
  readonly separate: boolean;
  readonly log: LogLevel;
};

type Given = {
  readonly data: string | undefined;
  readonly config: string | undefined;
  readonly port: string | undefined;
  readonly once: boolean;
  readonly "no-demo": boolean;
  readonly "no-lab": boolean;
  readonly poll: boolean;
  readonly separate: boolean;
  readonly log: string | undefined;
};

export async function start({ io, json, flags: given }: Call<Given>): Promise<number> {
  const flags = readFlags(given, json);
  closeInheritedFiles();
  const stop = io.interruption();
  const started = performance.now();
  const gantry = await open(flags, io);
  try {
    return await runUntilStopped(gantry, flags, io, stop, performance.now() - started);
  } finally {
    await gantry.close();
  }
}

function open(flags: Flags, io: Io): Promise<AllInOne> {
  const { data, port, lab, poll, config } = flags;
  const options: AllInOneOptions = { data, port, lab, poll, config, path: io.env.PATH ?? "", env: io.env };
  if (flags.separate) return startSeparately(options, (name) => io.stderr(`${name} exited and will be restarted.\n`));
  return startAllInOne(options, (process, recent) => {
    const write = (line: string): void => {
      io.stderr(line);
      recent?.write(line);
    };
    return makeLogger(process, flags.log, { write });
  });
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

function readFlags({ data = ".data", config, port, log, ...given }: Given, json: boolean): Flags {
  const level = (["debug", "info", "warn", "error", "silent"] as const).find((one) => one === log);
  return {
    data,
    config,
    port: port === undefined ? undefined : portOf(port),
    once: given.once,
    json,
    // The demo uses the sites and the templates of the lab.
    demo: !given["no-demo"] && config === undefined,
    lab: !given["no-lab"],
    poll: given.poll,
    separate: given.separate,
    log: level ?? "error",
  };
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new UsageError(`--port ${text}: use a number from 0 to 65535`);
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
