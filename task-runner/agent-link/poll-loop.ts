// Polls the task-agent for work, claims offers that fit, declines the others. One poll is open at any time.

import { pause } from "@gantry/runtime/clock.ts";
import { deadlineBy } from "@gantry/runtime/deadline.ts";
import type { LogOrder, Offer, PollReply, StopOrder } from "@gantry/wire/runner/protocol.ts";
import type { Claimed } from "../attempts/attempt.ts";
import type { AttemptRegistry } from "../attempts/attempt-registry.ts";
import type { Leases } from "../attempts/leases.ts";
import type { Moment } from "../attempts/moment.ts";
import { refFields } from "../attempts/refs.ts";
import { canceled } from "../attempts/stop.ts";
import type { LiveSettings } from "../live-settings.ts";
import { isCode, type RunnerDeps } from "../ports.ts";
import type { Link } from "./agent-link.ts";
import type { Session } from "./session.ts";

export type PollOptions = {
  readonly link: Link;
  readonly leases: Leases;
  readonly registry: Pick<AttemptRegistry, "free" | "changed" | "has" | "stop" | "reserve">;
  readonly deps: Pick<RunnerDeps, "clock" | "logger">;
  readonly live: Pick<LiveSettings, "apply" | "pollMs">;
  readonly session: Pick<Session, "isOpen">;
  readonly begin: (claimed: Claimed) => void;
  /** An operator ends this process. May be called repeatedly with the same. */
  readonly onStop: (stop: StopOrder) => void;
  /** An operator reads the runner's log. May be called repeatedly with the same. */
  readonly onLog: (order: LogOrder) => void;
  /** Ends the loop. A claim in progress is completed, and its attempt begins. */
  readonly signal: AbortSignal;
  /** How many jobs the runner has at a time. */
  readonly slots: number;
  /** Also aborts calls that are under way. */
  readonly ended: AbortSignal;
};

/** Wait after a refused poll: repeating it at once would be refused as well. */
const REFUSED_MS = 5_000;
/** After this many lost answers a claim is given up; then the offer or the lease expires. */
const CLAIM_TRIES = 5;

/** Time limit for the last poll, which says that the runner takes no more work. */
const LAST_POLL_MS = 2_000;

/** Resolves when the signal is aborted, or when a newer process of this runner has taken over. */
export async function pollLoop(options: PollOptions): Promise<void> {
  await takeWork(options);
  // A runner without a session gets no offers.
  if (options.signal.aborted && !options.ended.aborted && options.session.isOpen()) await pollWithoutSlots(options);
}

/** Otherwise the task-agent would offer work as long as the session lives, and each offer would wait for its timeout. */
async function pollWithoutSlots(options: PollOptions): Promise<void> {
  const { link, registry, deps, ended } = options;
  const deadline = deadlineBy(deps.clock, LAST_POLL_MS);
  try {
    const { offers } = await link.once(
      (client, session, call) => client.poll({ session, freeSlots: 0, waitMs: 0 }, call),
      { signal: AbortSignal.any([ended, deadline.signal]) },
    );
    const newOffers = offers.filter(({ ref }) => !registry.has(ref)).slice(0, options.slots);
    await Promise.all(newOffers.map((offer) => answerOffer(options, offer)));
  } catch (error) {
    deps.logger.info({ err: error }, "the task-agent could not be informed that this runner takes no more work");
  } finally {
    deadline.cancel();
  }
}

async function takeWork(options: PollOptions): Promise<void> {
  const { link, registry, live, deps, signal } = options;
  while (!signal.aborted) {
    const changed = registry.changed();
    let reply: PollReply;
    try {
      reply = await link.call(
        (client, session, call) =>
          client.poll({ session, freeSlots: Math.max(0, registry.free()), waitMs: live.pollMs() }, call),
        { signal: AbortSignal.any([signal, changed]) },
      );
    } catch (error) {
      if (signal.aborted || isCode(error, "session-gone")) return;
      // Aborting a poll is safe: an offer that was on its way comes again with the next one.
      if (changed.aborted) continue;
      deps.logger.error({ err: error }, "the task-agent refused a poll");
      await pause(deps.clock, REFUSED_MS, signal);
      continue;
    }
    live.apply(reply.settings);
    if (reply.log) options.onLog(reply.log);
    if (reply.stop) options.onStop(reply.stop);
    for (const { ref, reason, graceMs } of reply.cancels) registry.stop(ref, canceled(reason, graceMs));
    // Every offer is claimed or declined, because each poll repeats the other offers. This many are handled at a time,
    // regardless of how many the agent sends.
    const newOffers = reply.offers.filter(({ ref }) => !registry.has(ref)).slice(0, options.slots);
    await Promise.all(newOffers.map((offer) => answerOffer(options, offer)));
  }
}

async function answerOffer(options: PollOptions, offer: Offer): Promise<void> {
  const { link, deps, registry, ended, signal } = options;
  const fields = { ...refFields(offer.ref), offer: offer.offer };
  try {
    if (signal.aborted || registry.free() <= 0) {
      const reason = signal.aborted ? "The runner is being stopped." : "All slots are busy.";
      deps.logger.info(fields, "an offer was declined");
      await link.call(
        (client, session, call) => client.decline({ session, offer: offer.offer, ref: offer.ref, reason }, call),
        { signal: ended, tries: 1 },
      );
      return;
    }
    await claim(options, offer);
  } catch (error) {
    if (isCode(error, "offer-gone", "lease-lost")) deps.logger.info({ ...fields, err: error }, "an offer was gone");
    else if (!ended.aborted) deps.logger.warn({ ...fields, err: error }, "an offer could not be answered");
  }
}

async function claim(
  { link, leases, registry, begin, ended, deps }: PollOptions,
  { offer, ref }: Offer,
): Promise<void> {
  const release = registry.reserve();
  let sent: Moment = leases.now();
  try {
    const reply = await link.call(
      (client, session, call) => {
        sent = leases.now();
        return client.claim({ session, offer, ref }, call);
      },
      { signal: ended, tries: CLAIM_TRIES },
    );
    deps.logger.info(refFields(ref), "a job was claimed");
    begin({ ref, reply, sent });
  } finally {
    release();
  }
}
