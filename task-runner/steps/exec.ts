// Runs programs: without a shell, in their own process group and a clean environment. Nothing of a program is left when it
// ends or is stopped.

import type { ChildProcess, SpawnOptions } from "node:child_process";
import { randomUUID } from "node:crypto";
import { access } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import { GantryError } from "@gantry/core/errors.ts";
import type { Exec, ExecOptions, ExecResult } from "@gantry/core/step/step.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { DEFAULT_GRACE_MS, Stopped } from "../attempts/stop.ts";
import type { LogSpool } from "../logs/log-spool.ts";
import type { Programs } from "../ports.ts";
import { endLeader, killByCookie, startOf } from "../processes/process-group.ts";
import { initOf } from "../processes/sandbox-init.ts";
import type { StartProgram } from "../processes/script-shell.ts";
import type { JobControl } from "../workers/job-executor.ts";

export type ExecContext = {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly programs: Pick<Programs, "endGroup">;
  /** Aborted with a Stopped; its grace period applies. */
  readonly signal: AbortSignal;
  /** Working directory when the caller gives none. */
  readonly cwd: string;
  /** Environment of every program; the caller's variables override it. */
  readonly env: Readonly<Record<string, string>>;
  /** Gets the output that is not captured. */
  readonly log: Pick<LogSpool, "write">;
  /** Gets `group-started`, `group-ended` and `group-survived`. */
  readonly emit: JobControl["emit"];
  /** Name of the runner, for errors. */
  readonly runner: string;
  /** The process that it starts leads a group of its own. */
  readonly start: StartProgram;
};

/** Grace period for background processes that a program left behind. */
const LEFT_BEHIND_GRACE_MS = 1_000;
/** What the end of a program takes along is given this time before it gets a signal. */
const SETTLE_MS = 5;
/** After the group has ended, its output ends at once, unless a process that left the group holds it open. */
const DRAIN_MS = 50;
/** Maximum wait for a process that cannot be found; only Linux lists processes with their environment. */
const MAX_DRAIN_MS = 2_000;
/** A variable that identifies the processes of one program. */
const COOKIE = "GANTRY_PROCESS";
const MAX_CAPTURE = 32 * 1_048_576;

/**
 * An `exec` for one step. It resolves when the program and its whole group have ended. When the signal is aborted, the
 * group gets SIGTERM, its grace period, SIGKILL; then it rejects with the signal's reason. Throws `program-missing`, and
 * `kill-failed` when processes of the group survive SIGKILL.
 */
export function createExec(context: ExecContext): Exec {
  return async ([program, ...args], options = {}) => {
    context.signal.throwIfAborted();
    const cwd = options.cwd ?? context.cwd;
    await access(cwd);
    const cookie = randomUUID();
    const child = context.start(program, args, spawnOptions(context, options, cwd, cookie));
    const started = new Promise<void>((resolve, reject) => {
      // It may have been started some time ago.
      if (child.pid !== undefined) resolve();
      child.once("error", (error: NodeJS.ErrnoException) => {
        const isMissing = error.code === "ENOENT" || error.code === "EACCES";
        reject(isMissing ? new GantryError("program-missing", { program }) : error);
      });
    });
    const output = collect(child, context.log, options.stdout ?? "log");
    if (options.onLine) for (const stream of [child.stdout, child.stderr]) tellLines(stream, options.onLine);
    const exited = new Promise<ExitStatus>((resolve) =>
      child.once("exit", (code, signal) => resolve({ code, signal })),
    );
    const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
    await started;
    feed(child, options.input);
    const closedWithin = waitFor(closed, context.clock);
    return await follow(context, child, { exited, closedWithin, cookie }, output);
  };
}

type Ends = {
  readonly exited: Promise<ExitStatus>;
  /** Resolves when all output has been read, but after so many milliseconds at the latest; with whether it has. */
  readonly closedWithin: (ms: number) => Promise<boolean>;
  readonly cookie: string;
};
type ExitStatus = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

function spawnOptions(context: ExecContext, options: ExecOptions, cwd: string, cookie: string): SpawnOptions {
  return {
    cwd,
    env: { ...context.env, ...options.env, [COOKIE]: cookie },
    detached: true,
    shell: false,
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  };
}

