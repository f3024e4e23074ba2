// Starts the bare server as a child process of the benchmark.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Connection } from "./connection.ts";
import { type Loaded, load } from "./load.ts";

const SERVER = fileURLToPath(new URL("./bare-server.ts", import.meta.url));

export async function withBareServer<T>(folder: string, use: (url: string, pid: number) => Promise<T>): Promise<T> {
  const child = spawn(process.execPath, [SERVER, folder], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  try {
    const [port] = await once(createInterface({ input: child.stdout }), "line");
    return await use(`http://127.0.0.1:${port}`, child.pid ?? 0);
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
}

/** Measures durable appends of this body over Koa, on the disk of the folder. */
export function bareAppends(folder: string, body: string, seconds: number): Promise<Loaded> {
  return withBareServer(folder, async (url, pid) => {
    const lines = await Connection.openMany(64, url);
    const loaded = await load({ workers: lines.length, seconds, pid }, async (worker) => {
      const answer = await lines[worker]?.ask("POST", "/append", { body });
      if (answer?.status !== 202) throw new Error(`the bare server answered ${answer?.status}`);
    });
    for (const line of lines) line.close();
    return loaded;
  });
}
