// Claims that are being committed while their runner registers again or is taken out of service.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { newMemoryStore } from "@gantry/journal/memory/memory.ts";
import type { Offer } from "@gantry/wire/runner/protocol.ts";
import { holdAppend, openTestAgent, type TestAgentOptions } from "../agent.fixture.ts";

const SITE = "seoul";
const NEVER = new AbortController().signal;

test("a claim that is being committed while a newer process registers is revoked before the registration is answered", async () => {
  const { agent, task, offer, claim, hold } = await offered();
  const claiming = assert.rejects(claim(offer), { code: "session-gone" });
  await hold.reached;
  let isAnswered = false;
  const registering = signIn(agent).then(() => {
    isAnswered = true;
  });
  await settled();
  assert.equal(isAnswered, false, "it is not known yet whether the older process has the job");
  hold.release();
  await registering;
  const job = (await agent.tasks.read(task))?.state.jobs.only;
  assert.deepEqual([job?.attempt, job?.lease, job?.phase], [1, undefined, "ready"]);
  await claiming;
});

test("a claim is revoked when the reply to its commit was lost and a newer process registers", async () => {
  const { agent, task, offer, claim, hold, failNextAppend } = await offered();
  hold.release();
  failNextAppend("unanswered");
  await assert.rejects(claim(offer), /answer was lost/);
  await signIn(agent);
  const job = (await agent.tasks.read(task))?.state.jobs.only;
  assert.deepEqual([job?.attempt, job?.lease, job?.phase], [1, undefined, "ready"]);
});

test("a claim that is being committed while its runner is taken out of service is revoked at once", async () => {
  const { agent, task, offer, claim, hold } = await offered();
  const claiming = assert.rejects(claim(offer), { code: "session-gone" });
  await hold.reached;
  const removing = agent.protocol.remove("seoul-1");
  await settled();
  hold.release();
  await Promise.all([removing, claiming]);
  assert.equal((await agent.tasks.read(task))?.state.jobs.only?.lease, undefined);
});

test("a claim is granted when it is repeated after the reply to its commit was lost", async () => {
  const { agent, task, offer, claim, hold, failNextAppend } = await offered();
  hold.release();
  failNextAppend("unanswered");
  await assert.rejects(claim(offer), /answer was lost/);
  await claim(offer);
  assert.equal((await agent.tasks.read(task))?.state.jobs.only?.lease?.runner, "seoul-1");
});

test("a repeated claim that is answered after its process registered again does not revoke the lease", async () => {
  const { agent, task, session, offer, claim, hold, boot } = await offered("JobStarted");
  await claim(offer);
  const starting = agent.protocol.start({ session, ref: offer.ref }, SITE);
  await hold.reached;
  const again = assert.rejects(claim(offer), { code: "session-gone" });
  const registering = signIn(agent, boot, [{ ref: offer.ref, started: false }]);
  await settled();
  hold.release();
  await Promise.all([starting, again, registering]);
  assert.equal((await agent.tasks.read(task))?.state.jobs.only?.lease?.runner, "seoul-1");
});

test("of two agents, the one where a runner has registered revokes the claim of its older process at the other", async () => {
  const store = newMemoryStore();
  const { agent: first, task, offer, claim, hold } = await offered("JobClaimed", { store, name: "first" });
  const second = await openTestAgent({ store, name: "second" });
  const claiming = claim(offer);
  await hold.reached;
  await signIn(second.agent);
  hold.release();
  await Promise.allSettled([claiming]);
  assert.equal((await first.tasks.read(task))?.state.jobs.only?.lease?.runner, "seoul-1");
  // A commit of another process is known here when the read of the feed returns.
  await second.clock.pass(20_000);
  const job = (await second.agent.tasks.read(task))?.state.jobs.only;
  assert.deepEqual([job?.lease, job?.phase], [undefined, "ready"]);
});

test("an agent does not revoke a claim of the process that is registered with it", async () => {
  const store = newMemoryStore();
  const { agent, task, offer, claim, hold, clock } = await offered("JobClaimed", { store, name: "first" });
  const second = await openTestAgent({ store, name: "second" });
  hold.release();
  await claim(offer);
  await second.clock.pass(20_000);
  await clock.pass(20_000);
  assert.equal((await agent.tasks.read(task))?.state.jobs.only?.lease?.runner, "seoul-1");
});

test("a repeated claim renews the lease, because the runner counts from the repeat", async () => {
  const { agent, task, offer, claim, hold, clock } = await offered();
  hold.release();
  await claim(offer);
  // The lease of a lenient job lasts for half an hour.
  await clock.pass(1_700_000);
  await claim(offer);
  await clock.pass(1_700_000);
  await agent.tick();
  assert.equal((await agent.tasks.read(task))?.state.jobs.only?.lease?.runner, "seoul-1");
  await clock.pass(200_000);
  await agent.tick();
  assert.equal((await agent.tasks.read(task))?.state.jobs.only?.lease, undefined);
});

/** A task whose job was offered to a runner. Commits of events of the kind `held` wait until `hold.release`. */
async function offered(held = "JobClaimed", options: TestAgentOptions = {}) {
  let hold: ReturnType<typeof holdAppend> | undefined;
  const fixture = await openTestAgent({
    ...options,
    wrapJournal: (journal) => {
      hold = holdAppend(journal, (batch) => batch.some(({ events }) => events[0]?.kind === held));
      return hold.journal;
    },
  });
  if (!hold) throw new Error("the journal was not opened");
  const { agent } = fixture;
  const task = (await fixture.start("a")).state.id;
  const boot = randomUUID();
  const { session } = await signIn(agent, boot);
  const { offers } = await agent.protocol.poll({ session, freeSlots: 1, waitMs: 1_000 }, SITE, NEVER);
  const [offer] = offers;
  if (!offer) throw new Error("no offer within a second");
  const claim = ({ offer: id, ref }: Offer) => agent.protocol.claim({ session, offer: id, ref }, SITE);
  return { ...fixture, task, boot, session, offer, claim, hold };
}

function signIn(
  { protocol }: Awaited<ReturnType<typeof openTestAgent>>["agent"],
  bootId: string = randomUUID(),
  running: Parameters<typeof protocol.session>[0]["running"] = [],
) {
  const host = { name: "test", platform: "test", cpus: 1, memoryMb: 1 };
  const facts = { runner: "seoul-1", bootId, site: SITE, labels: [], slots: 1, version: "test", host, systems: [] };
  return protocol.session({ ...facts, running }, SITE);
}

/** Lets all pending callbacks run. */
async function settled(): Promise<void> {
  for (let round = 0; round < 5; round += 1) await new Promise(setImmediate);
}
