// `gantry start`: everything on this machine. On the first start it creates an app, runs its CI and its CD, and prints
// them live; it goes on where it stopped when it is started again.

import { parseArgs } from "node:util";
import { type LogLevel, makeLogger } from "@gantry/runtime/process/logger.ts";
import { type AllInOne, type AllInOneOptions, startAllInOne } from "./all-in-one.ts";
import { openPortal, signInLink } from "./client.ts";
import { runDemo } from "./demo.ts";
import type { Io } from "./io.ts";
import { startSeparately } from "./separate.ts";

const HELP = `Usage: gantry start [--data DIR] [--port N] [--once] [--json] [--no-demo] [--no-lab] [--separate] [--log LEVEL]

  --data DIR   folder of everything that is remembered (default .data)
  --port N     port of the portal (default: that of the last start, at first a free one)
  --once       end when the demo has ended: exit code 0 when all of it succeeded, else 1
  --json       one JSON object per line instead of text
  --no-demo    create no app
  --no-lab     no stand-ins of outside systems, and one runner, of site platform; no demo
  --separate   each process as a process of its own; one that dies is started again
  --log LEVEL  debug, info, warn, error or silent: the processes' own log, on stderr (default error)
`;

type Flags = {
  readonly data: string;
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
    return await live(gantry, flags, io, stop.signal, performance.now() - started);
  } finally {
    await gantry.close();
  }
}

function open(flags: Flags, io: Io): Promise<AllInOne> {
  const options: AllInOneOptions = { data: flags.data, port: flags.port, path: io.env.PATH ?? "", lab: flags.lab };
  if (flags.separate) return startSeparately(options, (name) => io.stderr(`${name} ended and is started again.\n`));
  return startAllInOne(options, (process) => makeLogger(process, flags.log, { write: io.stderr }));
}

async function live(gantry: AllInOne, flags: Flags, io: Io, signal: AbortSignal, ms: number): Promise<number> {
  const portal = openPortal(gantry.url, gantry.data, signal);
  const say = flags.json ? (fact: object) => io.stdout(`${JSON.stringify(fact)}\n`) : undefined;
  if (say) say({ kind: "ready", url: gantry.url, data: gantry.data, pid: process.pid });
  else io.stdout(banner(gantry.url, ms, flags.lab));
  try {
    const ok = flags.demo && flags.lab ? await runDemo(portal, { io, signal, say }) : true;
    if (flags.once) return ok ? 0 : 1;
    // Made last: it is good for 15 minutes.
    if (!say)
      io.stdout(invitation((await portal.post("/v1/sign-in-links", {}, signInLink)).url, gantry.data, flags.lab));
    await aborted(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (!say) io.stdout("\nStopping. What was running goes on at the next start.\n");
  return flags.once ? 1 : 0;
}

function readFlags(argv: readonly string[]): Flags | "help" | { readonly problem: string } {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        data: { type: "string", default: ".data" },
        port: { type: "string" },
        once: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        demo: { type: "boolean", default: true },
        lab: { type: "boolean", default: true },
        separate: { type: "boolean", default: false },
        log: { type: "string", default: "error" },
        help: { type: "boolean", short: "h", default: false },
      },
      allowNegative: true,
    });
    if (values.help) return "help";
    const port = values.port === undefined ? undefined : Number(values.port);
    if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535))
      return { problem: `--port ${values.port}: a number from 1 to 65535 is needed.` };
    const log = (["debug", "info", "warn", "error", "silent"] as const).find((level) => level === values.log);
    if (!log) return { problem: `--log ${values.log}: debug, info, warn, error or silent is needed.` };
    return { ...values, port, log };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

function banner(url: string, ms: number, lab: boolean): string {
  const what = lab ? " The sites and their systems are stand-ins on this machine." : "";
  return `Gantry is up at ${url} after ${(ms / 1_000).toFixed(1)} s.${what}\n\n`;
}

function invitation(signIn: string, data: string, lab: boolean): string {
  const where = lab
    ? `The stand-ins and their credentials are in ${data}/lab.json.`
    : `The tokens of runners are in ${data}/gantry.json.`;
  return `Open the portal (signs you in once, within 15 minutes):\n  ${signIn}\n\n${where} Ctrl-C stops; starting again goes on where it stopped.\n`;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
