// One open event stream (Server-Sent Events), read with as little work as possible.

import { once } from "node:events";
import { connect, type Socket } from "node:net";

export class Stream {
  readonly #socket: Socket;
  #seen = "";
  #wanted = "";
  #found: (at: number) => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#hear(chunk.toString("latin1")));
  }

  /** Resolves when the stream is open. */
  static async open(url: string, path: string, token: string): Promise<Stream> {
    const { hostname, port, host } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, "connect");
    const stream = new Stream(socket);
    const begun = stream.until("retry:");
    socket.write(
      `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\naccept: text/event-stream\r\n\r\n`,
    );
    await begun;
    return stream;
  }

  /** The time (performance.now) at which this text arrived. */
  until(text: string): Promise<number> {
    this.#seen = "";
    this.#wanted = text;
    return new Promise((resolve) => {
      this.#found = resolve;
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #hear(text: string): void {
    if (this.#wanted === "") return;
    // The text may be split between two chunks.
    this.#seen = this.#seen.slice(-this.#wanted.length) + text;
    if (!this.#seen.includes(this.#wanted)) return;
    this.#wanted = "";
    this.#seen = "";
    this.#found(performance.now());
  }
}
