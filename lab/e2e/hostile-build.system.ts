// A hostile build on a real runner, with real task-agents: it steals, changes and leaves behind nothing. The task is
// requested at one agent, and the runner is at the other, if there are two.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import { AttackBench, needs, SETUPS } from "@gantry/task-agent/attacks/attack.fixture.ts";
import { sandboxProblem, startRunner } from "@gantry/task-runner/main.ts";

const noSandbox = await sandboxProblem(process.env.PATH ?? "");
const SECRET = "hunter2-of-another-team-42";

/** Numbers of seconds by which the processes that are left behind are found. */
const DAEMONS = ["9861", "9862"];

function attacks(data: string): Readonly<Record<string, string>> {
  const config = `${data}/cache/busan/git/m.git/config`;
  return {
    steal: `cat /proc/*/environ | tr '\\0' '\\n'; cat ${data}/journal.jsonl ${data}/secret || true; ls ${data}/jobs || true`,
    poison: `for file in ${config} ${data}/journal.jsonl; do echo attack >> $file || true; done`,
    print: `cat > p <<'END'\n${SECRET}\nEND\ncat p; base64 p; xxd -p p || od -An -tx1 p; fold -w 5 p; printf '\\033]0;x\\007'`,
    daemons: `(setsid env -i sleep ${DAEMONS[0]} &); setsid sh -c 'trap "" TERM HUP; exec sleep ${DAEMONS[1]}' > /dev/null 2>&1 & sleep 0.1; kill -9 -1`,
  };
}

for (const setup of SETUPS)
  describe(`a hostile build, ${setup}`, { skip: noSandbox ?? needs(setup).skip }, () => {
    test("steals nothing, changes no cache and no journal, leaves no process, and shows no secret in its log", async (t) => {
      const data = mkdtempSync(join(tmpdir(), "gantry-hostile-"));
      t.after(() => rmSync(data, { recursive: true, force: true }));
      const mirror = join(data, "cache", "busan", "git", "m.git");
      mkdirSync(mirror, { recursive: true });
      writeFileSync(join(mirror, "config"), "[core]\n");
      writeFileSync(join(data, "secret"), SECRET);
      const scripts = attacks(data);
      const bench = await AttackBench.open(t, setup, {}, scripts);
      const { url, runnerToken } = bench.attackedAgent;
      const runner = await startRunner(
        {
          name: "busan-1",
          site: "busan",
          agent: url,
          data,
          token: { env: "TOKEN" },
          secrets: { KEY: { file: join(data, "secret") } },
          logLevel: "error",
        },
        { env: { PATH: process.env.PATH, TOKEN: runnerToken, CANARY: "canary-of-the-runner" } },
      );
      t.after(() => runner.close({ drainMs: 0 }));
      await bench.request("busan");
      await bench.turnToAttack();
      const id = await bench.request("scripts");
      await bench.settled(async () => STATE_LOOKS[(await bench.client.task(id)).state].ended);

      const logs = await Promise.all(
        Object.keys(scripts).map(async (step) => {
          const { bytes } = await bench.client.log({ task: id, job: "work", step }, 0, 1_000_000);
          return Buffer.from(bytes).toString("utf8");
        }),
      );
      const output = logs.join("\n");
      for (const stolen of [
        SECRET,
        runnerToken,
        "canary",
        '"kind"',
        Buffer.from(SECRET).toString("base64").slice(0, 16),
      ])
        assert.ok(!output.includes(stolen), output);
      assert.ok(output.includes("***"), output);
      assert.equal(readFileSync(join(mirror, "config"), "utf8"), "[core]\n");
      assert.doesNotMatch(readFileSync(join(data, "journal.jsonl"), "utf8"), /^attack$/m);
      assert.deepEqual(DAEMONS.flatMap(processesWith), []);
      // The runner goes on.
      const next = await bench.request("scripts");
      await bench.settled(async () => STATE_LOOKS[(await bench.client.task(next)).state].ended);
      assert.equal((await bench.client.task(next)).jobs[0]?.attempts.length, 1);
    });
  });

function processesWith(seconds: string): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`sleep\0${seconds}`);
    } catch {
      return false; // It ended meanwhile.
    }
  });
}
