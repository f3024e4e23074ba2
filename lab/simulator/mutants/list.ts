// Mutants: planted mistakes, as patches of the code. Each was a real failure of a comparable system, or of this one before
// the simulator found it. Three known failures of such systems are not covered here:
// - a command that the store's client sends twice: the store here is in memory (see journal/suite and the tests of the
//   redis adapter);
// - events that are published before they are committed: feed and bus read from the journal. The closest mutants are
//   `place-before-deliveries` and `place-before-publishing`;
// - a schedule that fires twice: the engine has no schedules.

export type Mutant = {
  readonly name: string;
  readonly why: string;
  readonly edits: readonly { readonly file: string; readonly find: string; readonly replace: string }[];
  /** The seed that found it last, for one that few seeds find. It is tried first. Absent: the seeds from 1. */
  readonly seed?: number;
};

const one = (name: string, why: string, file: string, find: string, replace: string, seed?: number): Mutant => ({
  name,
  why,
  edits: [{ file, find, replace }],
  ...(seed === undefined ? {} : { seed }),
});

const LEASES = "task-agent/leases/lease-table.ts";
const LEASE_TIMES = "task-agent/leases/lease-times.ts";
const PROTOCOL = "task-agent/runner-protocol/runner-protocol.ts";
const REGISTRATION = "task-agent/runner-protocol/registration.ts";
const DISPATCH = "task-agent/dispatch/dispatch.ts";
const AGENT = "task-agent/agent.ts";
const RELAY = "task-agent/events/relay.ts";

