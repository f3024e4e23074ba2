// An HTTP proxy in front of a task-agent that can interrupt one call of a runner: before the agent receives it, or after
// the agent has answered and before the runner receives the answer.

import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Moment = { readonly call: string; readonly side: "before" | "after" };

export class Checkpoint {
  readonly url: string;
  readonly #server: Server;
  readonly #to: string;
  #wanted: { readonly moment: Moment; readonly reached: () => Promise<void> } | undefined;

  private constructor(server: Server, to: string) {
    this.#server = server;
    this.#to = to;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(to: string): Promise<Checkpoint> {
    const server = createServer((incoming, outgoing) => {
      checkpoint.#pass(incoming, outgoing).catch(() => outgoing.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const checkpoint = new Checkpoint(server, to);
    return checkpoint;
  }

  /** Calls `reached` once, when the moment comes; the call is lost. Resolves when `reached` has. */
  at(moment: Moment, reached: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wanted = { moment, reached: () => reached().then(resolve, reject) };
    });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const path = incoming.url ?? "/";
    if (await this.#isReached(path, "before")) return void outgoing.destroy();
    const hungUp = new AbortController();
    outgoing.once("close", () => hungUp.abort());
    const answer = await ask(this.#to + path, incoming, Buffer.concat(chunks), hungUp.signal);
    if (await this.#isReached(path, "after")) return void outgoing.destroy();
    outgoing.writeHead(answer.status, { "content-type": answer.type }).end(answer.body);
  }

  async #isReached(path: string, side: Moment["side"]): Promise<boolean> {
    const wanted = this.#wanted;
    if (wanted?.moment.side !== side || !path.startsWith(`/runner/v1/${wanted.moment.call}`)) return false;
    this.#wanted = undefined;
    await wanted.reached();
    return true;
  }
}

type Answer = { readonly status: number; readonly type: string; readonly body: Buffer };

function ask(
  address: string,
  { method, headers }: IncomingMessage,
  body: Buffer,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { authorization = "", "content-type": type = "application/json" } = headers;
    const sent = request(
      address,
      { method, headers: { authorization, "content-type": type, "content-length": body.length }, signal },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () =>
          resolve({
            status: answer.statusCode ?? 500,
            type: answer.headers["content-type"] ?? "",
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}
