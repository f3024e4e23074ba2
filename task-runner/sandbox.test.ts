// A pipeline's script as an attacker: what it can see, change and leave behind when the runner isolates scripts.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { STEPS } from "@gantry/connectors/steps.ts";
import { succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, NO_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { script, TOKEN, uses } from "./fake-agent.fixture.ts";
import { sandboxProblem } from "./main.ts";
import { machinePrograms } from "./processes/process-group.ts";
import { limitScript } from "./processes/script-limits.ts";
import { openTestRunner, type TestRunner } from "./runner.fixture.ts";

const problem = await sandboxProblem(process.env.PATH ?? "");
const skip = problem === undefined ? false : `no sandbox: ${problem}`;

type Report = Awaited<ReturnType<TestRunner["agent"]["reported"]>>;

function sandboxed(t: TestContext, more: object = {}): Promise<TestRunner> {
  return openTestRunner(t, {
    config: { isolation: "sandbox", ...more },
    env: { RUNNER_CANARY: "canary-of-the-runner", PATH: process.env.PATH ?? "" },
  });
}

/** The log of a script, which must have succeeded. */
async function logOf({ agent }: TestRunner, text: string, more: object = {}): Promise<string> {
  const job = agent.offer({ steps: [script("attack", text, more)] });
  const report = await agent.reported(job);
  assert.equal(report.outcome, "succeeded", JSON.stringify(report.failure));
  return agent.log(job, "attack");
}

test("a script reads no environment but its own, and sees no other process", { skip }, async (t) => {
  const runner = await sandboxed(t);
  process.env.GANTRY_TEST_CANARY = "canary-of-this-process";
  t.after(() => delete process.env.GANTRY_TEST_CANARY);
  const log = await logOf(runner, "cat /proc/*/environ | tr '\\0' '\\n'; ls -d /proc/[0-9]* | wc -l; ls /proc");
  assert.doesNotMatch(log, /canary/);
  assert.doesNotMatch(log, new RegExp(`^${process.pid}$`, "m"));
});

test("a script sees nothing of the runner's folder and of other jobs", { skip }, async (t) => {
  const runner = await sandboxed(t);
  const { data } = runner;
  writeFileSync(join(data, "canary"), "x");
  const log = await logOf(
    runner,
    `ls -A ${data} ${data}/jobs; cat ${data}/journal.jsonl 2>&1 || true; ls -A /root 2>&1 || true`,
  );
  const own = readdirSync(join(data, "jobs"));
  assert.doesNotMatch(log, /canary|"kind"/);
  assert.match(log, /No such file/);
  const seen = log.split("\n").filter((line) => /^\d+-/.test(line));
  assert.ok(seen.length <= 1 && seen.every((name) => own.includes(name) || own.length === 0), log);
});

test("a script cannot write to the shared cache, to the system or to the runner's files", { skip }, async (t) => {
  const runner = await sandboxed(t);
  const { data } = runner;
  const mirror = join(data, "cache", "seoul", "git", "m.git");
  mkdirSync(mirror, { recursive: true });
  writeFileSync(join(mirror, "config"), "[core]\n");
  const before = readFileSync(join(data, "journal.jsonl"), "utf8");
  const toolchain = join(dirname(process.execPath), "gantry-attack");
  t.after(() => rmSync(toolchain, { force: true }));
  const targets = [`${mirror}/config`, `${data}/journal.jsonl`, `${data}/alive`, toolchain];
  const log = await logOf(
    runner,
    targets.map((target) => `(mkdir -p "$(dirname ${target})" && echo attack >> ${target}) 2>&1 || true`).join("\n"),
  );
  assert.equal(readFileSync(join(mirror, "config"), "utf8"), "[core]\n");
  assert.ok(readFileSync(join(data, "journal.jsonl"), "utf8").startsWith(before));
  assert.doesNotMatch(readFileSync(join(data, "journal.jsonl"), "utf8"), /^attack$/m);
  assert.equal(existsSync(toolchain), false);
  assert.match(log, /Read-only file system/);
});

test("a script of a runner that is root can change no setting of the kernel", { skip }, async (t) => {
  const runner = await sandboxed(t);
  const log = await logOf(
    runner,
    "find /proc -maxdepth 6 -not -path '/proc/[0-9]*' -not -path '/proc/*self/*' -type f -writable 2>/dev/null || true",
  );
  // Only the user is checked when /proc/sys/kernel/core_pattern is written: a program named there is started as root.
  if (process.getuid?.() === 0) assert.equal(log, "");
  else assert.doesNotMatch(log, /core_pattern/);
});

test("a script of a runner that is root cannot mount the control groups that limit it", {
  skip: skip || (process.getuid?.() !== 0 && "only root writes control groups"),
}, async (t) => {
  const runner = await sandboxed(t);
  const log = await logOf(
    runner,
    `cat > attack.py <<'END'
import ctypes
libc = ctypes.CDLL(None)
# A user, a mount and a cgroup namespace.
print("namespaces:", libc.unshare(0x10000000 | 0x00020000 | 0x02000000))
libc.mount(b"none", b"/", None, 0x44000, None)
print("mounted:", libc.mount(b"none", b"/tmp", b"cgroup2", 0, None))
END
/usr/bin/python3 attack.py`,
  );
  assert.equal(log, "namespaces: -1\nmounted: -1\n");
});

test("a script cannot fill the memory of the machine with files, and its shared memory is its job's", {
  skip,
}, async (t) => {
  const runner = await sandboxed(t);
  const log = await logOf(
    runner,
    'for f in / /dev /dev/shm /tmp /var/tmp /etc /root; do if echo x > $f/file; then stat -f -c "$f %T" $f; fi; done 2>/dev/null',
  );
  assert.match(log, /dev\/shm/);
  assert.doesNotMatch(log, /tmpfs/);
});

test("scripts are refused when they could read the runner's folder or one of its secrets", { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-shown-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "secret");
  writeFileSync(file, TOKEN);
  const shown = (path: string): object => ({ sandbox: { readOnly: [path] } });
  for (const config of [
    shown(realpathSync(tmpdir())),
    { ...shown(folder), token: { file } },
    { ...shown(folder), secrets: { KEY: { file } } },
  ]) {
    const { agent } = await sandboxed(t, config);
    const report = await agent.reported(agent.offer({ steps: [script("attack", `cat ${file}`)] }));
    assert.equal(report.failure?.code, "scripts-refused");
    assert.match(String(report.failure?.why), /which scripts may read/);
  }
});

