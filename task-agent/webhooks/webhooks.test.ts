// Deliveries at the task-agent: each counts once, in order, and what it starts is started once, whatever crashes.

import assert from "node:assert/strict";
import { hash, randomUUID } from "node:crypto";
import { test } from "node:test";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import type { GantryError } from "@gantry/core/errors.ts";
import { GATE, IMAGE, PULL_REQUESTS, PUSHES, type Pushed, rawOf } from "@gantry/core/webhook/payloads.fixture.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { newMemoryStore, openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import type { ReceiveDelivery, WebhookDelivery } from "@gantry/wire/agent/triggers/webhooks.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { openDeliveries } from "./deliveries.ts";
import { openWebhooks } from "./open-webhooks.ts";
import { sweepDeliveries } from "./remove-old-deliveries.ts";
import { Bench, CI, logger, TOKEN } from "./webhooks.fixture.ts";

const silent = (): void => {};

const commitOf = (n: number): string => `f${n.toString(16).padStart(39, "0")}`;
const github = (pushed?: Pushed) => rawOf(PUSHES.github(pushed));
const why = ({ reason, results }: WebhookDelivery): string =>
  reason ?? results.map((one) => one.reason ?? one.task).join("; ");

test("a push, a tag and a pull request start the pipelines that have a trigger for them", async (t) => {
  const bench = await Bench.open(t);
  const pushed = await bench.receive(github());
  assert.deepEqual([pushed.state, pushed.apps, pushed.repository], ["started", ["orders"], "apps/orders"]);
  assert.equal(pushed.summary, "kim pushed 2222222 to main");
  await bench.receive(github({ ref: "refs/tags/v1", before: null, commit: commitOf(1) }));
  await bench.receive(rawOf(PULL_REQUESTS.github()), {});
  const tasks = await bench.tasks();
  assert.deepEqual(
    tasks.map(({ ref, by }) => `${by} ${String(ref).slice(0, 7)}`),
    ["trigger:push 2222222", "trigger:tag v1", "trigger:pull_request 2222222"],
  );
  assert.equal(pushed.results[0]?.task, tasks[0]?.id);
});

test("what starts nothing says why", async (t) => {
  const bench = await Bench.open(t);
  const nothing = async (raw: ReturnType<typeof rawOf>, more: Partial<ReceiveDelivery> = {}): Promise<string> => {
    const one = await bench.receive(raw, more);
    assert.equal(one.state, "nothing");
    return why(one);
  };
  assert.equal(
    await nothing(github({ ref: "refs/heads/fix" })),
    "The branch fix is not one of the trigger: main, release/*.",
  );
  assert.match(await nothing(github({ paths: ["docs/a"] })), /None of the changed files/);
  assert.match(await nothing(github({ message: "x [skip ci]" })), /says \[skip ci\]/);
  assert.match(await nothing(github({ email: "gantry@noreply.invalid" })), /^Gantry itself has made/);
  assert.equal(await nothing(github({ commit: null })), "The branch main was deleted.");
  assert.match(
    await nothing(rawOf(PULL_REQUESTS.github("stranger"))),
    /^The pull request comes from stranger\/orders\./,
  );
  assert.equal(await nothing(github({ slug: "shop" })), "No app has this repository as its source.");
  assert.equal(await nothing(github(), { system: "another" }), "No app has this repository as its source.");
  assert.match(await nothing(rawOf(GATE), { host: "sonarqube" }), /quality gates/);
  assert.equal(await nothing({ headers: {}, body: "nonsense" }), "Its body is not JSON.");
  const old = { ...PUSHES["bitbucket-dc"]().body, date: "2020-01-01T00:00:00+0000" };
  assert.match(
    await nothing(
      { headers: { "x-event-key": "repo:refs_changed" }, body: JSON.stringify(old) },
      { host: "bitbucket-dc" },
    ),
    /more than a day before it came/,
  );
  assert.deepEqual(await bench.tasks(), []);
});

