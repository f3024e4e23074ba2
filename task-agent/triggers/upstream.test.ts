import assert from "node:assert/strict";
import { test } from "node:test";
import { LONG, SHORT, TriggersFixture, tick } from "./triggers.fixture.ts";

const ONCE = "triggers: [{ schedule: { once: 2026-03-01T12:00:00Z } }]\n";

function after(upstream: string, more = "", jobs = SHORT): string {
  return `triggers:\n  - upstream: { pipeline: ${upstream}${more === "" ? "" : `, ${more}`} }\n${jobs}`;
}

test("A11, C9: the end of CI starts CD of the same app once, with two agents, and shows what started it", async (t) => {
  const fixture = await TriggersFixture.open(t, {
    ci: `action: ci\napps: [orders]\n${ONCE}outputs: { image: 'app:1' }\n${SHORT}`,
    cd: `action: cd\napps: [orders]\nparams: { image: { type: string, default: none } }\n${after("ci").replace(
      "pipeline: ci }",
      'pipeline: ci }\n    params: { image: "${{ trigger.outputs.image }}" }',
    )}`,
    failed: `apps: [orders]\n${after("ci", "outcomes: [failed]")}`,
  });
  fixture.setTime("2026-03-01T11:59:59Z");
  const agents = [await fixture.start(), await fixture.start()] as const;
  await fixture.addApp("orders");
  await fixture.addApp("payments");
  await tick(...agents);
  for (let seconds = 0; seconds < 5; seconds += 1) {
    await fixture.clock.pass(1_000);
    await tick(...agents);
  }
  const started = await fixture.started();
  assert.deepEqual(
    started.map(({ pipeline }) => pipeline),
    ["ci", "cd"],
  );
  const [ci, cd] = started;
  assert.deepEqual(
    [cd?.trigger.kind, cd?.trigger.task, cd?.trigger.outcome, cd?.trigger.depth],
    ["upstream", ci?.id, "succeeded", 1],
  );
  const state = (await agents[0].tasks.read(cd?.id ?? ""))?.state;
  assert.deepEqual([state?.app, state?.params, state?.requestedBy], ["orders", { image: "app:1" }, "trigger:upstream"]);
  assert.equal(state?.causedBy, undefined, "nobody has asked for it");
  const asked = await agents[0].triggers.run("orders:ci:schedule-1", { principal: "lee", idempotencyKey: "again" });
  await tick(...agents);
  const followed = (await fixture.started()).at(-1);
  assert.deepEqual([followed?.pipeline, followed?.trigger.task], ["cd", asked.state.id]);
  assert.deepEqual((await agents[0].tasks.read(followed?.id ?? ""))?.state.causedBy, ["lee"], "it is lee's own change");
  const triggers = await agents[1].triggers.list({ apps: ["orders"] });
  assert.deepEqual(
    triggers.map(({ id, text, last }) => [id, text, last?.task]),
    [
      ["orders:cd:upstream-1", "end of ci (succeeded)", followed?.id],
      ["orders:ci:schedule-1", "once at 2026-03-01 12:00 UTC", ci?.id],
      ["orders:failed:upstream-1", "end of ci (failed)", undefined],
    ],
  );
});

test("C9: an agent that is killed after the end of a task starts what follows when it is back", async (t) => {
  const fixture = await TriggersFixture.open(t, {
    first: `app: none\n${ONCE}${SHORT}`,
    second: `app: none\n${after("first")}`,
  });
  fixture.setTime("2026-03-01T11:59:59Z");
  await tick(await fixture.start());
  await fixture.clock.pass(2_000);
  let isDead = false;
  const dying = await fixture.start((journal) => ({
    ...journal,
    append: async (batch, options) => {
      if (isDead) throw new Error("the process was killed");
      const answer = await journal.append(batch, options);
      isDead = batch.some(({ events }) => events.some(({ kind }) => kind === "TaskEnded"));
      return answer;
    },
  }));
  await tick(dying).catch(() => {});
  assert.deepEqual(
    (await fixture.started()).map(({ pipeline }) => pipeline),
    ["first"],
  );
  const back = await fixture.start();
  await tick(back);
  await tick(back);
  assert.deepEqual(
    (await fixture.started()).map(({ pipeline }) => pipeline),
    ["first", "second"],
  );
});

test("a chain of upstream triggers ends after ten, with the reason", async (t) => {
  const names = Array.from({ length: 13 }, (_, at) => `p${at}`);
  const fixture = await TriggersFixture.open(
    t,
    Object.fromEntries(
      names.map((name, at) => [name, `app: none\n${at === 0 ? `${ONCE}${SHORT}` : after(`p${at - 1}`)}`]),
    ),
  );
  fixture.setTime("2026-03-01T11:59:59Z");
  const agent = await fixture.start();
  await tick(agent);
  await fixture.clock.pass(2_000);
  for (let seconds = 0; seconds < 20; seconds += 1) await tick(agent);
  assert.deepEqual(
    (await fixture.started()).map(({ pipeline }) => pipeline),
    names.slice(0, 11),
  );
  const stopped = await agent.triggers.view("_:p11:upstream-1");
  assert.equal(stopped.last?.nothing, "10 pipelines have started each other already.");
});

test("pipelines that start each other are refused as a set, with line and column, and the good set stays", async (t) => {
  const fixture = await TriggersFixture.open(t, { a: `app: none\n${LONG}`, b: `app: none\n${after("a")}` });
  const agent = await fixture.start();
  await fixture.write({ a: `app: none\n${after("b")}` });
  await tick(agent);
  await tick(agent);
  assert.deepEqual(
    agent.definitions
      .refused()
      ?.problems.map(({ file, line, column, detail }) => [`${file}:${line}:${column}`, detail]),
    [
      ["a.yaml:4:27", "pipelines start each other without end: a → b → a"],
      ["b.yaml:4:27", "pipelines start each other without end: b → a → b"],
    ],
  );
  assert.deepEqual(
    (await agent.triggers.list({})).map(({ id }) => id),
    ["_:b:upstream-1"],
  );
});
