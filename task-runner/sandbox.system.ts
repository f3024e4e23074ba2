// A pipeline's script as an attacker: what it can see and change when the runner isolates scripts.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { FakeAgent, script, TOKEN } from "./fake-agent.fixture.ts";
import { machinePrograms } from "./processes/process-group.ts";
import { configOf, openTestRunner } from "./runner.fixture.ts";
import { logOf, sandboxed, skip } from "./sandbox.fixture.ts";

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

test("a script has no file that whoever started the runner had left open", { skip }, async (t) => {
  const agent = await new FakeAgent().open();
  const data = mkdtempSync(join(tmpdir(), "gantry-inherited-"));
  writeFileSync(join(data, "canary"), "canary-of-the-machine");
  writeFileSync(join(data, "runner.json"), JSON.stringify(configOf(agent, join(data, "runner"))));
  const file = openSync(join(data, "canary"), "r+");
  const runner = spawn(process.execPath, [RUNNER, "--config", join(data, "runner.json")], {
    stdio: ["ignore", "ignore", "inherit", ...Array<"ignore">(37).fill("ignore"), file],
  });
  closeSync(file);
  const ended = once(runner, "exit");
  t.after(async () => {
    runner.kill("SIGKILL");
    await ended;
    await agent.goDown();
    rmSync(data, { recursive: true, force: true });
  });
  const log = await logOf({ agent }, "cat <&40 || true; ls -l /proc/self/fd; echo done", { shell: "bash" });
  assert.doesNotMatch(log, /canary/);
  assert.match(log, /done/);
});

const RUNNER = fileURLToPath(new URL("./main.ts", import.meta.url));

test("a script reads no file of the system that is only for root", { skip }, async (t) => {
  const runner = await sandboxed(t);
  const log = await logOf(
    runner,
    "find -L /etc ! -perm -o=r 2>/dev/null || true; test -r /etc/ssl/certs && test -s /etc/passwd && echo fine",
  );
  assert.equal(log, "fine\n");
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

test("a SonarQube whose account's token reaches the sources is said in the log at the start", async (t) => {
  const sonar = { kind: "sonarqube", url: "http://127.0.0.1:9", token: "SONAR" };
  const systems = { open: sonar, closed: { ...sonar, scannerToken: "SCAN" }, fake: { ...sonar, standIn: true } };
  const secrets = { SONAR: { env: "SONAR" }, SCAN: { env: "SCAN" } };
  const { lines } = await openTestRunner(t, { config: { systems, secrets } as never });
  const warned = lines.filter((line) => line.includes("the system has no scannerToken"));
  assert.equal(warned.length, 1);
  assert.match(String(warned[0]), /"system":"open".*sources of an app can pass it on.*global analysis token/);
});