export const MUTANTS: readonly Mutant[] = [
  one(
    "no-fence-check",
    "a runner whose lease was given away keeps writing",
    "core/task/decision.ts",
    "  if (claimant.fence < job.fence || claimant.attempt < job.attempt)\n    return lost(`Attempt ${claimant.attempt} was given away; ${job.attempt} is the newest.`);\n",
    "  if (claimant.fence < job.fence && job.lease) return job;\n",
  ),
  one(
    "renew-by-id",
    "a renewal counts no matter who sends it (Woodpecker's Extend by id)",
    LEASES,
    "if (lease?.fence !== fence || !isOwner(lease, owner)) return false;",
    "if (!lease) return false;",
  ),
  one(
    "loss-is-not-reported",
    "a lease is given away, and its former holder still gets the answer that it holds it (Woodpecker #5823)",
    PROTOCOL,
    'return { ref, state: "lost" as const };',
    'return { ref, state: "ok" as const };',
  ),
  one(
    "leases-forgotten-at-restart",
    "a lease that is not in memory counts as finished (Woodpecker #7063)",
    AGENT,
    "  leases.onTaskChanged(record);\n",
    "",
  ),
  one(
    "waiting-is-not-open",
    "a missing index entry: queued tasks are not resumed after a restart",
    "task-agent/tasks/task-stream.ts",
    "...(open ? { open: [",
    '...(open && state.phase === "running" ? { open: [',
  ),
  {
    name: "sent-is-received",
    why: "an offer counts as delivered when it was sent, and never expires (actions/runner #4728, Gitea #38737)",
    edits: [
      {
        file: "task-agent/dispatch/sessions.ts",
        find: "    offers: [...session.offers.values()],",
        replace: "    offers: [...session.offers.values()].map((offer) => (session.offers.clear(), offer)),",
      },
      {
        file: DISPATCH,
        find: "if (!ready.offer || ready.offer.expiresMs > clock.monotonicMs()) continue;",
        replace: "if (ready.offer || !ready.offer) continue;",
      },
    ],
  },
  one(
    "cancel-resets-the-clock",
    "a cancel restarts the lease timer of a dead runner (Gitea #38644)",
    LEASES,
    "else if (known?.fence === job.fence) known.canceledMs ??= canceled(state, job.key) ? now : undefined;",
    "else if (known?.fence === job.fence) { if (canceled(state, job.key)) known.renewedMs = now; }",
  ),
  one(
    "no-self-fence",
    "the runner stops only when a renewal fails, and the renewal hangs",
    "task-runner/attempts/leases.ts",
    "one.stop(fenced(",
    "void (fenced(",
  ),
  one(
    "renewal-starts-late",
    "renewals start long after the claim (mlflow #25293)",
    "task-runner/attempts/leases.ts",
    "if (holder.lease.renewEveryMs < shortest) beatIn(holder.lease.renewEveryMs);",
    "if (holder.lease.renewEveryMs < shortest) beatIn(holder.lease.renewEveryMs * 30);",
  ),
  one(
    "unanswered-is-done",
    "a commit whose answer was lost counts as done",
    "task-agent/tasks/task-store.ts",
    "      this.#unanswered.add(id);\n      throw error;",
    "      return true;",
  ),
  {
    name: "fences-begin-anew",
    why: "the fence counter is in memory only and restarts with the process",
    edits: [
      {
        file: "task-agent/leases/fences.ts",
        find: "last = Math.max(last + 1, before + 1, micros);",
        replace: "last = micros > 0 && before >= 0 ? last + 1 : last;",
      },
      {
        file: "core/task/decide-lease.ts",
        find: "if (claim.attempt !== job.attempt + 1 || claim.fence <= job.fence)",
        replace: "if (claim.attempt !== job.attempt + 1)",
      },
    ],
  },
  one(
    "report-overwrites",
    "a report of an attempt that has ended counts as a new one",
    "core/task/decide-lease.ts",
    "  if (past?.digest === report.digest) return NOTHING;\n  if (past?.digest !== undefined) {",
    '  if (past?.digest !== undefined) return { events: [{ kind: "JobEnded", at: now, job: claimant.job, outcome: report.outcome, outputs: {} }] };\n  if (past?.digest !== undefined) {',
  ),
  one(
    "key-with-attempt",
    "the key of an effect contains the attempt, so the next attempt does not find what was done",
    "task-agent/runner-protocol/attempt-handlers.ts",
    "effectKey(ref.task, ref.job, step, effect, ordinal)",
    "effectKey(ref.task, `${ref.job}#${ref.attempt}`, step, effect, ordinal)",
  ),
  one(
    "place-before-deliveries",
    "the notify-agent commits its read position before the deliveries",
    "notify-agent/sources/feed-source.ts",
    '  const result = await deps.journal.append([\n    CURSOR.append("", { expected: version, events: [{ kind: "FeedRead", after: last }], state }),\n',
    '  await deps.journal.append([CURSOR.append("", { expected: version, events: [{ kind: "FeedRead", after: last }], state })]);\n  const result = await deps.journal.append([\n',
  ),
  one(
    "only-the-first-is-lost",
    "only the first lease of a dead process is given away",
    REGISTRATION,
    "      await leases.revoke(lease, `runner ${runner} registered again without this job`);",
    "      {\n        await leases.revoke(lease, `runner ${runner} registered again without this job`);\n        break;\n      }",
  ),
  one(
    "restart-expires-all",
    "after a restart every lease counts as expired",
    LEASE_TIMES,
    "        entry.renewedMs = now - (nowMs - (recovered.renewedMs[lease] ?? nowMs));",
    "        entry.renewedMs = recovered.renewedMs[lease] === -1 ? 0 : Number.NEGATIVE_INFINITY;",
  ),
  {
    name: "leases-by-the-wall-clock",
    why: "silence is measured by the wall clock",
    edits: [
      {
        file: LEASES,
        find: "    lease.renewedMs = this.#clock.monotonicMs();\n    lease.heardMs = lease.renewedMs;",
        replace: "    lease.renewedMs = this.#clock.nowMs();\n    lease.heardMs = lease.renewedMs;",
      },
      {
        file: LEASES,
        find: "      const now = this.#clock.monotonicMs();\n      if (!job.lease) this.entries.delete(id);",
        replace: "      const now = this.#clock.nowMs();\n      if (!job.lease) this.entries.delete(id);",
      },
      {
        file: "task-agent/leases/leases.ts",
        find: "    sweep: async () => {\n      const now = clock.monotonicMs();",
        replace: "    sweep: async () => {\n      const now = clock.nowMs();",
      },
    ],
  },
  one(
    "canceled-may-start",
    "a job of a canceled task is still claimed and started (Woodpecker #2875)",
    "core/task/settle.ts",
    'if (canceled && (one.phase === "pending" || one.phase === "ready" || one.phase === "held")) {',
    'if (canceled && (one.phase === "pending" || one.phase === "held")) {',
  ),
  one(
    "same-key-again",
    "a repeated request whose first answer was lost starts a second task",
    "task-agent/tasks/start-task.ts",
    "if (known) return cancelOlder(deps.tasks, known);",
    "",
  ),
  one(
    "registration-out-of-order",
    "a registration that arrives late takes running work away (seed 9)",
    "task-agent/dispatch/decide-register.ts",
    "(facts.registration ?? 0) <= (known.facts.registration ?? -1)",
    "facts.registration === -1",
  ),
  one(
    "permit-without-clock",
    "a process that was stopped uses a permit before its timers fire and show that it has expired (seed 112)",
    "task-runner/steps/effect.ts",
    "while (found === undefined && !isAhead(permit.until, clock));",
    "while (found === undefined && !isAhead(permit.until, clock) && permit.key === undefined);",
  ),
  one(
    "unanswered-is-forgotten",
    "jobs of a commit whose answer was lost are never offered (seed 265)",
    AGENT,
    "      await tasks.resolveUnanswered();\n",
    "",
  ),
  one(
    "turn-is-missed",
    "the next task of a group waits for one that has ended (seed 605)",
    AGENT,
    '  if (phase === "queued") void retries.run(`advancing task ${id}`, () => groups.advance(id));\n',
    "",
  ),
  one(
    "group-counts-nothing",
    "a task of a group starts beside as many others as may run",
    "task-agent/tasks/task-groups.ts",
    "return first === id && (await firstOf(journal, group, { queued: false, limit })).length < limit;",
    "return first === id;",
  ),
  one(
    "places-are-not-counted",
    "a job of a group gets a place although all are taken",
    "task-agent/concurrency/job-groups.ts",
    "const isFree = next !== undefined && holders.length < next.limit;",
    "const isFree = next !== undefined;",
  ),
  one(
    "messages-by-the-wall-clock",
    "a clock that is set back silences a channel for hours (seed 353)",
    "notify-agent/deliveries/channel-queue.ts",
    "const waitMs = Math.max(item.dueMs, state.pausedUntilMs) - clock.monotonicMs();",
    "const waitMs = Math.max(item.dueMs, state.pausedUntilMs) - clock.monotonicMs() + (Date.UTC(2026, 0, 5, 8) - clock.nowMs() + clock.monotonicMs());",
  ),
  one(
    "no-probe",
    "a change that an earlier attempt may have made is made again without a probe",
    "task-runner/steps/effect.ts",
    'permit.answer === "verify" ? await probe(permit.key) : undefined',
    "permit.answer === undefined ? await probe(permit) : undefined",
  ),
  one(
    "start-before-disk",
    "the work starts before the claim is on the runner's disk",
    "task-runner/attempts/attempt.ts",
    'await runner.disk.commit({ k: "claimed", ref, lease });',
    'runner.disk.note({ k: "claimed", ref, lease });',
  ),
  one(
    "clean-up-takes-all",
    "the clean-up of one attempt removes what others need (Woodpecker #5823)",
    "task-runner/attempts/attempt.ts",
    "await files.remove(folders.logs);",
    'await files.remove(folders.logs.replace(/[^/]+$/, "").replace(/.$/, ""));',
  ),
  one(
    "logs-of-the-dead",
    "a new process of a runner does not send the logs of the former one",
    "task-runner/attempts/recover.ts",
    "for (const { step, file } of logs) await delivery.logs.openComplete(step, file);",
    "for (const { step, file } of logs.slice(logs.length)) await delivery.logs.openComplete(step, file);",
  ),
  one(
    "claim-left-behind",
    "a claim that is being committed while a newer process registers stays with the dead process (seed 2643)",
    REGISTRATION,
    "  const session = sessions.open(request, asked);\n  await claims.settle(runner);\n",
    "  const session = sessions.open(request, asked);\n",
    960,
  ),
  one(
    "repeat-is-no-renewal",
    "a repeated claim is answered, but its lease still counts from the first claim (seed 15 of theme successor)",
    "task-agent/runner-protocol/claim-handlers.ts",
    "if (!(await renewClaimed(deps, request.ref, claimant)))",
    "if (task.state.jobs[request.ref.job]?.fence !== request.ref.fence)",
    4_500,
  ),
  one(
    "permits-without-end",
    "a lease that looks expired because the clock was set forward is not renewed, and permits are requested in a loop without a pause (seed 42)",
    "task-runner/attempts/permits.ts",
    "      await leases.renewed(ref, signal);\n",
    "",
  ),
  one(
    "place-before-publishing",
    "events count as published before the bus has them",
    RELAY,
    "    for (const batch of batchesOf(await encode(deps, page.events))) await deps.bus.publish(batch);\n    position = await savePosition(deps, { after: page.last, by: deps.relayId });\n",
    "    position = await savePosition(deps, { after: page.last, by: deps.relayId });\n    for (const batch of batchesOf(await encode(deps, page.events))) await deps.bus.publish(batch);\n",
  ),
  one(
    "unacknowledged-is-published",
    "a batch that was not acknowledged is dropped, and the next one is sent",
    RELAY,
    "await deps.bus.publish(batch);\n    position",
    "await deps.bus.publish(batch).catch(() => {});\n    position",
  ),
  one(
    "handled-without-record",
    "events count as read although their deliveries could not be committed",
    "notify-agent/sources/bus-source.ts",
    "        failed = true;\n        throw error;\n",
    "        failed = true;\n",
    1_684,
  ),
];
