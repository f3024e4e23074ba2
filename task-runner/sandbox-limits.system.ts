// A pipeline's script as an attacker: what it can use up of memory and disk.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { script } from "./fake-agent.fixture.ts";
import { limitScript } from "./processes/script-limits.ts";
import { openTestRunner } from "./runner.fixture.ts";
import { logOf, sandboxed, skip } from "./sandbox.fixture.ts";

const ALLOCATE = `
blocks = []
while True: blocks.append(bytearray(8 * 1048576))`;

test("a script that allocates without end is ended with the reason, and a job beside it goes on", {
  skip,
  timeout: 30_000,
}, async (t) => {
  const { agent } = await sandboxed(t, { limits: { memoryMb: 64 } });
  const hog = agent.offer({ steps: [script("attack", `exec /usr/bin/python3 -c '${ALLOCATE}'`)] });
  const beside = agent.offer({ steps: [script("work", "sleep 0.3; echo done")] }, { job: "other" });
  const { outcome, failure } = await agent.reported(hog);
  assert.equal(outcome, "failed");
  // Without control groups the program itself finds that there is no more, and says so in its own words.
  if (process.getuid?.() === 0 && failure?.code === "memory-limit")
    assert.equal(failure.message, "The script used more than 64 MiB of memory.");
  else assert.match(JSON.stringify(failure), /MemoryError/);
  assert.equal((await agent.reported(beside)).outcome, "succeeded");
});

test("all processes of a script share its memory limit, and their number does not raise it", {
  skip: skip || (hasMemoryGroups() ? false : "there are no control groups for memory"),
  timeout: 30_000,
}, async (t) => {
  const { agent } = await sandboxed(t, { limits: { memoryMb: 64 } });
  const job = agent.offer({
    steps: [
      script(
        "attack",
        "for i in 1 2 3 4; do /usr/bin/python3 -c 'b = bytearray(25 * 1048576); import time; time.sleep(3)' & done; for job in $(jobs -p); do wait $job; done",
        { shell: "bash" },
      ),
    ],
  });
  assert.equal((await agent.reported(job)).failure?.code, "memory-limit");
});

test("when memory is short, the kernel ends a script before the runner", {
  skip: process.platform !== "linux",
}, async (t) => {
  for (const isolation of ["none", ...(skip === false ? ["sandbox"] : [])]) {
    const runner = await openTestRunner(t, { config: { isolation } });
    assert.equal(await logOf(runner, "cat /proc/self/oom_score_adj"), "500\n");
  }
});

test("a script that fills the disk is stopped by the limit of its job, and the log says how much it may write", async (t) => {
  const { agent } = await openTestRunner(t, { config: { limits: { diskMb: 32 } } });
  const job = agent.offer({
    steps: [script("attack", "while :; do dd if=/dev/zero bs=1M count=4 >> big 2>/dev/null; sleep 0.05; done")],
  });
  const report = await agent.reported(job);
  assert.equal(report.outcome, "failed");
  assert.equal(report.failure?.code, "disk-limit");
  assert.match(String(report.failure?.message), /more than 32 MiB/);
});

const HIDDEN: Readonly<Record<string, string>> = {
  "a file that it has removed": `
f = open("f", "wb"); os.unlink("f")
while True: f.write(b"x" * 4194304); f.flush(); time.sleep(0.05)`,
  "a file that it has removed and only mapped": `
f = open("f", "w+b"); os.unlink("f"); f.truncate(1 << 30); m = mmap.mmap(f.fileno(), 1 << 30); f.close()
for at in range(0, 1 << 30, 4194304): m[at:at + 4194304] = b"x" * 4194304; time.sleep(0.05)`,
  "folders too deep to list": `
for _ in range(40): os.mkdir("d" * 200); os.chdir("d" * 200)
f = open("f", "wb")
while True: f.write(b"x" * 4194304); f.flush(); time.sleep(0.05)`,
  "empty files": `
while True:
  for _ in range(1000): open(str(time.monotonic_ns()), "x").close()`,
};

for (const [where, attack] of Object.entries(HIDDEN)) {
  test(`a script that fills the disk by ${where} is stopped`, { skip, timeout: 30_000 }, async (t) => {
    const { agent } = await sandboxed(t, { limits: { diskMb: 16 } });
    const text = `cat > a.py <<'END'\nimport mmap, os, time${attack}\nEND\nexec env -i /usr/bin/python3 a.py`;
    const report = await agent.reported(agent.offer({ steps: [script("attack", text)] }));
    assert.equal(report.failure?.code, "disk-limit", JSON.stringify(report.failure));
  });
}

test("folders that are too deep or unreadable are removed, and never keep a runner from starting", {
  skip,
}, async (t) => {
  const { agent, data } = await sandboxed(t);
  const text = `cat > a.py <<'END'
import os
os.makedirs("closed/inner"); os.chmod("closed", 0)
for _ in range(40): os.mkdir("d" * 200); os.chdir("d" * 200)
END
/usr/bin/python3 a.py`;
  const report = await agent.reported(agent.offer({ steps: [script("attack", text)] }));
  assert.equal(report.outcome, "succeeded");
  await agent.until("the folder is gone", () => readdirSync(join(data, "jobs")).length === 0);
});

function hasMemoryGroups(): boolean {
  const limits = limitScript(`test-${process.pid}`, { processes: 64, memoryMb: 64 });
  limits.remove();
  return limits.inside.every((option) => !option.startsWith("--data"));
}
