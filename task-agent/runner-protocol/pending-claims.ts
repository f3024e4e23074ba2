// Claims that are being committed at this agent. A registration of their runner waits for them.

import type { Claimant } from "@gantry/core/task/decision.ts";
import type { Tasks } from "../tasks/tasks.ts";

/** Far more than the claims that can be in progress at once. */
const MAX_LOCAL = 10_000;

export class PendingClaims {
  readonly #tasks: Pick<Tasks, "resolveUnanswered">;
  readonly #isShared: boolean;
  readonly #pending = new Set<{ readonly runner: string; readonly done: Promise<unknown> }>();
  /**
   * Fences of claims made here lately. When such a commit is not answered yet, its event may already come back from the
   * journal, as if another agent had made the claim.
   */
  readonly #localFences = new Set<number>();

  /** `isShared`: other agents use the same journal. */
  constructor(tasks: Pick<Tasks, "resolveUnanswered">, isShared: boolean) {
    this.#tasks = tasks;
    this.#isShared = isShared;
  }

  /** Runs the commit of a claim. `isNew`: not a repeat. Resolves or rejects as the commit does. */
  async run<T>({ runner, fence }: Claimant, isNew: boolean, commit: () => Promise<T>): Promise<T> {
    const claim = { runner, done: commit() };
    this.#pending.add(claim);
    // A repeated claim commits no event.
    if (this.#isShared && isNew) this.#addLocal(fence);
    try {
      return await claim.done;
    } catch (error) {
      this.#localFences.delete(fence);
      throw error;
    } finally {
      this.#pending.delete(claim);
    }
  }

  /**
   * Waits for the claims that a runner began under a session that is over. A claim whose commit was not answered is resolved
   * as well: afterwards no lease of the runner is unknown here. Rejects when the store fails.
   */
  async settle(runner: string): Promise<void> {
    await Promise.allSettled([...this.#pending].filter((one) => one.runner === runner).map(({ done }) => done));
    await this.#tasks.resolveUnanswered();
  }

  /** Whether the claim with this fence was made here. Returns true only once per fence. */
  takeLocal(fence: number): boolean {
    return this.#localFences.delete(fence);
  }

  #addLocal(fence: number): void {
    this.#localFences.add(fence);
    const [oldest] = this.#localFences;
    if (this.#localFences.size > MAX_LOCAL && oldest !== undefined) this.#localFences.delete(oldest);
  }
}
