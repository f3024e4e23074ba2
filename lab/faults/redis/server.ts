// A real Redis for tests: Debian's redis-server on a free port with its own folder. It can be killed and restarted with the
// same data.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { freePort } from "@gantry/runtime/free-ports.ts";

export { freePort };

export type RedisServer = {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly pid: () => number;
  /** SIGKILL. Resolves when the process has ended. */
  readonly kill: () => Promise<void>;
  /** Restarts it with the same data; `settings` are added to those of the first start. */
  readonly start: (settings?: Settings) => Promise<void>;
  /** Sends one command and returns the answer as lines of the protocol. */
  readonly command: (...words: readonly string[]) => Promise<string>;
  readonly dispose: () => Promise<void>;
};

export type Settings = { readonly [name: string]: string };

/** The settings that a journal requires. */
export const SAFE: Settings = { appendonly: "yes", appendfsync: "always", "maxmemory-policy": "noeviction" };

/** Polling without a pause would take CPU time from Redis. */
const ASK_EVERY_MS = 20;

/** Why tests that need a Redis must be skipped on this machine, or false. */
export const noRedis: string | false =
  spawnSync("redis-server", ["--version"]).status === 0
    ? false
    : "redis-server is not installed (apt-get install redis-server)";

/** Starts a Redis that ends with the test. */
export async function redisFor(t: Pick<TestContext, "after">, settings: Settings = SAFE): Promise<RedisServer> {
  const server = await startRedis(settings);
  t.after(server.dispose);
  return server;
}

export function startRedis(settings: Settings = SAFE): Promise<RedisServer> {
  return launch({ save: "", "repl-diskless-sync-delay": "0", ...settings }, () => []);
}

/** A sentinel that alone decides on the failover of a primary, half a second after it stopped answering. */
export async function sentinelFor(t: Pick<TestContext, "after">, name: string, primary: number): Promise<RedisServer> {
  const lines = [`monitor ${name} 127.0.0.1 ${primary} 1`, `down-after-milliseconds ${name} 500`];
  const sentinel = await launch({}, async (folder) => {
    const file = join(folder, "sentinel.conf");
    await writeFile(
      file,
      [...lines, `failover-timeout ${name} 2000`, ""].map((line) => line && `sentinel ${line}`).join("\n"),
    );
    return [file, "--sentinel"];
  });
  t.after(sentinel.dispose);
  return sentinel;
}

async function launch(
  settings: Settings,
  firstArguments: (folder: string) => readonly string[] | Promise<readonly string[]>,
): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-redis-"));
  const port = await freePort();
  const first = await firstArguments(folder);
  let child: ChildProcess | undefined;
  let current: Settings = { ...settings };

  const start = async (more: Settings = {}): Promise<void> => {
    current = { ...current, ...more };
    const wanted = { port: String(port), bind: "127.0.0.1", dir: folder, ...current };
    const args = Object.entries(wanted).flatMap(([name, value]) => [`--${name}`, ...words(value)]);
    const started = spawn("redis-server", [...first, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    child = started;
    await ready(started);
  };
  const kill = async (): Promise<void> => {
    const running = child;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const gone = once(running, "exit");
    running.kill("SIGKILL");
    await gone;
  };
  await start();
  return {
    host: "127.0.0.1",
    port,
    pid: () => child?.pid ?? 0,
    kill,
    start,
    command: (...sent) => command(port, sent),
    dispose: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Sends one command over a new connection. Understands the simple answers that tests need. */
export async function command(port: number, sent: readonly string[]): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  const text = [`*${sent.length}`, ...sent.flatMap((word) => [`$${Buffer.byteLength(word)}`, word]), ""].join("\r\n");
  socket.end(text);
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  return answer.trim();
}

/** Repeats a command until the answer fits: Redis sends no notification of it. */
export async function answers(
  server: Pick<RedisServer, "command">,
  sent: readonly string[],
  wanted: RegExp,
): Promise<void> {
  while (!wanted.test(await server.command(...sent))) await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
}

function words(value: string): readonly string[] {
  return value === "" ? [""] : value.split(" ");
}

async function ready(child: ChildProcess): Promise<void> {
  let said = "";
  await new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      said += String(chunk);
      if (/Ready to accept connections|MASTER <-> REPLICA sync|Running mode=sentinel/.test(said)) resolve();
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`redis-server ended: ${said.slice(-500)}`)));
  });
}
