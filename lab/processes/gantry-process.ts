// Gantry as users run it: the command as a separate process, used through its API. For end-to-end tests and benchmarks.

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type FeedEvent, feedEvent, type TaskView, taskView } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import type { LabEntry, LabFile } from "../fakes/fakes.ts";

const COMMAND = fileURLToPath(new URL("../../cli/gantry", import.meta.url));

export type Answer = { readonly status: number; readonly headers: Headers; readonly body: unknown };

export class GantryProcess {
  readonly url: string;
  readonly data: string;
  readonly token: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;

  private constructor(child: ChildProcess, exited: Promise<number | null>, ready: { url: string }, data: string) {
    this.#child = child;
    this.#exited = exited;
    this.url = ready.url;
    this.data = data;
    this.token = readFileSync(join(data, "admin-token"), "utf8").trim();
  }

  /** Resolves when the portal serves. `args` are those of `gantry start`. */
  static async start(
    data: string,
    args: readonly string[] = ["--no-demo"],
    env: Record<string, string> = {},
  ): Promise<GantryProcess> {
    const child = spawn(COMMAND, ["start", "--json", "--data", data, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}`, ...env },
    });
    const errors: string[] = [];
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
    const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
    const lines = createInterface({ input: child.stdout });
    const ready = await new Promise<{ url: string }>((resolve, reject) => {
      lines.once("line", (line) => resolve(JSON.parse(line)));
      exited.then(
        (code) => reject(new Error(`gantry ended with ${code} before it was ready:\n${errors.join("")}`)),
        reject,
      );
    });
    return new GantryProcess(child, exited, ready, data);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  lab(name: string): LabEntry {
    const entry = (JSON.parse(readFileSync(join(this.data, "lab.json"), "utf8")) as LabFile).standIns[name];
    if (!entry) throw new Error(`the lab has no ${name}`);
    return entry;
  }

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      body: /json/.test(answer.headers.get("content-type") ?? "") ? JSON.parse(text) : text,
    };
  }

  /** Starts a task as a button of the console does. Throws when it is not accepted. */
  async press(path: string, body: object, key: string = randomUUID()): Promise<TaskView> {
    const answer = await this.call("POST", path, body, { "idempotency-key": key });
    if (answer.status !== 202) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return taskView.parse(answer.body);
  }

  async task(id: string): Promise<TaskView> {
    return taskView.parse((await this.call("GET", `/v1/tasks/${id}`)).body);
  }

  /** Events of a task as they arrive, until the task has ended or the caller stops. */
  async *events(id: string): AsyncGenerator<FeedEvent> {
    const page = z.object({ items: z.array(feedEvent) });
    for (let after = 0; ; ) {
      const { body } = await this.call("GET", `/v1/tasks/${id}/events?after=${after}&wait=20000`);
      for (const event of page.parse(body).items) {
        after = event.taskseq;
        yield event;
        if (event.data.event.kind === "TaskEnded") return;
      }
    }
  }

  /** Waits for the first event that fits. Throws when the task ends before. */
  async until(id: string, wanted: (fact: Record<string, unknown>) => boolean): Promise<FeedEvent> {
    for await (const event of this.events(id)) if (wanted(event.data.event)) return event;
    throw new Error(`task ${id} ended before it happened`);
  }

  async ended(id: string): Promise<TaskView> {
    for await (const _ of this.events(id));
    return this.task(id);
  }

  /** A one-time address that signs a browser in. */
  async signInLink(): Promise<string> {
    return z.object({ url: z.string() }).parse((await this.call("POST", "/v1/sign-in-links", {})).body).url;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /** Stops it in an orderly way and returns the exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return this.#exited;
  }

  exit(): Promise<number | null> {
    return this.#exited;
  }
}