const DAEMONS: Readonly<Record<string, string>> = {
  "in the background": "sleep 9871 &",
  "in a session of its own": "setsid sleep 9872 &",
  "without an environment": "(setsid env -i /bin/sleep 9873 &)",
  "orphaned twice": "(setsid sh -c '(setsid env -i /bin/sleep 9874 &) &' &)",
  "by nohup": "nohup sleep 9877 > /dev/null 2>&1 &",
  "disowned by a shell": "bash -c 'sleep 9878 & disown -a'",
  "by a job scheduler":
    "(echo sleep 9879 | at now; systemd-run --no-block sleep 9879; echo '* * * * * sleep 9879' | crontab -) 2>/dev/null || true",
  "deaf to signals": "(setsid sh -c 'trap \"\" TERM HUP INT; exec env -i /bin/sleep 9875' > /dev/null 2>&1 &)",
};

for (const [how, daemon] of Object.entries(DAEMONS)) {
  test(`a process that is left ${how} ends with its script`, { skip }, async (t) => {
    const runner = await sandboxed(t);
    await logOf(runner, `${daemon}\nsleep 0.1\necho done`);
    const seconds = /98\d\d/.exec(daemon)?.[0] ?? "";
    assert.deepEqual(processesWith(`sleep\0${seconds}`), []);
  });
}