test("in a repository of several apps the folder counts, and an unknown list of files counts for all", async (t) => {
  const bench = await Bench.open(t, { "ci.yaml": CI.replace(', paths: ["src/**"]', "") });
  const shop = { system: "bitbucket", project: "apps", slug: "mono", folder: "shop" };
  const yaml = { system: "bitbucket", project: "apps", slug: "mono-deploy" };
  const target = { name: "seoul", site: "seoul", cluster: "seoul-dp" };
  await bench.adopt("shop", appInput({ source: shop, yaml, targets: [{ ...target, overlay: "shop" }] }));
  const cart = {
    source: { ...shop, folder: "cart" },
    yaml,
    targets: [{ ...target, overlay: "cart", namespace: "cart" }],
  };
  await bench.adopt("cart", appInput(cart));
  const one = await bench.receive(github({ slug: "mono", paths: ["cart/a"] }));
  assert.deepEqual(one.apps, ["cart", "shop"]);
  assert.deepEqual(
    one.results.map(({ app, task, reason }) => `${app} ${task ? "started" : reason}`),
    ["cart started", "shop Nothing in the folder of the app has changed in main."],
  );
  const dc = PUSHES["bitbucket-dc"]({ slug: "mono", project: "apps" });
  const body = JSON.stringify({ ...dc.body, date: new Date().toISOString() });
  const unknown = await bench.receive({ headers: dc.headers, body }, { host: "bitbucket-dc" });
  assert.ok(
    unknown.results.every(({ task, reason }) => task && reason?.includes("all count as changed")),
    why(unknown),
  );
});

test("a delivery that was received and not decided when the agent was killed is decided after the restart, once", async (t) => {
  const bench = await Bench.open(t);
  await bench.close();
  // As an agent does that is killed after it has answered.
  const { openAgentJournal } = await import("../store/open-journal.ts");
  const { agentConfig } = await import("../config.ts");
  const config = agentConfig.parse({ data: bench.data, portalUrl: "http://portal", token: TOKEN, runnerTokens: {} });
  const { systemClock } = await import("@gantry/runtime/clock.ts");
  const { openAlarms } = await import("../alarms.ts");
  const alarms = openAlarms(logger, systemClock);
  const { journal } = await openAgentJournal(config, { clock: systemClock, logger, alarms });
  const deliveries = openDeliveries({ journal, newId: randomUUID, admit: silent, onReceived: silent });
  const { id } = await deliveries.receive(bench.delivery(github()));
  await journal.close();
  for (let restart = 0; restart < 2; restart += 1) {
    await bench.begin();
    assert.equal((await bench.decided(id)).state, "started");
    assert.equal((await bench.tasks()).length, 1);
    await bench.close();
  }
  await bench.begin();
});

test("pushes in a burst are decided in the order in which they were accepted, and none is lost", {
  timeout: 300_000,
}, async (t) => {
  const bench = await Bench.open(t);
  const accepted: string[] = [];
  let next = 0;
  const send = async (): Promise<void> => {
    while (next < BURST) {
      next += 1;
      accepted.push((await bench.client.receiveDelivery(bench.delivery(github({ commit: commitOf(next) })))).id);
    }
  };
  await Promise.all(Array.from({ length: 8 }, send));
  for (const id of accepted) await bench.decided(id);
  const tasks = await bench.tasks();
  assert.equal(tasks.length, BURST);
  assert.equal(new Set(tasks.map(({ ref }) => ref)).size, BURST);
  const listed: WebhookDelivery[] = [];
  for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
    const page = await bench.client.deliveries({ limit: 200, ...(cursor === undefined ? {} : { cursor }) });
    listed.push(...page.items);
    cursor = page.nextCursor;
  }
  const started = listed.toReversed().flatMap(({ results }) => results.map(({ task }) => task));
  assert.deepEqual(
    started,
    tasks.map(({ id }) => id).toSorted((a, b) => started.indexOf(a) - started.indexOf(b)),
  );
  const times = started.map((id) => String(id).slice(0, 10));
  assert.deepEqual(times, times.toSorted(), "tasks were requested in the order of their deliveries");
});
/** Fewer on a developer's machine. */
const BURST = process.env.GANTRY_FULL_RUNS ? 1_000 : 60;

