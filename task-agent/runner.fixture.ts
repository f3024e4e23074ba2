// A runner that does what a test tells it, word by word, by the real client of the protocol.

import { randomUUID } from "node:crypto";
import type {
  ClaimReply,
  EffectPermit,
  JobRef,
  Offer,
  PollReply,
  SessionReply,
  SessionRequest,
  StepProgress,
} from "@gantry/wire/protocol.ts";
import { createRunnerClient, type RunnerClient } from "@gantry/wire/runner-client.ts";

type Ending = {
  readonly outcome: "succeeded" | "failed" | "errored" | "canceled";
  readonly outputs: Record<string, string>;
  readonly progress: number;
  readonly failure?: { code: string; message: string };
};

export class PlayedRunner {
  readonly #client: RunnerClient;
  readonly #token: string;
  readonly session: string;
  readonly directives: SessionReply["directives"];

  private constructor(client: RunnerClient, token: string, session: string, directives: SessionReply["directives"]) {
    this.#client = client;
    this.#token = token;
    this.session = session;
    this.directives = directives;
  }

  static async signIn(
    url: string,
    token: string,
    site: string,
    name: string,
    running: SessionRequest["running"] = [],
  ): Promise<PlayedRunner> {
    const client = createRunnerClient({ url, token: () => token, fetch });
    const reply = await client.session({
      runner: name,
      bootId: randomUUID(),
      site,
      labels: [],
      slots: 2,
      version: "test",
      host: { name: "test", platform: "test", cpus: 1, memoryMb: 1 },
      systems: [],
      running,
    });
    return new PlayedRunner(client, token, reply.session, reply.directives);
  }

  /** The same session against another address, as after a restart of the agent. */
  static resume(url: string, runner: PlayedRunner): PlayedRunner {
    return new PlayedRunner(
      createRunnerClient({ url, token: () => runner.#token, fetch }),
      runner.#token,
      runner.session,
      [],
    );
  }

  pollAll(freeSlots = 1, waitMs = 5_000): Promise<PollReply> {
    return this.#client.poll({ session: this.session, freeSlots, waitMs });
  }

  async poll(freeSlots: number): Promise<PollReply["offers"]> {
    return (await this.pollAll(freeSlots)).offers;
  }

  /** Polls until it is offered a job, and claims it. */
  async takeJob(): Promise<ClaimReply & { ref: JobRef }> {
    const [offer] = await this.poll(1);
    if (!offer) throw new Error("no offer came");
    return { ...(await this.claim(offer)), ref: offer.ref };
  }

  claim(offer: Offer): Promise<ClaimReply> {
    return this.#client.claim({ session: this.session, offer: offer.offer, ref: offer.ref });
  }

  decline(offer: Offer): Promise<void> {
    return this.#client.decline({ session: this.session, offer: offer.offer, ref: offer.ref, reason: "busy" });
  }

  start(ref: JobRef): Promise<void> {
    return this.#client.start({ session: this.session, ref });
  }

  progress(ref: JobRef, from: number, events: StepProgress[]): Promise<number> {
    return this.#client.progress({ session: this.session, ref, from, events });
  }

  effectBegin(
    ref: JobRef,
    wish: { step: string; effect: string; ordinal: number; what: string },
  ): Promise<EffectPermit> {
    return this.#client.effectBegin({ session: this.session, ref, ...wish });
  }

  effectEnd(ref: JobRef, key: string, result: Record<string, string>): Promise<void> {
    return this.#client.effectEnd({ session: this.session, ref, key, result });
  }

  report(ref: JobRef, ending: Ending): Promise<void> {
    return this.#client.report({ session: this.session, ref, ...ending });
  }

  log(ref: JobRef, step: string, offset: number, bytes: Buffer, crc: number, final: boolean): Promise<number> {
    return this.#client.log({ session: this.session, ref, step, offset, crc, final, bytes: new Uint8Array(bytes) });
  }
}