test("cancel ends a script that hides, and gives one that listens its time", { skip }, async (t) => {
  const { agent } = await sandboxed(t);
  const text =
    "(setsid env -i /bin/sleep 9876 &)\ntrap 'echo cleaned up; exit 0' TERM\necho ready\nwhile :; do sleep 0.05; done";
  const job = agent.offer({ steps: [script("attack", text)] });
  await agent.until("the script is ready", () => agent.log(job, "attack").includes("ready"));
  agent.cancel(job);
  assert.equal((await agent.reported(job)).outcome, "canceled");
  assert.match(agent.log(job, "attack"), /cleaned up/);
  assert.deepEqual(processesWith("sleep\x009876"), []);
});

test("a script that kills its parent or everything ends itself, and the runner goes on", { skip }, async (t) => {
  const runner = await sandboxed(t);
  const job = runner.agent.offer({ steps: [script("attack", "kill -9 $PPID; kill -9 -1; kill -9 1; echo survived")] });
  await runner.agent.reported(job);
  assert.match(await logOf(runner, "echo the runner is well"), /well/);
});

test("a script that forks without end stays below its limit, ends with a cancel, and a job beside it goes on", {
  skip,
}, async (t) => {
  const { agent, data } = await sandboxed(t, { limits: { processes: 64 } });
  const bomb = agent.offer({
    steps: [script("attack", "bomb() { bomb | bomb & }; bomb 2>/dev/null; while :; do :; done", { shell: "bash" })],
  });
  await agent.until("the bomb has exploded", () => processesWith(`${data}/jobs`).length > 30);
  const beside = agent.offer({ steps: [script("work", "sleep 0.5; echo done")] });
  assert.equal((await agent.reported(beside)).outcome, "succeeded");
  const count = processesWith("1-attack.sh").length;
  // The shell, bubblewrap and env outside of the script count, too.
  assert.ok(count <= 70, `${count} processes`);
  agent.cancel(bomb);
  assert.equal((await agent.reported(bomb)).outcome, "canceled");
  assert.deepEqual(processesWith("1-attack.sh"), []);
});

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
  for (const isolation of ["none", ...(problem === undefined ? ["sandbox"] : [])]) {
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

test("links in /tmp lead no mount of the next script out of the sandbox", { skip }, async (t) => {
  // In this test the data folder is below /tmp, and so are the mounts.
  const { agent, data } = await sandboxed(t);
  const outside = mkdtempSync(join(tmpdir(), "gantry-outside-"));
  t.after(() => rmSync(outside, { recursive: true, force: true }));
  const top = data.replace(/^\/tmp\/([^/]+).*/, "/tmp/$1");
  const job = agent.offer({
    steps: [
      // bubblewrap has the machine at /oldroot while it mounts.
      script("link", `mv ${top} /tmp/moved; ln -s /oldroot${outside} ${top}`),
      script("next", "pwd"),
    ],
  });
  const report = await agent.reported(job);
  assert.equal(report.outcome, "succeeded", JSON.stringify(report.failure));
  assert.deepEqual(readdirSync(outside), []);
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
    const { agent } = await sandboxed(t, { limits: { diskMb: 32 } });
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

test("outputs, exit codes, working directory and home work inside as they do outside", { skip }, async (t) => {
  const { agent } = await sandboxed(t);
  const job = agent.offer({
    steps: [
      script(
        "make",
        'mkdir -p sub && echo x > sub/file && echo "where=$PWD" >> $GANTRY_OUTPUT && echo h > ~/h && echo t > /tmp/t',
      ),
      script("use", 'cat sub/file ~/h /tmp/t "$TMPDIR/t"; exit 7'),
    ],
    outputs: { where: "${{ steps.make.outputs.where }}" },
  });
  const report = await agent.reported(job);
  assert.equal(report.failure?.message, "The script ended with exit code 7.");
  assert.equal(agent.log(job, "use"), "x\nh\nt\nt\n");
  assert.match(String(report.outputs?.where), /\/workspace$/);
});

test("a program of a step that does what the workspace tells it is in the sandbox, too", { skip }, async (t) => {
  const scan = defineStep({
    name: "test/scan",
    title: "Scan",
    input: z.strictObject({ file: z.string() }),
    output: z.object({ text: z.string() }),
    needs: [],
    acts: () => [],
    effects: [],
    retry: NO_RETRY,
    timeoutMs: 10_000,
    plan: async () => [],
    run: async ({ exec, input, workspace }) => {
      const { stdout } = await exec(["sh", join(workspace, "plugin"), input.file], {
        confined: true,
        stdout: "capture",
        env: { TOKEN: "of the scanner" },
      });
      return succeeded({ text: stdout });
    },
  });
  const { agent, data } = await openTestRunner(t, { config: { isolation: "sandbox" }, steps: [scan] });
  const canary = join(data, "canary");
  writeFileSync(canary, "canary-of-the-runner");
  const job = agent.offer({
    steps: [
      script("leave", `echo 'echo "$TOKEN $PWD"; echo hidden >&2; cat "$1" || true' > plugin`),
      uses("scan", "test/scan", { file: canary }),
    ],
    outputs: { text: "${{ steps.scan.outputs.text }}" },
  });
  const report = await agent.reported(job);
  assert.equal(report.outcome, "succeeded", JSON.stringify(report.failure));
  assert.match(String(report.outputs?.text), /^of the scanner .*workspace\n$/);
  assert.match(agent.log(job, "scan"), /hidden\n.*No such file/);
});

const hasBuildah = spawnSync("buildah", ["--version"]).status === 0;
const buildStep = await STEPS["image/build-push"]?.();

/** Builds with Buildah; the registry refuses the image, so the log ends with the build. */
async function buildLog(
  t: TestContext,
  dockerfile: string,
  config: object = {},
): Promise<[string, TestRunner, Report]> {
  assert.ok(buildStep);
  const registry = createServer((_, response) => response.writeHead(403).end("{}"));
  await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
  t.after(() => registry.close());
  const url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`;
  const runner = await openTestRunner(t, {
    config: {
      isolation: "sandbox",
      systems: { harbor: { kind: "harbor", url, username: "ci", password: "HARBOR" } },
      secrets: { HARBOR: { env: "HARBOR_PASSWORD" } },
      ...config,
    },
    env: { HARBOR_PASSWORD: "canary-password", RUNNER_CANARY: "canary-of-the-runner", PATH: process.env.PATH ?? "" },
    steps: [buildStep],
  });
  writeFileSync(join(runner.data, "canary-file"), "canary-of-the-folder");
  mkdirSync(join(runner.data, "jobs", "other"), { recursive: true });
  writeFileSync(join(runner.data, "jobs", "other", "canary-file"), "canary-of-another-job");
  const root = `mkdir -p root/bin root/proc root/tmp
for program in sh cat ls tr find; do
  cp -L "$(command -v $program)" root/bin/$program
  for lib in $(ldd "$(command -v $program)" | grep -o '/[^ ]*'); do mkdir -p "root$(dirname $lib)"; cp -L $lib root$lib; done
done`;
  const text = `FROM scratch\nCOPY root /\n${dockerfile}`;
  const job = runner.agent.offer({
    steps: [
      script("prepare", `${root}\ncat > Dockerfile <<'END'\n${text}\nEND`),
      uses("build", "image/build-push", { repository: "apps/orders", tags: ["1"], builder: "buildah" }),
    ],
  });
  const report = await runner.agent.reported(job);
  return [runner.agent.log(job, "build"), runner, report];
}

test("commands of a Dockerfile see no environment, file, process or account of the runner or of other jobs", {
  skip: skip || (process.getuid?.() !== 0 && "only a runner that is root has a sandbox for builds") || !hasBuildah,
  timeout: 60_000,
}, async (t) => {
  process.env.GANTRY_TEST_CANARY = "canary-of-this-process";
  t.after(() => delete process.env.GANTRY_TEST_CANARY);
  const [log] = await buildLog(
    t,
    `RUN cat /proc/[0-9]*/environ | tr '\\0' '\\n'; for p in /proc/[0-9]*; do ls $p/root/; find $p/root/tmp $p/root/root $p/root/var -name '*canary*' -o -name config.json -o -name journal.jsonl; done; echo the end
RUN echo x > /proc/sys/kernel/domainname && echo changed; echo survived`,
  );
  assert.match(log, /the end/);
  assert.match(log, /survived/);
  assert.doesNotMatch(log, /canary(?!\*)|image-\w+\/config\.json\n|journal\.jsonl\n|^changed/m);
});

test("a runner may refuse Dockerfiles whose commands it cannot put into the sandbox", {
  skip: skip || !hasBuildah,
}, async (t) => {
  const [, , report] = await buildLog(t, "RUN echo hello", {
    isolation: "none",
    sandbox: { dockerfiles: "sandboxed" },
  });
  assert.equal(report.failure?.code, "builds-refused", JSON.stringify(report.failure));
});

test("variables of the pipeline file reach no program that runs as the runner", async (t) => {
  const show = defineStep({
    name: "test/show",
    title: "Show",
    input: z.strictObject({}),
    output: z.object({ text: z.string() }),
    needs: [],
    acts: () => [],
    effects: [],
    retry: NO_RETRY,
    timeoutMs: 10_000,
    plan: async () => [],
    run: async ({ exec }) => succeeded({ text: (await exec(["env"], { stdout: "capture" })).stdout }),
  });
  const { agent } = await openTestRunner(t, { steps: [show] });
  const job = agent.offer({
    // tar starts the program of the first, and builders those that the second one names.
    env: { TAR_OPTIONS: "--to-command=sh" },
    steps: [uses("show", "test/show", {}, { env: { CONTAINERS_CONF: "evil.conf" } })],
    outputs: { text: "${{ steps.show.outputs.text }}" },
  });
  const report = await agent.reported(job);
  assert.match(String(report.outputs?.text), /^GANTRY_STEP=show$/m);
  assert.doesNotMatch(String(report.outputs?.text), /TAR_OPTIONS|CONTAINERS_CONF/);
});

test("network none: a script reaches nothing, not even this machine", { skip }, async (t) => {
  const runner = await sandboxed(t, { sandbox: { network: "none" } });
  const log = await logOf(
    runner,
    `python3 - <<'END' || echo unreachable
import socket
socket.create_connection(("127.0.0.1", ${new URL(runner.agent.url).port}), 2)
print("reached")
END`,
  );
  assert.match(log, /unreachable/);
  assert.doesNotMatch(log, /^reached/m);
});

test("without bubblewrap scripts are refused, and the log says why; isolation none is said in the log", async (t) => {
  const programs = { ...machinePrograms, findSandbox: async () => ({ why: "the program bwrap is not on the PATH" }) };
  const { agent, lines } = await openTestRunner(t, { config: { isolation: "sandbox" }, programs });
  const report = await agent.reported(agent.offer({ steps: [script("one", "true")] }));
  assert.equal(report.outcome, "errored");
  assert.equal(report.failure?.code, "scripts-refused");
  assert.match(String(report.failure?.why), /bwrap is not on the PATH/);
  assert.ok(lines.some((line) => /scripts are refused/.test(line)));
  const open = await openTestRunner(t, { config: { isolation: "none" } });
  assert.ok(open.lines.some((line) => /isolation: none/.test(line)));
});

function hasMemoryGroups(): boolean {
  const limits = limitScript(`test-${process.pid}`, { processes: 64, memoryMb: 64 });
  limits.remove();
  return limits.inside.every((option) => !option.startsWith("--data"));
}

function processesWith(argv: string): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(argv);
    } catch {
      return false; // It ended meanwhile.
    }
  });
}
