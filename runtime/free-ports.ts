// Free ports of this machine.

import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";

/** Below the range for outgoing connections: such a connection could occupy the port at the next start. */
const [FIRST, LAST] = [20_000, 29_999];
const TRIES = 1_000;

/** `count` distinct ports, all free at the same moment. Throws when it finds too few. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  try {
    for (let tries = 0; ports.length < count; tries += 1) {
      if (tries === TRIES) throw new Error(`There are no ${count} free ports from ${FIRST} to ${LAST}.`);
      const port = randomInt(FIRST, LAST + 1);
      const server = await hold(port);
      if (!server) continue;
      held.push(server);
      ports.push(port);
    }
    return ports;
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

export async function isFree(port: number): Promise<boolean> {
  const server = await hold(port);
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  return server !== undefined;
}

/** Undefined when the port is in use. */
function hold(port: number): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" || error.code === "EACCES" ? resolve(undefined) : reject(error),
    );
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