test("a delivery that is delivered again is a new one, and says so", async (t) => {
  const bench = await Bench.open(t, { "ci.yaml": CI.replace("site: seoul,", "site: seoul, approval: Go?,") });
  const first = await bench.receive(github());
  const again = await bench.decided((await bench.client.redeliver(first.id, "kim")).id);
  assert.deepEqual([again.redeliveryOf, again.redeliveredBy, again.state], [first.id, "kim", "started"]);
  assert.notEqual(again.results[0]?.task, first.results[0]?.task);
  const asked = (await bench.client.approvals({ limit: 10 })).items;
  assert.deepEqual(
    Object.fromEntries(asked.map(({ task, requestedBy, causedBy }) => [task, [requestedBy, causedBy]])),
    {
      [String(first.results[0]?.task)]: ["trigger:push", undefined],
      [String(again.results[0]?.task)]: ["trigger:push", ["kim"]],
    },
  );
  const [{ task = "", plan = "" } = {}] = asked.filter(({ causedBy }) => causedBy !== undefined);
  const own = { principal: "kim", answer: "approve" as const, plan };
  await assert.rejects(bench.client.answerApproval(task, "build", own), { code: "not-asked" }, "kim has requested it");
  const listed = await bench.client.deliveries({ apps: ["orders"], state: "started", source: "git" });
  assert.deepEqual(
    listed.items.map(({ id }) => id),
    [again.id, first.id],
  );
  assert.deepEqual((await bench.client.deliveries({ apps: ["shop"] })).items, []);
  assert.deepEqual((await bench.client.deliveries({ state: "nothing" })).items, []);
  await assert.rejects(bench.client.redeliver("w0000000000000000000", "kim"), /no delivery/i);
});

test("a delivery that is delivered again starts nothing for an app that was added later", async (t) => {
  const bench = await Bench.open(t);
  const first = await bench.receive(github());
  const unknown = await bench.receive(github({ slug: "shop" }));
  const [late, shop] = ["orders", "shop"].map((slug) =>
    appInput({ source: { system: "bitbucket", project: "apps", slug } }),
  );
  const named = (name: string) => ({
    images: [{ name, repository: `apps/${name}` }],
    namespace: name,
    targets: [{ name: "seoul", site: "seoul", cluster: "seoul-dp", overlay: `overlays/${name}` }],
  });
  await bench.adopt("late", { ...late, ...named("late") } as never);
  await bench.adopt("shop", { ...shop, ...named("shop") } as never);
  const again = await bench.decided((await bench.client.redeliver(first.id, "kim")).id);
  assert.deepEqual([again.apps, again.results.map(({ app }) => app)], [["orders"], ["orders"]]);
  const third = await bench.decided((await bench.client.redeliver(again.id, "kim")).id);
  assert.deepEqual(third.apps, ["orders"], "nor by delivering the second one again");
  // One that was about no app needs a right on everything, and is for the apps of now.
  const found = await bench.decided((await bench.client.redeliver(unknown.id, "ada")).id);
  assert.deepEqual(found.apps, ["shop"]);
  // A push of now is about both.
  assert.deepEqual((await bench.receive(github({ commit: commitOf(7) }))).apps, ["late", "orders"]);
});

test("whoever has the secret of a webhook fills the store only so fast, and an alarm says so", async (t) => {
  const alarms: object[] = [];
  const limits = { deliveriesPerMinute: 5, deliveryBytesPerMinute: 1_048_576 };
  const bench = await Bench.open(t, { "ci.yaml": CI }, { limits, onError: (fields) => alarms.push(fields) });
  const one = bench.delivery(github());
  const first = await bench.client.receiveDelivery(one);
  const large = { headers: {}, body: JSON.stringify("x".repeat(1_048_000)) };
  await assert.rejects(
    bench.client.receiveDelivery(bench.delivery(large)),
    { code: "limit-reached" },
    "too many bytes",
  );
  for (let n = 2; n <= 5; n += 1) await bench.client.receiveDelivery(bench.delivery(github({ commit: commitOf(n) })));
  await assert.rejects(bench.client.receiveDelivery(bench.delivery(github())), (error: GantryError) => {
    assert.match(error.message, /webhook git has reached the limit of 5 deliveries in a minute/);
    return error.code === "limit-reached";
  });
  assert.ok(alarms.some((fields) => "alarm" in fields && fields.alarm === "deliveries-limited"));
  assert.equal((await bench.client.deliveries({ limit: 100 })).items.length, 5, "nothing more is kept");
  assert.deepEqual(await bench.client.receiveDelivery(one), { id: first.id, isNew: false }, "a copy is answered");
  const other = bench.delivery(github(), { source: "another" });
  assert.equal((await bench.client.receiveDelivery(other)).isNew, true, "other webhooks are not held up");
  for (let n = 0; n < 5; n += 1) await bench.client.redeliver(first.id, "kim");
  await assert.rejects(bench.client.redeliver(first.id, "kim"), { code: "limit-reached" }, "each one is kept, too");
});

