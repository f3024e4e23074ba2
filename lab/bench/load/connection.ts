// A cheap HTTP client: one keep-alive connection, one request at a time, answers with a content length. The load must not be
// limited by its client; the client of the product checks much more.

import { once } from "node:events";
import { connect, type Socket } from "node:net";

export type Answer = { readonly status: number; readonly head: string; readonly body: Buffer };
export type Ask = {
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string | Uint8Array;
};

const EMPTY = Buffer.alloc(0);

export class Connection {
  readonly #socket: Socket;
  readonly #host: string;
  readonly #authorization: string;
  #received: Buffer = EMPTY;
  #wanted = -1;
  #done: ((answer: Answer) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  private constructor(socket: Socket, host: string, authorization: string) {
    this.#socket = socket;
    this.#host = host;
    this.#authorization = authorization;
    socket.on("data", (chunk: Buffer) => this.#hear(chunk));
    socket.on("error", (error) => this.#failed?.(error));
    socket.on("close", () => this.#failed?.(new Error("the connection was closed before the answer")));
  }

  static async open(url: string, token?: string): Promise<Connection> {
    const { hostname, port, host } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, "connect");
    return new Connection(socket, host, token === undefined ? "" : `authorization: Bearer ${token}\r\n`);
  }

  static openMany(count: number, url: string, token?: string): Promise<Connection[]> {
    return Promise.all(Array.from({ length: count }, () => Connection.open(url, token)));
  }

  ask(method: string, path: string, { headers = {}, body }: Ask = {}): Promise<Answer> {
    const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const type = body === undefined || "content-type" in headers ? "" : "content-type: application/json\r\n";
    const length = body === undefined ? "" : `content-length: ${Buffer.byteLength(body)}\r\n`;
    const head = `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n${this.#authorization}${type}${length}${more.join("")}\r\n`;
    if (this.#socket.destroyed) return Promise.reject(new Error("the connection is closed"));
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#failed = reject;
      if (typeof body === "string") this.#socket.write(head + body);
      else {
        this.#socket.cork();
        this.#socket.write(head);
        if (body) this.#socket.write(body);
        this.#socket.uncork();
      }
    });
  }

  /** Sends and receives JSON; throws on every status except 2xx. */
  async json(method: string, path: string, body?: object): Promise<unknown> {
    const answer = await this.ask(method, path, body === undefined ? {} : { body: JSON.stringify(body) });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body.toString()}`);
    return answer.body.length === 0 ? undefined : JSON.parse(answer.body.toString());
  }

  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  #hear(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    if (this.#wanted < 0) {
      const end = this.#received.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = /\r\ncontent-length: *(\d+)/i.exec(this.#received.toString("latin1", 0, end));
      this.#wanted = end + 4 + Number(length?.[1] ?? 0);
    }
    if (this.#received.length < this.#wanted) return;
    const end = this.#received.indexOf("\r\n\r\n");
    const head = this.#received.toString("latin1", 0, end);
    const answer = { status: Number(head.slice(9, 12)), head, body: this.#received.subarray(end + 4, this.#wanted) };
    this.#received = this.#received.subarray(this.#wanted);
    this.#wanted = -1;
    this.#done?.(answer);
  }
}