async function follow(
  { clock, logger, signal, programs, emit, runner }: ExecContext,
  child: ChildProcess,
  { exited, closedWithin, cookie }: Ends,
  output: () => string,
): Promise<ExecResult> {
  const pgid = child.pid ?? 0;
  emit({ kind: "group-started", group: { pgid, startedAt: startOf(pgid) ?? "" } });
  const first = initOf(child).then((init) => {
    if (init) emit({ kind: "group-started", group: init });
    return init;
  });
  // It is awaited when the program has ended, which may be long after it has failed.
  first.catch(() => {});
  let ending: Promise<boolean> | undefined;
  const stop = (): void => {
    const graceMs = signal.reason instanceof Stopped ? signal.reason.graceMs : DEFAULT_GRACE_MS;
    ending ??= programs.endGroup(pgid, graceMs, clock);
  };
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const { code, signal: killedBy } = await exited;
    // The rest of a sandbox ends by itself, and nothing has to be looked up when it has.
    await closedWithin(SETTLE_MS);
    ending ??= programs.endGroup(pgid, LEFT_BEHIND_GRACE_MS, clock);
    const init = await first;
    const groups = [
      { pgid, isGone: await ending },
      ...(init ? [{ pgid: init.pgid, isGone: await endLeader(init, clock) }] : []),
    ];
    for (const { pgid, isGone } of groups) emit({ kind: isGone ? "group-ended" : "group-survived", pgid });
    const left = groups.find(({ isGone }) => !isGone);
    if (left) {
      logger.error({ pgid: left.pgid }, "a process group survived SIGKILL");
      throw new GantryError("kill-failed", { runner });
    }
    await drain(child, closedWithin, cookie);
    signal.throwIfAborted();
    return { exitCode: code ?? -1, signal: killedBy, stdout: output() };
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Resolves when all output has been read. Processes that left the group and still hold the output open are killed. */
async function drain(child: ChildProcess, closedWithin: Ends["closedWithin"], cookie: string): Promise<void> {
  if (!(await closedWithin(DRAIN_MS))) {
    killByCookie(`${COOKIE}=${cookie}`);
    await closedWithin(MAX_DRAIN_MS);
  }
  child.stdout?.destroy();
  child.stderr?.destroy();
}

function waitFor(closed: Promise<void>, clock: Clock): Ends["closedWithin"] {
  const end = new AbortController();
  void closed.then(() => end.abort());
  return async (ms) => {
    await pause(clock, ms, end.signal);
    return end.signal.aborted;
  };
}

/** The returned function gives the captured output; it is empty in the mode `log`. */
function collect(child: ChildProcess, log: ExecContext["log"], mode: "log" | "capture"): () => string {
  const captured: Buffer[] = [];
  let size = 0;
  child.stdout?.on("data", (bytes: Buffer) => {
    if (mode === "log") log.write("stdout", bytes);
    else if (size <= MAX_CAPTURE) captured.push(bytes);
    size += bytes.length;
  });
  child.stderr?.on("data", (bytes: Buffer) => log.write("stderr", bytes));
  return () => {
    if (mode === "log") return "";
    if (size <= MAX_CAPTURE) return Buffer.concat(captured).toString("utf8");
    throw new GantryError("internal", { problem: `The output of a program exceeds ${MAX_CAPTURE} bytes.` });
  };
}

const MAX_LINE = 10_000;

/** A last line without a line end is reported when the stream ends. */
function tellLines(stream: ChildProcess["stdout"], onLine: (line: string) => void): void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const tell = (text: string): void => onLine(truncate(text, MAX_LINE));
  stream?.on("data", (bytes: Buffer) => {
    const lines = `${rest}${decoder.write(bytes)}`.split(/\r?\n/);
    // One character more than the limit, so that the line is known to be cut.
    rest = (lines.pop() ?? "").slice(0, MAX_LINE + 1);
    for (const line of lines) tell(line);
  });
  stream?.on("close", () => {
    if (rest !== "") tell(rest);
    rest = "";
  });
}

function feed(child: ChildProcess, input: string | undefined): void {
  // A program may end without reading its input; its exit code shows whether that is an error.
  child.stdin?.on("error", () => {});
  if (input !== undefined) child.stdin?.end(input);
}
