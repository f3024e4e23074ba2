// The ready jobs of all sites, by priority and age, and the open offers among them. In memory only.

import type { Offer } from "@gantry/wire/runner/protocol.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { type OpenOffer, type ReadyJob, readyJobId } from "./ready-jobs.ts";
import type { Session } from "./sessions.ts";

export class JobQueue {
  readonly #sites = new Map<string, Map<string, ReadyJob>>();
  readonly #offers = new Map<string, ReadyJob>();

  sites(): readonly string[] {
    return [...this.#sites.keys()];
  }

  /** The one to be offered first is the first. */
  atSite(site: string): readonly ReadyJob[] {
    return [...(this.#sites.get(site)?.values() ?? [])].sort((one, other) => one.rank - other.rank);
  }

  all(): readonly ReadyJob[] {
    return [...this.#sites.values()].flatMap((queue) => [...queue.values()]);
  }

  /** The queued jobs of this task. */
  ofTask({ state }: TaskRecord): readonly ReadyJob[] {
    const jobs = Object.values(state.jobs).map((job) => this.#sites.get(job.site)?.get(readyJobId(state.id, job.key)));
    return jobs.filter((job) => job !== undefined);
  }

  has(ready: ReadyJob): boolean {
    return this.#sites.get(ready.site)?.get(ready.id) === ready;
  }

  /** False when this attempt of the job is queued already. An older attempt is replaced. */
  add(ready: ReadyJob): boolean {
    const queue = this.#sites.get(ready.site) ?? new Map<string, ReadyJob>();
    this.#sites.set(ready.site, queue);
    const known = queue.get(ready.id);
    if (known && known.attempt === ready.attempt) return false;
    if (known) this.remove(known);
    queue.set(ready.id, ready);
    return true;
  }

  remove(ready: ReadyJob): void {
    this.#sites.get(ready.site)?.delete(ready.id);
    this.withdraw(ready);
  }

  /** Adds an offer of this job to the session, until it is withdrawn or the job is removed. `expiresMs`: monotonic. */
  offer(ready: ReadyJob, session: Session, made: Offer, { expiresMs, open }: { expiresMs: number; open: OpenOffer }) {
    ready.offer = { id: made.offer, session, expiresMs, open };
    this.#offers.set(made.offer, ready);
    session.offers.set(made.offer, made);
  }

  /** Takes back the offer of this job, if there is one. The job stays queued. */
  withdraw(ready: ReadyJob): void {
    if (!ready.offer) return;
    this.#offers.delete(ready.offer.id);
    ready.offer.session.offers.delete(ready.offer.id);
    ready.offer = undefined;
  }

  /** The job of an open offer. */
  byOffer(offer: string): ReadyJob | undefined {
    return this.#offers.get(offer);
  }

  offered(): readonly ReadyJob[] {
    return [...this.#offers.values()];
  }

  offeredAt(site: string): number {
    return this.offered().filter((ready) => ready.site === site).length;
  }
}
