// Runs programs: without a shell, in a process group of their own, in a clean environment, and so that nothing of them is
// left when they end or are stopped.

import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { access } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import { GantryError } from "@gantry/core/errors.ts";
import type { Exec, ExecOptions, ExecResult } from "@gantry/core/step/step.ts";
import type { Logger } from "@gantry/runtime/http/server.ts";
import { DEFAULT_GRACE_MS, Stopped } from "../attempts/stop.ts";
import { type Clock, type Programs, pause } from "../ports.ts";
import { killByCookie, startOf } from "../processes/process-group.ts";
import type { Group } from "../state/disk-state.ts";

export type ExecSetting = {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted with a Stopped, whose grace counts. */
  readonly signal: AbortSignal;
  /** Where programs start when the caller does not say. */
  readonly cwd: string;
  /** The environment before what the caller gives. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdout: (bytes: Uint8Array) => void;
  readonly stderr: (bytes: Uint8Array) => void;
  /** JobEvents of every process group, so that a later process of the runner can end it. */
  readonly onGroup: (group: Group) => void;
  readonly onGroupGone: (pgid: number) => void;
  /** Somebody in the group survived SIGKILL; what it throws is what the call rejects with. */
  readonly onSurvivor: (pgid: number) => never;
  readonly programs: Pick<Programs, "endGroup">;
};

/** Background processes that a program left behind get so long after SIGTERM. */
const LEFT_BEHIND_GRACE_MS = 1_000;
/** After the group is gone, its output ends at once, unless a process that left the group holds it open. */
const DRAIN_MS = 50;
/** A process that cannot be found (only Linux shows them) is not waited for longer. */
const MAX_DRAIN_MS = 2_000;
/** A setting by which the processes of one program can be found. */
const COOKIE = "GANTRY_PROCESS";
const MAX_CAPTURE = 32 * 1_048_576;

/**
 * An `exec` for one step. It resolves when the program and its whole group are gone. When the signal is aborted the group
 * gets SIGTERM, its grace, SIGKILL; then it rejects with the signal's reason. Throws `program-missing`.
 */
export function createExec(setting: ExecSetting): Exec {
  return async ([program, ...args], options = {}) => {
    setting.signal.throwIfAborted();
    const cwd = options.cwd ?? setting.cwd;
    await access(cwd);
    const cookie = randomUUID();
    const child = spawn(program, args, spawnOptions(setting, options, cwd, cookie));
    const started = new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (error: NodeJS.ErrnoException) => {
        const isMissing = error.code === "ENOENT" || error.code === "EACCES";
        reject(isMissing ? new GantryError("program-missing", { program }) : error);
      });
    });
    const output = collect(child, setting, options.stdout ?? "log");
    if (options.onLine) for (const stream of [child.stdout, child.stderr]) tellLines(stream, options.onLine);
    const exited = new Promise<ExitStatus>((resolve) =>
      child.once("exit", (code, signal) => resolve({ code, signal })),
    );
    const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
    await started;
    feed(child, options.input);
    const drained = (): Promise<void> => drain(child, closed, cookie, setting.clock);
    return await follow(setting, child, { exited, drained }, output);
  };
}

type ExitStatus = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

function spawnOptions(setting: ExecSetting, options: ExecOptions, cwd: string, cookie: string): SpawnOptions {
  return {
    cwd,
    env: { ...setting.env, ...options.env, [COOKIE]: cookie },
    detached: true,
    shell: false,
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  };
}

async function follow(
  { clock, logger, signal, programs, onGroup, onGroupGone, onSurvivor }: ExecSetting,
  child: ChildProcess,
  { exited, drained }: { exited: Promise<ExitStatus>; drained: () => Promise<void> },
  output: () => string,
): Promise<ExecResult> {
  const pgid = child.pid ?? 0;
  onGroup({ pgid, startedAt: startOf(pgid) ?? "" });
  let ending: Promise<boolean> | undefined;
  const stop = (): void => {
    const graceMs = signal.reason instanceof Stopped ? signal.reason.graceMs : DEFAULT_GRACE_MS;
    ending ??= programs.endGroup(pgid, graceMs, clock);
  };
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const { code, signal: killedBy } = await exited;
    ending ??= programs.endGroup(pgid, LEFT_BEHIND_GRACE_MS, clock);
    if (await ending) onGroupGone(pgid);
    else {
      logger.error({ pgid }, "a process group survived SIGKILL");
      onSurvivor(pgid);
    }
    await drained();
    signal.throwIfAborted();
    return { exitCode: code ?? -1, signal: killedBy, stdout: output() };
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Resolves when all output is read. Processes that left the group and still hold it open are killed for that. */
async function drain(child: ChildProcess, closed: Promise<void>, cookie: string, clock: Clock): Promise<void> {
  let isClosed = false;
  const end = new AbortController();
  void closed.then(() => {
    isClosed = true;
    end.abort();
  });
  const patience = (ms: number): Promise<void> => pause(clock, ms, end.signal).catch(() => {});
  await patience(DRAIN_MS);
  if (!isClosed) {
    killByCookie(`${COOKIE}=${cookie}`);
    await patience(MAX_DRAIN_MS);
  }
  child.stdout?.destroy();
  child.stderr?.destroy();
}

function collect(child: ChildProcess, { stdout, stderr }: ExecSetting, mode: "log" | "capture"): () => string {
  const captured: Buffer[] = [];
  let size = 0;
  child.stdout?.on("data", (bytes: Buffer) => {
    if (mode === "log") stdout(bytes);
    else if (size <= MAX_CAPTURE) captured.push(bytes);
    size += bytes.length;
  });
  child.stderr?.on("data", (bytes: Buffer) => stderr(bytes));
  return () => {
    if (mode === "log") return "";
    if (size <= MAX_CAPTURE) return Buffer.concat(captured).toString("utf8");
    throw new GantryError("internal", { problem: `A program wrote more than ${MAX_CAPTURE} bytes to be read.` });
  };
}

const MAX_LINE = 10_000;

/** The rest without a line end is told when the stream ends. */
function tellLines(stream: ChildProcess["stdout"], onLine: (line: string) => void): void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const tell = (text: string): void => onLine(text.slice(0, MAX_LINE));
  stream?.on("data", (bytes: Buffer) => {
    const lines = `${rest}${decoder.write(bytes)}`.split(/\r?\n/);
    rest = (lines.pop() ?? "").slice(0, MAX_LINE);
    for (const line of lines) tell(line);
  });
  stream?.on("close", () => {
    if (rest !== "") tell(rest);
    rest = "";
  });
}

function feed(child: ChildProcess, input: string | undefined): void {
  // A program may end without reading its input; its exit code says what that means.
  child.stdin?.on("error", () => {});
  if (input !== undefined) child.stdin?.end(input);
}
