// An enrolled runner is whoever has its key: not who has its name, a site's token, or a used one-time token.

import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { describe, test } from "node:test";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { fingerprintOf, signedText } from "@gantry/wire/runner/identity.ts";
import { keyFingerprint, openIdentities, removeExpiredEnrolments } from "../identity/identities.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { AttackBench, needs, registration, SETUPS, type Site } from "./attack.fixture.ts";

type Keys = { readonly publicKey: string; readonly privateKey: KeyObject };

function newKeys(): Keys {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return { publicKey: String(publicKey.export({ format: "jwk" }).x), privateKey };
}

function signed(keys: Keys, runner: string, challenge: string): string {
  return sign(null, signedText(runner, challenge), keys.privateKey).toString("base64url");
}

async function tokenFor(bench: AttackBench, runner: string, keys: Keys) {
  const { body } = await bench.call("challenge", { runner });
  const challenge = String(body.challenge);
  return bench.call("token", { runner, challenge, signature: signed(keys, runner, challenge) });
}

async function enrolled(bench: AttackBench, site: Site, runner: string, named = false) {
  const keys = newKeys();
  const { token } = await bench.client.createEnrolment({ site, ...(named ? { runner } : {}), principal: "admin" });
  const answer = await bench.call("enrol", { token, runner, publicKey: keys.publicKey });
  assert.deepEqual([answer.status, answer.body], [200, { site }]);
  return { keys, token };
}