test("an image of an app starts what has a trigger for its tag", async (t) => {
  const scan = CI.replace("name: ci", "name: scan").replace(
    / {2}- push[\s\S]*(?=jobs:)/,
    '  - image: { tags: ["1.*"] }\n',
  );
  const bench = await Bench.open(t, { "ci.yaml": CI, "scan.yaml": scan });
  const { body } = IMAGE;
  const now = { headers: {}, body: JSON.stringify({ ...body, occur_at: Math.floor(Date.now() / 1_000) }) };
  const one = await bench.receive(now, { source: "harbor", host: "harbor" });
  assert.deepEqual([one.apps, one.repository, one.state], [["orders"], "apps/orders", "started"]);
  const [task] = (await bench.client.tasks({ limit: 1 })).items;
  assert.deepEqual([task?.pipeline, task?.id], ["scan", one.results[0]?.task]);
  const other = JSON.stringify(body).replace("1.2.3", "2.0");
  const two = await bench.receive({ headers: {}, body: other }, { source: "harbor", host: "harbor" });
  assert.match(why(two), /more than a day|The tag 2.0 is not one of the trigger/);
});

/** Two agents on one store, whose decisions are counted. */
function openTwo(): {
  readonly journals: readonly Journal[];
  readonly clock: SteppedClock;
  readonly started: string[];
} {
  const store = newMemoryStore();
  const clock = new SteppedClock();
  const journals = [1, 2].map(() => openMemoryJournal({ indexes: AGENT_INDEXES, clock, store }));
  return { journals, clock, started: [] };
}

test("two agents accept a copy once, also when both arrive at the same time", async () => {
  const { journals } = openTwo();
  const agents = journals.map((journal) =>
    openDeliveries({ journal, newId: randomUUID, admit: silent, onReceived: silent }),
  );
  const received: ReceiveDelivery = {
    ...{ source: "git", host: "github", ...rawOf(PUSHES.github()), headers: {} },
    keys: [hash("sha256", "id"), hash("sha256", "body")],
  };
  const answers = await Promise.all([0, 1, 0, 1].map((n) => agents[n]?.receive(received)));
  assert.equal(new Set(answers.map((one) => one?.id)).size, 1);
  assert.equal(answers.filter((one) => one?.isNew).length, 1);
  const other = await agents[0]?.receive({ ...received, keys: [hash("sha256", "another id"), hash("sha256", "body")] });
  assert.equal(other?.isNew, false, "the same body under another id");
});

test("a store that fails while it is decided changes nothing but the time", async () => {
  const { journals, started } = openTwo();
  const [journal] = journals;
  assert.ok(journal);
  let failures = 2;
  const failing: Journal = {
    ...journal,
    append: async (batch, options) => {
      const isDecision = batch.some(({ events }) => events.some((one) => one.kind === "DeliveryDecided"));
      if (isDecision && failures > 0) {
        failures -= 1;
        throw new Error("the store is gone");
      }
      return journal.append(batch, options);
    },
  };
  const errors: unknown[] = [];
  const webhooks = await openWebhooks({
    ...{ journal: failing, newId: randomUUID, admit: silent, onError: (error) => errors.push(error) },
    start: async (delivery) => {
      started.push(delivery.id);
      return [];
    },
  });
  const { deliveries } = webhooks;
  const { id } = await deliveries.receive({
    source: "git",
    host: "github",
    headers: {},
    body: "{}",
    keys: [hash("sha256", "1")],
  });
  while ((await deliveries.read(id)).decision === undefined) webhooks.wake();
  await webhooks.close();
  assert.equal(errors.length, 2);
});

test("old deliveries are removed with their bodies and keys, and then a copy counts again", async () => {
  const { journals, clock } = openTwo();
  const [journal] = journals;
  assert.ok(journal);
  const webhooks = await openWebhooks({
    journal,
    newId: randomUUID,
    admit: silent,
    onError: assert.fail,
    start: async () => [],
  });
  const { deliveries } = webhooks;
  const received = { source: "git", host: "github" as const, headers: {}, body: "{}", keys: [hash("sha256", "1")] };
  const { id } = await deliveries.receive(received);
  while ((await deliveries.read(id)).decision === undefined) webhooks.wake();
  const sweep = (days: number): Promise<number> =>
    sweepDeliveries(journal, days, { nowMs: clock.nowMs(), rest: async () => {}, isStopping: () => false });
  await clock.pass(29 * 86_400_000);
  assert.equal(await sweep(30), 0);
  assert.equal((await deliveries.receive(received)).isNew, false);
  await clock.pass(2 * 86_400_000);
  assert.equal(await sweep(30), 1);
  assert.deepEqual((await deliveries.list({ limit: 10 })).items, []);
  assert.equal((await deliveries.receive(received)).isNew, true);
  await webhooks.close();
});
