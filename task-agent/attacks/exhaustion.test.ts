// What one token can fill is limited, and a refused request leaves nothing behind.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crc32 } from "node:zlib";
import { cpuMsOf } from "@gantry/lab/cpu-time.ts";
import { pause, systemClock } from "@gantry/runtime/clock.ts";
import type { StartTask } from "@gantry/wire/agent/agent-api.ts";
import { AttackBench, needs, registration, SETUPS, type Site } from "./attack.fixture.ts";

const TOO_LARGE = [413, "body-too-large"];
const NO_STEP = [404, "not-found"];
const FULL = [429, "limit-reached"];

for (const setup of SETUPS)
  describe(`one token floods the agent, ${setup}`, needs(setup), () => {
    test("names of runners: so many for each site, also when many come at once; other sites are not pushed out", async (t) => {
      const bench = await AttackBench.open(t, setup, { limits: { runnersPerSite: 5 } });
      const { runner, job } = await bench.victim();
      await bench.turnToAttack();
      const names = Array.from({ length: 40 }, (_, at) => `busan-${at}`);
      const answers = await Promise.all(names.map((name) => bench.call("session", registration({ runner: name }))));
      const refused = answers.filter(({ status }) => status !== 200);
      assert.equal(answers.length - refused.length, 5);
      for (const { status, code, retryAfter } of refused)
        assert.deepEqual([status, code, Number(retryAfter) > 0], [...FULL, true]);
      await bench.unchanged(async () => {
        const { status, code } = await bench.call("session", registration({ runner: "one-more" }));
        assert.deepEqual([status, code], FULL);
      });
      const { items } = await bench.client.runners();
      assert.deepEqual(
        items.filter(({ site }) => site === "seoul").map(({ name }) => name),
        ["seoul-1"],
      );
      assert.equal(items.filter(({ site }) => site === "busan").length, 5);
      await bench.attacker(items.find(({ site }) => site === "busan")?.name ?? "");
      await bench.signIn("seoul", "seoul-2");
      if (setup !== "one agent after a restart") await runner.report(job.ref);
    });

    test("what a runner says about itself", async (t) => {
      const bench = await AttackBench.open(t, setup);
      await bench.turnToAttack();
      const long = "x".repeat(100_000);
      const host = { name: "test", platform: "test", cpus: 1, memoryMb: 1 };
      const system = { name: "nexus", kind: "nexus", url: "http://nexus", standIn: false };
      await bench.unchanged(async () => {
        for (const part of [
          { host: { ...host, name: long } },
          { host: { ...host, platform: long } },
          { systems: [{ ...system, url: long }] },
          { systems: Array.from({ length: 200 }, () => ({ ...system, name: "x".repeat(1_000) })) },
        ]) {
          const { status, code } = await bench.call("session", registration(part));
          assert.deepEqual([status, code], TOO_LARGE);
        }
      });
    });

    test("effects, progress and logs of steps that the job does not have", async (t) => {
      const bench = await AttackBench.open(t, setup);
      await bench.turnToAttack();
      const { session, ref } = await attackerAtWork(bench);
      await bench.unchanged(async () => {
        for (const step of ["none", "make/../test", ".."]) {
          const effect = { session, ref, step, effect: "push", ordinal: 0, what: "an image" };
          const events = [{ kind: "step-started", step }];
          const bytes = Buffer.from("x");
          for (const { status, code } of [
            await bench.call("effect/begin", effect),
            await bench.call("progress", { session, ref, from: 1, events }),
            await bench.log(session, ref, step, bytes, crc32(bytes)),
          ])
            assert.deepEqual([status, code], NO_STEP);
        }
      });
    });

    test("effects, outputs and progress of one's own job", async (t) => {
      const limits = { effects: 3, effectBytes: 100, outputs: 5, outputBytes: 1_000, progress: 4 };
      const bench = await AttackBench.open(t, setup, { limits });
      await bench.turnToAttack();
      const { session, ref } = await attackerAtWork(bench);
      const about = { session, ref };
      const begin = (ordinal: number) =>
        bench.call("effect/begin", { ...about, step: "make", effect: "push", ordinal, what: "an image" });
      const { key } = (await begin(0)).body;
      for (const ordinal of [1, 2]) assert.equal((await begin(ordinal)).status, 200);
      const ended = { kind: "step-ended", step: "make", outcome: "succeeded", durationMs: 1 };
      const progress = (from: number, outputs: object) =>
        bench.call("progress", { ...about, from, events: [{ ...ended, outputs }] });
      const many = Object.fromEntries(Array.from({ length: 6 }, (_, at) => [`name-${at}`, "x"]));
      const large = { text: "x".repeat(1_000) };
      const half = { text: "x".repeat(600) };
      await bench.unchanged(async () => {
        for (const { status, code } of [
          await begin(3),
          await bench.call("effect/end", { ...about, key, result: large }),
          await progress(1, many),
          await progress(1, large),
          await bench.call("report", { ...about, outcome: "succeeded", outputs: many, progress: 0 }),
          await bench.call("report", { ...about, outcome: "succeeded", outputs: large, progress: 0 }),
        ])
          assert.deepEqual([status, code], TOO_LARGE);
      });
      assert.equal((await progress(1, half)).status, 200);
      const waiting = { kind: "step-waiting", step: "test", reason: "no reason", retryAfterMs: 1 };
      const wait = (from: number, times: number) =>
        bench.call("progress", { ...about, from, events: Array.from({ length: times }, () => waiting) });
      assert.equal((await wait(2, 3)).status, 200);
      await bench.unchanged(async () => {
        const report = { ...about, outcome: "succeeded", outputs: half, progress: 4 };
        for (const { status, code } of [await wait(5, 1), await bench.call("report", report)])
          assert.deepEqual([status, code], TOO_LARGE);
      });
      const report = { ...about, outcome: "succeeded", outputs: {}, progress: 4 };
      assert.equal((await bench.call("report", report)).status, 200);
    });

    test("the same small things again and again", async (t) => {
      const bench = await AttackBench.open(t, setup, { limits: { attemptBytes: 20_000 } });
      await bench.turnToAttack();
      const { session, ref } = await attackerAtWork(bench);
      const about = { session, ref };
      const ended = { kind: "step-ended", step: "make", outcome: "succeeded", durationMs: 1 };
      const told = (n: number) => ({
        items: [{ ref, told: { step: "make", done: n, total: 100, text: "x".repeat(90) } }],
      });
      const again: Readonly<Record<string, (n: number) => ReturnType<typeof bench.call>>> = {
        ends: (n) =>
          bench.call("progress", { ...about, from: n, events: [{ ...ended, outputs: { text: "x".repeat(3_000) } }] }),
        effects: () =>
          bench.call("effect/begin", { ...about, step: "make", effect: "push", ordinal: 0, what: "x".repeat(500) }),
      };
      for (const [what, send] of Object.entries(again)) {
        let answer = await send(1);
        let times = 1;
        for (; answer.status === 200 && times < 100; times += 1) answer = await send(times + 1);
        assert.deepEqual([answer.status, answer.code], TOO_LARGE, what);
        await bench.unchanged(async () => void (await send(times)));
      }
      await bench.unchanged(async () => {
        for (let n = 1; n <= 50; n += 1) await bench.call("heartbeat", { session, ...told(n) });
      });
    });

    test("the logs of one's own job", async (t) => {
      const bench = await AttackBench.open(t, setup, { limits: { stepLogBytes: 100, attemptLogBytes: 150 } });
      await bench.turnToAttack();
      const { session, ref } = await attackerAtWork(bench);
      const send = (step: string, size: number) => {
        const bytes = Buffer.alloc(size, "x");
        return bench.log(session, ref, step, bytes, crc32(bytes));
      };
      assert.deepEqual((await send("make", 101)).status, 413);
      assert.equal((await send("make", 100)).status, 202);
      await bench.unchanged(async () => assert.deepEqual((await send("test", 51)).code, "body-too-large"));
      assert.equal((await send("test", 50)).status, 202);
      assert.equal((await send("test", 50)).status, 202, "a repeat");
    });

    test("parameters of a task: their size, and how many targets they name", async (t) => {
      const bench = await AttackBench.open(t, setup);
      const { job } = await bench.victim();
      await bench.turnToAttack();
      const targets = (count: number) => Array.from({ length: count }, (_, at) => `busan/c${at}`);
      const tooMuch: StartTask["params"][] = [
        { targets: targets(20_000) },
        { targets: targets(257) },
        { text: "x".repeat(66_000) },
      ];
      const cpuMs = await cpuMsOf(() =>
        bench.unchanged(async () => {
          for (const params of tooMuch)
            await assert.rejects(bench.request("busan", params), { code: "body-too-large" });
        }),
      );
      assert.ok(cpuMs < 2_000, `${cpuMs} ms`);
      await bench.request("busan", { targets: targets(256), text: "x".repeat(50_000) });
      assert.equal((await bench.client.task(job.ref.task)).state, "running");
    });

    test("a long list of files in deep folders keeps the agent busy for a moment only", async (t) => {
      const bench = await AttackBench.open(t, setup);
      await bench.turnToAttack();
      const { session, ref } = await attackerAtWork(bench);
      const folder = Array.from({ length: 350 }, () => "a").join("/");
      const digest = `sha256:${"0".repeat(64)}`;
      const files = Array.from({ length: 5_000 }, (_, at) => ({ path: `${folder}/f${at}`, digest, size: 1 }));
      const save = (more: object) =>
        bench.call("artifacts/save", { session, ref, name: "dist", keepMs: 60_000, files, ...more });
      let answer = await save({ files: [] });
      assert.equal(answer.status, 400);
      const cpuMs = await cpuMsOf(async () => {
        answer = await save({});
      });
      assert.equal(answer.code, "unavailable", "the list is good, and this agent has no store");
      assert.ok(cpuMs < 2_000, `${cpuMs} ms`);
      const both = [...files.slice(1), { path: `${folder}/f7/more`, digest, size: 1 }];
      assert.equal((await save({ files: both })).status, 400, "a file is also a folder");
    });

    test("requests", async (t) => {
      const bench = await AttackBench.open(t, setup, { limits: { requestsPerSecond: 10 } });
      await bench.turnToAttack();
      const { session } = await bench.attacker("busan-1");
      const answers = [];
      for (let at = 0; at < 60; at += 1) answers.push(bench.call("heartbeat", { session, items: [] }));
      const refused = (await Promise.all(answers)).filter(({ code }) => code === "limit-reached");
      assert.ok(refused.length > 0);
      assert.deepEqual([refused[0]?.status, refused[0]?.retryAfter], [429, "1"]);
      await bench.signIn("seoul", "seoul-1");
    });

    test("a few heavy requests count as many", async (t) => {
      const bench = await AttackBench.open(t, setup, { limits: { requestsPerSecond: 500 } });
      await bench.turnToAttack();
      const { session } = await bench.attacker("busan-1");
      const ref = (at: number) => ({ ref: { task: `t${at}`, job: "work", attempt: 1, fence: 1 } });
      const heartbeat = { session, items: Array.from({ length: 900 }, (_, at) => ref(at)) };
      const large = { session, items: [], padding: "x".repeat(900_000) };
      for (const request of [heartbeat, large]) {
        const answers = await Promise.all(Array.from({ length: 8 }, () => bench.call("heartbeat", request)));
        const taken = answers.filter(({ status }) => status === 200);
        const refused = answers.filter(({ code }) => code === "limit-reached");
        assert.ok(taken.length <= 4 && taken.length + refused.length === 8, JSON.stringify(answers));
      }
      await bench.signIn("seoul", "seoul-1");
    });

    test("requests of many tokens together", async (t) => {
      const bench = await AttackBench.open(t, setup, { limits: { allRequestsPerSecond: 5 } });
      await bench.turnToAttack();
      const heartbeat = { session: "made-up", items: [] };
      const floods = (["busan", "seoul"] as const).flatMap((site) =>
        Array.from({ length: 55 }, () => bench.callAs(site, "heartbeat", heartbeat)),
      );
      const refused = (await Promise.all(floods)).filter(({ code }) => code === "limit-reached");
      assert.ok(refused.length > 0);
      for (const { status, body } of refused)
        assert.deepEqual(
          [status, body.title],
          [429, "The task-agent has reached the limit of 5 requests in a second."],
        );
    });

    test("requests whose bodies never end", async (t) => {
      const bench = await AttackBench.open(t, setup, { limits: { openRequests: 8, allOpenRequests: 12 } });
      await bench.turnToAttack();
      const heartbeat = { session: "made-up", items: [] };
      const isTaken = async (site: Site) => (await bench.callAs(site, "heartbeat", heartbeat)).status !== 429;
      const busan = await bench.slowBodies(20, "heartbeat", { refused: 12, site: "busan" });
      assert.deepEqual([await isTaken("busan"), await isTaken("seoul")], [false, true]);
      const seoul = await bench.slowBodies(8, "heartbeat", { refused: 4, site: "seoul" });
      assert.equal(await isTaken("seoul"), false);
      busan();
      for (const site of ["busan", "seoul"] as const) await until(() => isTaken(site));
      seoul();
    });

    test("bodies that never end, by their length", async (t) => {
      const MIB = 1_048_576;
      const limits = { openBodyBytes: 4 * MIB, allOpenBodyBytes: 6 * MIB };
      const bench = await AttackBench.open(t, setup, { limits });
      await bench.turnToAttack();
      const end = await bench.slowBodies(9, "heartbeat", { refused: 5, site: "busan", length: MIB });
      const chunked = await bench.slowBodies(2, "heartbeat", { refused: 1, site: "seoul", length: "chunked" });
      end();
      chunked();
    });

    test("bodies that never end, of callers without a token", async (t) => {
      const bench = await AttackBench.open(t, setup);
      await bench.turnToAttack();
      const end = await bench.slowBodies(250, "challenge", { refused: 50 });
      assert.equal((await bench.callFrom("127.0.0.2", "challenge", { runner: "seoul-7" })).status, 200);
      end();
      await until(async () => (await bench.call("challenge", { runner: "busan-7" })).status === 200);
      const large = await bench.call("challenge", { runner: "busan-7", padding: "x".repeat(20_000) });
      assert.deepEqual([large.status, large.code], TOO_LARGE);
    });
  });

/** Polls: the server sees the end of a connection a moment later. */
async function until(check: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 60_000; !(await check()); await pause(systemClock, 20))
    assert.ok(performance.now() < end, "waited for a minute");
}

async function attackerAtWork(bench: AttackBench) {
  await bench.request("busan");
  const runner = await bench.attacker("busan-1");
  const { ref } = await runner.takeJob();
  await runner.start(ref);
  return { session: runner.session, ref };
}