for (const setup of SETUPS)
  describe(`enrolled runners, ${setup}`, needs(setup), () => {
    test("the list of runners has the fingerprint of the key, until the key ends", async (t) => {
      const bench = await AttackBench.open(t, setup);
      const { keys } = await enrolled(bench, "seoul", "seoul-7");
      const { body } = await tokenFor(bench, "seoul-7", keys);
      const own = registration({ runner: "seoul-7", site: "seoul", runs: ["build"] });
      const secret = { name: "git", kind: "git", url: "http://git", standIn: false, appsMay: ["SECRET/*"] };
      own.systems.push(secret);
      assert.equal((await bench.call("session", own, String(body.token))).status, 200);
      const seen = async () => (await bench.client.runners()).items.find(({ name }) => name === "seoul-7");
      assert.deepEqual(
        [(await seen())?.keyFingerprint, (await seen())?.runs],
        [fingerprintOf(keys.publicKey), ["build"]],
      );
      assert.doesNotMatch(
        JSON.stringify(await bench.client.sites()),
        /SECRET/,
        "lists of what apps may have are not shown",
      );
      await bench.client.renewRunnerKey("seoul-7", "admin");
      assert.equal((await seen())?.keyFingerprint, undefined);
    });

    test("a runner enrols, signs a challenge and registers with the token that it gets", async (t) => {
      const bench = await AttackBench.open(t, setup);
      const { keys, token } = await enrolled(bench, "seoul", "seoul-7");
      await bench.turnToAttack();
      const again = await bench.call("enrol", { token, runner: "seoul-7", publicKey: keys.publicKey });
      assert.equal(again.status, 200, "a repeat, because the answer was lost");
      const { status, body } = await tokenFor(bench, "seoul-7", keys);
      assert.deepEqual([status, body.expiresInMs], [200, 600_000]);
      const own = registration({ runner: "seoul-7", site: "seoul" });
      assert.equal((await bench.call("session", own, String(body.token))).status, 200);
      assert.ok(!(await bench.state()).includes(token), "only its hash is stored");
      assert.ok(!(await bench.state()).includes(String(body.token)));
    });

    test("the id of a session gives its site's other runners nothing", async (t) => {
      const bench = await AttackBench.open(t, setup, {
        runnerTokens: {
          "pattern-token-of-seoul": { site: "seoul", runners: ["one-*"] },
          "another-token-of-seoul": "seoul",
        },
      });
      const { keys } = await enrolled(bench, "seoul", "seoul-7");
      const { keys: others } = await enrolled(bench, "seoul", "seoul-8");
      await bench.turnToAttack();
      const opened = async (runner: string, token: string): Promise<string> => {
        const { status, body } = await bench.call("session", registration({ runner, site: "seoul" }), token);
        assert.equal(status, 200);
        return String(body.session);
      };
      const own = String((await tokenFor(bench, "seoul-7", keys)).body.token);
      const other = String((await tokenFor(bench, "seoul-8", others)).body.token);
      const signedIn = await opened("seoul-7", own);
      const plain = await opened("plain-1", "another-token-of-seoul");
      const ref = { task: "t0000000010000000001", job: "build", attempt: 1, fence: 1 };
      await bench.unchanged(async () => {
        for (const [session, token] of [
          [signedIn, "another-token-of-seoul"],
          [signedIn, "pattern-token-of-seoul"],
          [signedIn, other],
          [plain, "pattern-token-of-seoul"],
          [plain, own],
        ] as const) {
          const bodies = { poll: { freeSlots: 1, waitMs: 0 }, heartbeat: { items: [] }, start: { ref } };
          for (const [path, body] of Object.entries(bodies)) {
            const answer = await bench.call(path, { session, ...body }, token);
            assert.deepEqual([answer.status, answer.code], [410, "session-gone"], `${path} with ${token}`);
          }
          const log = await bench.log(session, ref, "checkout", Buffer.from("x"), 0, token);
          assert.deepEqual([log.status, log.code], [410, "session-gone"], `log with ${token}`);
        }
      });
      const poll = { freeSlots: 0, waitMs: 0 };
      assert.equal((await bench.call("poll", { session: signedIn, ...poll }, own)).status, 200);
      assert.equal((await bench.call("poll", { session: plain, ...poll }, "another-token-of-seoul")).status, 200);
    });

    test("a token for a new key counts no more once there is a newer one, or a new key", async (t) => {
      const bench = await AttackBench.open(t, setup);
      const { keys } = await enrolled(bench, "seoul", "seoul-7");
      const renew = async () => (await bench.client.renewRunnerKey("seoul-7", "admin")).token;
      const named = await bench.client.createEnrolment({ site: "seoul", runner: "seoul-7", principal: "admin" });
      const [lost, newest] = [await renew(), await renew()];
      await bench.turnToAttack();
      const enrol = (token: string, { publicKey } = newKeys()) =>
        bench.call("enrol", { token, runner: "seoul-7", publicKey });
      for (const token of [lost, named.token])
        assert.deepEqual([(await enrol(token)).status, (await enrol(token)).code], [401, "enrolment-invalid"]);
      const fresh = newKeys();
      assert.equal((await enrol(newest, fresh)).status, 200);
      for (const token of [lost, named.token]) assert.equal((await enrol(token)).status, 401);
      assert.equal((await tokenFor(bench, "seoul-7", fresh)).status, 200);
      assert.equal((await tokenFor(bench, "seoul-7", keys)).status, 401);
    });

    test("a one-time token counts once, for its site, for ten minutes", async (t) => {
      const bench = await AttackBench.open(t, setup);
      const { token } = await enrolled(bench, "busan", "busan-7");
      const { job } = await bench.victim("seoul-1");
      const { token: fresh } = await bench.client.createEnrolment({ site: "busan", principal: "admin" });
      await bench.turnToAttack();
      const { publicKey } = newKeys();
      await bench.unchanged(async () => {
        for (const [used, runner, code] of [
          [token, "busan-8", "enrolment-invalid"],
          [token, "busan-7", "enrolment-invalid"],
          ["made-up", "busan-8", "enrolment-invalid"],
          [fresh, "seoul-1", "runner-name-taken"],
        ])
          assert.deepEqual((await bench.call("enrol", { token: used, runner, publicKey })).code, code);
        bench.passTime(600_001);
        assert.equal((await bench.call("enrol", { token: fresh, runner: "busan-8", publicKey })).status, 401);
      });
      assert.equal((await bench.client.task(job.ref.task)).state, "running");
    });

    test("a token is given only for a fresh challenge that was signed with the runner's key", async (t) => {
      const bench = await AttackBench.open(t, setup);
      const { keys } = await enrolled(bench, "seoul", "seoul-7");
      const { keys: others } = await enrolled(bench, "busan", "busan-7");
      await bench.turnToAttack();
      const challenge = String((await bench.call("challenge", { runner: "seoul-7" })).body.challenge);
      const right = signed(keys, "seoul-7", challenge);
      const foreign = String((await bench.call("challenge", { runner: "busan-7" })).body.challenge);
      const ask = (more: object) => bench.call("token", { runner: "seoul-7", challenge, signature: right, ...more });
      await bench.unchanged(async () => {
        for (const wrong of [
          { signature: signed(others, "seoul-7", challenge) },
          { signature: signed(newKeys(), "seoul-7", challenge) },
          { challenge: foreign, signature: signed(keys, "seoul-7", foreign) },
          { challenge: `${challenge.split(".")[0]}.x` },
          { challenge: "made-up", signature: signed(keys, "seoul-7", "made-up") },
          { runner: "seoul-8" },
        ])
          assert.deepEqual((await ask(wrong)).code, "unauthenticated");
        assert.equal((await ask({})).status, 200);
        bench.passTime(30_001);
        assert.equal((await ask({})).status, 401);
      });
    });

    test("a name with a key is closed to site tokens and to other runners, and its token opens no other name", async (t) => {
      const bench = await AttackBench.open(t, setup);
      const { keys } = await enrolled(bench, "busan", "busan-7");
      await enrolled(bench, "busan", "busan-8");
      await enrolled(bench, "seoul", "seoul-7");
      await bench.turnToAttack();
      const token = String((await tokenFor(bench, "busan-7", keys)).body.token);
      await bench.unchanged(async () => {
        for (const [request, sentWith, expected] of [
          [registration({ runner: "busan-7" }), undefined, 409],
          [registration({ runner: "seoul-7" }), undefined, 409],
          [registration({ runner: "busan-8" }), token, 409],
          [registration({ runner: "busan-9" }), token, 409],
          [registration({ runner: "busan-7", site: "seoul" }), token, 403],
          [registration({ runner: "busan-7" }), `${token}x`, 401],
          [
            registration({ runner: "busan-7" }),
            String((await bench.call("challenge", { runner: "busan-7" })).body.challenge),
            401,
          ],
        ] as const)
          assert.equal((await bench.call("session", request, sentWith)).status, expected);
        bench.passTime(600_001);
        assert.equal((await bench.call("session", registration({ runner: "busan-7" }), token)).status, 401);
      });
    });

    test("a new key replaces the old one at once, and a removed runner gets no token", async (t) => {
      const bench = await AttackBench.open(t, setup);
      const { keys } = await enrolled(bench, "busan", "busan-7");
      await bench.turnToAttack();
      const token = String((await tokenFor(bench, "busan-7", keys)).body.token);
      const own = registration({ runner: "busan-7" });
      const { session } = (await bench.call("session", own, token)).body;
      const { keys: renewed } = await enrolled(bench, "busan", "busan-7", true);
      const heartbeat = { session, items: [] };
      assert.equal((await bench.call("heartbeat", heartbeat, token)).status, 410);
      assert.equal((await bench.call("session", { ...own, registration: 2 }, token)).status, 401);
      assert.equal((await tokenFor(bench, "busan-7", keys)).status, 401);
      const next = String((await tokenFor(bench, "busan-7", renewed)).body.token);
      assert.equal((await bench.call("session", { ...own, registration: 3 }, next)).status, 200);
      await bench.remove("busan-7");
      assert.equal((await tokenFor(bench, "busan-7", renewed)).status, 401);
      assert.equal((await bench.call("session", { ...own, registration: 4 }, next)).status, 401);
    });

    test("an administrator ends a key: its session and its tokens are void at every agent, and the name stays closed", async (t) => {
      const bench = await AttackBench.open(t, setup);
      const { keys } = await enrolled(bench, "seoul", "seoul-7");
      await bench.turnToAttack();
      const stolen = String((await tokenFor(bench, "seoul-7", keys)).body.token);
      const own = registration({ runner: "seoul-7", site: "seoul" });
      const { session } = (await bench.call("session", own, stolen)).body;
      const renewal = await bench.client.renewRunnerKey("seoul-7", "admin");
      assert.deepEqual([renewal.site, renewal.runner], ["seoul", "seoul-7"]);
      await bench.settled(async () => (await bench.call("heartbeat", { session, items: [] }, stolen)).status === 410);
      await bench.unchanged(async () => {
        assert.equal((await bench.call("session", { ...own, registration: 2 }, stolen)).status, 401);
        assert.equal((await tokenFor(bench, "seoul-7", keys)).status, 401);
        assert.equal((await bench.call("session", registration({ runner: "seoul-7" }))).status, 409);
        const { publicKey } = newKeys();
        const other = { token: renewal.token, runner: "seoul-8", publicKey };
        assert.equal((await bench.call("enrol", other)).status, 401, "the token is for this name alone");
        for (const name of ["seoul-9", "seoul#7", "seoul?7=1", "a b", "\u{1f600}"])
          await assert.rejects(bench.client.renewRunnerKey(name, "admin"), { code: "not-found" }, name);
      });
      const fresh = newKeys();
      const enrol = { token: renewal.token, runner: "seoul-7", publicKey: fresh.publicKey };
      assert.equal((await bench.call("enrol", enrol)).status, 200);
      const next = String((await tokenFor(bench, "seoul-7", fresh)).body.token);
      assert.equal((await bench.call("session", { ...own, registration: 3 }, next)).status, 200);
    });

    test("a name that a site token squats on goes to the runner that an administrator enrols under it, for good", async (t) => {
      const bench = await AttackBench.open(t, setup);
      await bench.turnToAttack();
      const squatter = await bench.attacker("seoul-7");
      const keys = newKeys();
      const general = await bench.client.createEnrolment({ site: "seoul", principal: "admin" });
      const request = { runner: "seoul-7", publicKey: keys.publicKey };
      assert.equal((await bench.call("enrol", { ...request, token: general.token })).status, 409);
      const named = await bench.client.createEnrolment({ site: "seoul", runner: "seoul-7", principal: "admin" });
      assert.equal((await bench.call("enrol", { ...request, token: named.token })).status, 200);
      const token = String((await tokenFor(bench, "seoul-7", keys)).body.token);
      const own = registration({ runner: "seoul-7", site: "seoul" });
      assert.equal((await bench.call("session", own, token)).status, 200);
      await bench.unchanged(async () => {
        const heartbeat = { session: squatter.session, items: [] };
        assert.equal((await bench.call("heartbeat", heartbeat)).status, 410);
        assert.equal((await bench.call("session", registration({ runner: "seoul-7" }))).status, 409);
      });
      const { items } = await bench.client.runners();
      assert.deepEqual(
        items.map(({ name, site }) => [name, site]),
        [["seoul-7", "seoul"]],
      );
    });

    test("a one-time token without a name takes no name that has a key, not even of its own site", async (t) => {
      const bench = await AttackBench.open(t, setup);
      const { keys } = await enrolled(bench, "busan", "busan-7");
      await bench.turnToAttack();
      const token = String((await tokenFor(bench, "busan-7", keys)).body.token);
      const { session } = (await bench.call("session", registration({ runner: "busan-7" }), token)).body;
      const { token: stolen } = await bench.client.createEnrolment({ site: "busan", principal: "admin" });
      const { publicKey } = newKeys();
      await bench.unchanged(async () => {
        const answer = await bench.call("enrol", { token: stolen, runner: "busan-7", publicKey });
        assert.deepEqual([answer.status, answer.code], [409, "runner-name-taken"]);
        assert.equal((await bench.call("heartbeat", { session, items: [] }, token)).status, 200);
      });
      await bench.client.renewRunnerKey("busan-7", "admin");
      assert.equal((await bench.call("enrol", { token: stolen, runner: "busan-7", publicKey })).status, 409);
      assert.equal((await bench.call("enrol", { token: stolen, runner: "busan-8", publicKey })).status, 200);
    });

    test("a site token with names registers no other name", async (t) => {
      const token = "runner-token-of-busan-with-names";
      const names = { [token]: { site: "busan", runners: ["busan-*", "b1"] } };
      const bench = await AttackBench.open(t, setup, { runnerTokens: names });
      await bench.turnToAttack();
      for (const runner of ["busan-1", "b1"])
        assert.equal((await bench.call("session", registration({ runner }), token)).status, 200);
      await bench.unchanged(async () => {
        for (const runner of ["seoul-1", "b12", "busan", ""]) {
          const { status } = await bench.call("session", registration({ runner }), token);
          assert.ok([400, 403].includes(status), `${runner}: ${status}`);
        }
        assert.equal((await bench.call("session", registration({ runner: "busan-2" }))).status, 401);
      });
    });

    test("a site token registers no name that nobody could take out of service", async (t) => {
      const bench = await AttackBench.open(t, setup);
      await bench.turnToAttack();
      await bench.unchanged(async () => {
        for (const runner of [
          "../x",
          "a/b",
          "..",
          "",
          " busan-1",
          "busan-1\n",
          "\u202ebusan",
          "__proto__",
          "x".repeat(64),
        ]) {
          const { status, code } = await bench.call("session", registration({ runner }));
          assert.deepEqual([status, code], [400, "bad-request"], JSON.stringify(runner));
        }
      });
    });

    test("one address that floods the enrolment keeps no other address from it", async (t) => {
      const bench = await AttackBench.open(t, setup, { limits: { signInsPerSecond: 10 } });
      await bench.turnToAttack();
      const asks = Array.from({ length: 60 }, () => bench.call("challenge", { runner: "busan-7" }));
      const refused = (await Promise.all(asks)).filter(({ status }) => status === 429);
      assert.ok(refused.length > 0 && refused.every(({ retryAfter }) => retryAfter === "1"));
      const { status } = await bench.callFrom("127.0.0.2", "challenge", { runner: "seoul-7" });
      assert.equal(status, 200);
    });
  });

test("one-time tokens leave the journal a day after they have expired, and keys stay", async () => {
  const clock = new SteppedClock();
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES, clock });
  const identities = openIdentities({
    ...{ journal, clock, key: new Uint8Array(32), registered: async () => undefined },
    ...{ onKeyChanged: () => {}, handOver: async () => {} },
  });
  const create = () => identities.createEnrolment({ site: "seoul", by: "admin" });
  const [used] = [await create(), await create()];
  await identities.enrol({ token: used.token, runner: "seoul-7", publicKey: newKeys().publicKey });
  assert.equal(await removeExpiredEnrolments(journal, clock.nowMs()), 0);
  clock.jumpWall(86_400_000 + 700_000);
  const fresh = await create();
  assert.equal(await removeExpiredEnrolments(journal, clock.nowMs()), 2);
  assert.ok(await keyFingerprint(journal, "seoul-7"));
  await identities.enrol({ token: fresh.token, runner: "seoul-8", publicKey: newKeys().publicKey });
});
