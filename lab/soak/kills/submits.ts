// Requests tasks at a steady rate, whatever happens to the agent, and compares them with what exists at the end.

import type { TaskSummary } from "@gantry/wire/agent/views.ts";
import type { AgentProcess } from "../../processes/agent-process.ts";

const AT_ONCE = 20;

export class Submits {
  /** Idempotency key → task id. */
  readonly acked = new Map<string, string>();
  readonly #agent: AgentProcess;
  readonly #pipeline: string;
  #keys = 0;
  #isStopping = false;
  readonly #load: Promise<void>;

  constructor(agent: AgentProcess, pipeline: string, everyMs: number) {
    this.#agent = agent;
    this.#pipeline = pipeline;
    this.#load = this.#submitting(everyMs);
  }

  /** Stops requesting, and repeats every unanswered request with the same key. The agent must be up. */
  async finish(): Promise<void> {
    this.#isStopping = true;
    await this.#load;
    const keys = Array.from({ length: this.#keys }, (_, index) => `key-${index + 1}`);
    const open = keys.filter((key) => !this.acked.has(key));
    while (open.length > 0) await Promise.all(open.splice(0, AT_ONCE).map((key) => this.#submit(key)));
  }

  /** `missing`: acknowledged but not in the list. `unknown`: in the list but never requested, or twice for one key. */
  compare(there: ReadonlyMap<string, TaskSummary>): { readonly missing: number; readonly unknown: number } {
    const wanted = new Set(this.acked.values());
    const strangers = [...there.keys()].filter((id) => !wanted.has(id)).length;
    return {
      missing: [...wanted].filter((id) => !there.has(id)).length,
      unknown: strangers + this.#keys - wanted.size,
    };
  }

  async #submitting(everyMs: number): Promise<void> {
    const open: Promise<void>[] = [];
    while (!this.#isStopping) {
      this.#keys += 1;
      open.push(this.#submit(`key-${this.#keys}`));
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
    await Promise.all(open);
  }

  async #submit(key: string): Promise<void> {
    try {
      const task = await this.#agent.start(this.#pipeline, key);
      const known = this.acked.get(key);
      if (known !== undefined && known !== task.id) throw new Error(`key ${key} is task ${known} and ${task.id}`);
      this.acked.set(key, task.id);
    } catch (error) {
      // The agent was killed: the task may or may not exist.
      if (!(error instanceof Error) || (error as { code?: string }).code !== "unavailable") throw error;
    }
  }
}

/** All tasks, newest first. */
export async function listed({ client }: AgentProcess): Promise<ReadonlyMap<string, TaskSummary>> {
  const tasks = new Map<string, TaskSummary>();
  let cursor: string | undefined;
  do {
    const page = await client.tasks({ limit: 1_000, ...(cursor === undefined ? {} : { cursor }) });
    for (const task of page.items) tasks.set(task.id, task);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return tasks;
}
