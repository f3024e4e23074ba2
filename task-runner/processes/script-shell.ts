// Starts a program of a sandbox from a shell that already waits for its command. The shell was started, and joined its
// control groups, while the previous program was running: a fork of the runner costs milliseconds per 100 MB of its memory,
// and joining a control group waits for a grace period of the kernel (RCU), about 7 ms.

import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { limitScript, type ScriptLimits, type WantedLimits } from "./script-limits.ts";

/** Starts a program, as `spawn` does. */
export type StartProgram = (program: string, args: readonly string[], options: SpawnOptions) => ChildProcess;

export type ScriptShell = {
  readonly limits: ScriptLimits;
  /** Must be called at most once. The program and everything that it starts are in the control groups. */
  readonly start: StartProgram;
};

type Wanted = WantedLimits & {
  /** PATH of the shell's own programs. */
  readonly path: string;
};

export type ShellWanted = Wanted & {
  /** Names of the variables of the program. */
  readonly variables: readonly string[];
  /** Joins standard output and standard error in the kernel, because only there their order is known. */
  readonly joined: boolean;
};

type Shell = { readonly child: ChildProcess; readonly limits: ScriptLimits; readonly wanted: Wanted };

/** The waiting shell of this thread. It ends with the thread, because its standard input is then closed. */
let waiting: Shell | undefined;

/** The kernel's scale is -1000 to 1000. When memory is short, the kernel ends the script and not the runner. */
export const OOM_SCORE = 500;

/** What a shell does first. Its arguments are the files of control groups into which it writes its id. */
const JOIN = `
# A shell that gets no command leaves its groups and removes them.
trap 'for group do echo $$ > "\${group%/*/*}/cgroup.procs"; rmdir "\${group%/*}"; done 2> /dev/null' EXIT
for group do echo $$ > "$group" || exit 125; done
# bubblewrap must outlive a SIGTERM to the group: the script gets its time to end, and the sandbox ends after it.
trap "" TERM
{ echo ${OOM_SCORE} > /proc/$$/oom_score_adj; } 2> /dev/null
`;

/** The shell for one program, whose standard input is empty. The caller removes the limits when the program has ended. */
export function takeShell({ variables, joined, ...wanted }: ShellWanted): ScriptShell {
  // A shell changes these variables unless it was started with them.
  const isSpecial = variables.some((name) => SPECIAL.test(name));
  const ready = isSpecial ? undefined : takeWaiting(wanted);
  const limits = ready?.limits ?? limitScript(randomUUID(), wanted);
  let isStarted = false;
  const remove = (): void => {
    if (!isStarted) ready?.child.stdin?.end();
    limits.remove();
  };
  return {
    limits: { ...limits, remove },
    start: (program, args, { env = {} }) => {
      isStarted = true;
      const { child } = ready ?? startShell(limits, wanted, isSpecial ? env : {});
      for (const one of [child, ...child.stdio]) refer(one ?? null, "ref");
      const command = [program, ...args].map(quoted).join(" ");
      child.stdin?.write(`${isSpecial ? "" : exports(env)}exec ${command} < /dev/null${joined ? " 2>&1" : ""}\n`);
      setImmediate(() => prepareShell(wanted));
      return child;
    },
  };
}

function takeWaiting(wanted: Wanted): Shell | undefined {
  const shell = waiting;
  if (!shell || !isUsable(shell, wanted)) return undefined;
  waiting = undefined;
  return shell;
}

function prepareShell(wanted: Wanted): void {
  if (waiting && isUsable(waiting, wanted)) return;
  waiting?.child.stdin?.end();
  const limits = limitScript(randomUUID(), wanted);
  const shell = startShell(limits, wanted);
  // The machine may have too many processes at the moment. The next program starts its own shell, and reports it.
  shell.child.once("error", () => limits.remove());
  for (const one of [shell.child, ...shell.child.stdio]) refer(one ?? null, "unref");
  waiting = shell;
}

function isUsable({ child, wanted }: Shell, { processes, memoryMb, path }: Wanted): boolean {
  const isAlive = child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  return isAlive && wanted.processes === processes && wanted.memoryMb === memoryMb && wanted.path === path;
}

function startShell(limits: ScriptLimits, wanted: Wanted, env: NodeJS.ProcessEnv = {}): Shell {
  const child = spawn("/bin/sh", ["-s", "--", ...limits.groups], {
    cwd: "/",
    env: { PATH: wanted.path, ...env },
    detached: true,
    // The last one is INIT_FD.
    stdio: ["pipe", "pipe", "pipe", "pipe"],
  });
  // The exit event reports a shell that has ended.
  child.stdin?.on("error", () => {});
  child.stdin?.write(JOIN);
  return { child, limits, wanted };
}

/** Variables with a special meaning in dash or bash. */
const SPECIAL =
  /^(?:BASH.*|COMP_.*|DIRSTACK|EPOCH.*|EUID|FUNCNAME|GROUPS|HIST.*|IFS|LINENO|OPT.*|PIPESTATUS|POSIXLY_CORRECT|PPID|PS\d|S?RANDOM|SECONDS|SHELLOPTS|UID|_)$/;

function exports(env: NodeJS.ProcessEnv): string {
  return Object.entries(env)
    .map(([name, value = ""]) => `export ${name}=${quoted(value)}\n`)
    .join("");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Streams of a child are sockets, which its type does not say. */
function refer(one: object | null, how: "ref" | "unref"): void {
  (one as { ref?: () => void; unref?: () => void } | null)?.[how]?.();
}
