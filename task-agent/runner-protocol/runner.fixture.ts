// A runner whose calls a test makes one by one, with the real client of the protocol.

import { randomUUID } from "node:crypto";
import type { ArtifactFile } from "@gantry/core/artifact/artifact.ts";
import type { Outcome } from "@gantry/core/task/states.ts";
import type { FetchedArtifact } from "@gantry/wire/runner/artifacts.ts";
import type { ObserveReply, ObserveRequest } from "@gantry/wire/runner/fleet.ts";
import type {
  ClaimReply,
  EffectPermit,
  HeartbeatReply,
  JobRef,
  Offer,
  OwnLog,
  PollReply,
  SessionReply,
  SessionRequest,
  StepProgress,
  Told,
} from "@gantry/wire/runner/protocol.ts";
import { createRunnerClient, type RunnerClient } from "@gantry/wire/runner/runner-client.ts";

/** How a process identifies itself; the same boot id means the same process. */
export type Identity = Partial<
  Pick<SessionRequest, "bootId" | "slots" | "registration" | "runs" | "forks" | "systems" | "obeys">
>;
export type Claimed = ClaimReply & { readonly ref: JobRef };

type Ending = {
  readonly outcome: Outcome;
  readonly outputs: Record<string, string>;
  readonly progress: number;
  readonly failure?: { code: string; message: string };
};

export class ScriptedRunner {
  readonly #client: RunnerClient;
  readonly #token: string;
  readonly session: string;
  readonly bootId: string;
  readonly directives: SessionReply["directives"];

  private constructor(client: RunnerClient, token: string, bootId: string, { session, directives }: SessionReply) {
    this.#client = client;
    this.#token = token;
    this.bootId = bootId;
    this.session = session;
    this.directives = directives;
  }

  static async signIn(
    url: string,
    token: string,
    site: string,
    name: string,
    running: SessionRequest["running"] = [],
    { bootId = randomUUID(), slots = 2, registration, runs, forks, systems = [], obeys }: Identity = {},
  ): Promise<ScriptedRunner> {
    const client = createRunnerClient({ url, token: () => token, fetch });
    const reply = await client.session({
      runner: name,
      bootId,
      ...(registration === undefined ? {} : { registration }),
      site,
      labels: [],
      slots,
      ...(runs === undefined ? {} : { runs }),
      ...(forks === undefined ? {} : { forks }),
      ...(obeys === undefined ? {} : { obeys }),
      version: "test",
      host: { name: "test", platform: "test", cpus: 1, memoryMb: 1 },
      systems,
      running,
    });
    return new ScriptedRunner(client, token, bootId, reply);
  }

  /** The same session at another address, as after a restart of the agent. */
  static resume(url: string, runner: ScriptedRunner): ScriptedRunner {
    return new ScriptedRunner(
      createRunnerClient({ url, token: () => runner.#token, fetch }),
      runner.#token,
      runner.bootId,
      { session: runner.session, directives: [] },
    );
  }

  pollAll(freeSlots = 1, waitMs = 5_000): Promise<PollReply> {
    return this.#client.poll({ session: this.session, freeSlots, waitMs });
  }

  async poll(freeSlots: number): Promise<PollReply["offers"]> {
    return (await this.pollAll(freeSlots)).offers;
  }

  /** Polls until it is offered a job, and claims it. */
  async takeJob(): Promise<Claimed> {
    for (let polls = 0; polls < 3; polls += 1) {
      // A cancel may also end a poll.
      const [offer] = await this.poll(1);
      if (offer) return { ...(await this.claim(offer)), ref: offer.ref };
    }
    throw new Error("no offer in three polls of 5 s");
  }

  claim(offer: Offer): Promise<ClaimReply> {
    return this.#client.claim({ session: this.session, offer: offer.offer, ref: offer.ref });
  }

  decline(offer: Offer): Promise<void> {
    return this.#client.decline({ session: this.session, offer: offer.offer, ref: offer.ref, reason: "busy" });
  }

  observe(report: Partial<ObserveRequest> & Pick<ObserveRequest, "system">): Promise<ObserveReply> {
    return this.#client.observe({ session: this.session, changed: [], gone: [], silentMs: 0, ...report });
  }

  renew(ref: JobRef, told?: Told): Promise<HeartbeatReply> {
    return this.#client.heartbeat({ session: this.session, items: [{ ref, told }] });
  }

  sendOwnLog(message: Omit<OwnLog, "session">): Promise<void> {
    return this.#client.ownLog({ session: this.session, ...message });
  }

  async heartbeat(ref: JobRef, told?: Told): Promise<HeartbeatReply["items"][number]> {
    const [item] = (await this.renew(ref, told)).items;
    if (!item) throw new Error("a heartbeat of one lease must be answered with one item");
    return item;
  }

  start(ref: JobRef): Promise<void> {
    return this.#client.start({ session: this.session, ref });
  }

  async progress(ref: JobRef, from: number, events: StepProgress[]): Promise<number> {
    return (await this.#client.progress({ session: this.session, ref, from, events })).ack;
  }

  effectBegin(
    ref: JobRef,
    effect: { step: string; effect: string; ordinal: number; what: string },
  ): Promise<EffectPermit> {
    return this.#client.effectBegin({ session: this.session, ref, ...effect });
  }

  effectEnd(ref: JobRef, key: string, result: Record<string, string>): Promise<void> {
    return this.#client.effectEnd({ session: this.session, ref, key, result });
  }

  report(ref: JobRef, ending: Partial<Ending> = {}): Promise<void> {
    const defaults = { outcome: "succeeded" as const, outputs: {}, progress: 0 };
    return this.#client.report({ session: this.session, ref, ...defaults, ...ending });
  }

  async saveArtifact(ref: JobRef, name: string, files: readonly ArtifactFile[], keepMs = 60_000): Promise<string[]> {
    return (await this.#client.saveArtifact({ session: this.session, ref, name, keepMs, files: [...files] })).missing;
  }

  async uploadArtifact(ref: JobRef, { digest, size }: Pick<ArtifactFile, "digest" | "size">, bytes: Buffer) {
    const upload = { session: this.session, ref, digest, size, offset: 0, bytes: new Uint8Array(bytes) };
    return (await this.#client.uploadArtifact(upload)).ack;
  }

  async artifactsOf(ref: JobRef, job: string) {
    return (await this.#client.fetchArtifacts({ session: this.session, ref, job })).artifacts;
  }

  /** `file`: its index in the list. */
  artifactContent(ref: JobRef, { job: from, name, digest }: FetchedArtifact, file: number): Promise<Uint8Array> {
    return this.#client.artifactContent({ session: this.session, ref, from, name, digest, file, offset: 0 });
  }

  async log(ref: JobRef, step: string, offset: number, bytes: Buffer, crc: number, final: boolean): Promise<number> {
    const chunk = { session: this.session, ref, step, offset, crc, final, bytes: new Uint8Array(bytes) };
    return (await this.#client.log(chunk)).ack;
  }
}
