// A TCP proxy between runners and the agent that can drop bytes in one or both directions, be slow, or break a connection so
// that a request is repeated. Dropped bytes are lost silently, as with an unplugged cable.

import type { AddressInfo } from "node:net";
import { connect, createServer, type Server, type Socket } from "node:net";

export type Fault = {
  /** Bytes from the runner to the agent are lost. */
  readonly up?: boolean;
  /** Bytes from the agent to the runner are lost: requests are executed, and their answers never arrive. */
  readonly down?: boolean;
  readonly delayMs?: number;
  /** The connection breaks after a request of this many bytes was forwarded, so its sender repeats it. */
  readonly breakAfterBytes?: number;
};

export class FaultyProxy {
  readonly url: string;
  readonly #server: Server;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #fault: Fault = {};

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(to: string): Promise<FaultyProxy> {
    const server = createServer((client) => line.#join(client));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const line = new FaultyProxy(server, Number(new URL(to).port));
    return line;
  }

  /** Applies from now on, also to open connections. Without a fault, connections that were cut are closed. */
  set(fault: Fault): void {
    const wasCut = this.#fault.up || this.#fault.down;
    this.#fault = fault;
    if (wasCut) for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #join(client: Socket): void {
    const agent = connect(this.#port, "127.0.0.1");
    this.#pipe(client, agent, "up");
    this.#pipe(agent, client, "down");
  }

  #pipe(from: Socket, to: Socket, way: "up" | "down"): void {
    this.#sockets.add(from);
    let passed = 0;
    from.on("data", (bytes) => {
      const { delayMs = 0, breakAfterBytes } = this.#fault;
      if (this.#fault[way]) return;
      const pass = (): void => {
        if (to.destroyed) return;
        to.write(bytes);
        passed += bytes.length;
        if (way === "up" && breakAfterBytes !== undefined && passed >= breakAfterBytes) to.end(() => from.destroy());
      };
      if (delayMs === 0) pass();
      else setTimeout(pass, delayMs);
    });
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
