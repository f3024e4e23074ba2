// A pipeline's script as an attacker: the processes that it starts, leaves behind and kills.

import assert from "node:assert/strict";
import { test } from "node:test";
import { script } from "./fake-agent.fixture.ts";
import { eventually, kill, killWithGuard, openRunnerProcess } from "./runner-process.fixture.ts";
import { logOf, processesWith, sandboxed, skip } from "./sandbox.fixture.ts";

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
  const count = processesWith(`${data}/jobs`).length;
  // The shell, bubblewrap and env outside of the script count, too.
  assert.ok(count <= 70, `${count} processes`);
  agent.cancel(bomb);
  assert.equal((await agent.reported(bomb)).outcome, "canceled");
  assert.deepEqual(processesWith(`${data}/jobs`), []);
});

test("a script gets no device, terminal, mount or other user, and traces nobody", { skip }, async (t) => {
  const runner = await sandboxed(t);
  const log = await logOf(
    runner,
    `cat > attack.py <<'END'
import ctypes, fcntl, os, stat
libc = ctypes.CDLL(None, use_errno=True)
def attempt(name, act):
    try:
        if act() != -1: print("succeeded:", name)
    except OSError: pass
for device in ("kmsg", "mem", "port", "sda", "vda", "loop-control", "fuse", "kvm", "net/tun"):
    attempt(device, lambda: os.open("/dev/" + device, os.O_RDONLY))
attempt("mknod", lambda: os.mknod("disk", stat.S_IFBLK | 0o600, os.makedev(8, 0)))
attempt("TIOCSTI", lambda: fcntl.ioctl(os.open("/dev/tty", os.O_RDWR), 0x5412, b"x"))
attempt("mount", lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
attempt("chroot", lambda: libc.chroot(b"/tmp"))
attempt("setuid", lambda: libc.setuid(1) if os.getuid() == 0 else -1)
attempt("trace the runner", lambda: libc.ptrace(16, ${process.pid}, None, None))
attempt("signal the runner", lambda: libc.kill(${process.pid}, 0))
print("tried")
END
/usr/bin/python3 attack.py`,
  );
  assert.equal(log, "tried\n");
});

/**
 * Takes over the first process of the sandbox: it leaves its group and session, no longer ends with whoever started it, and forgets its
 * environment. Whatever runs in the sandbox lives as long as this process does.
 */
const TAKE_OVER = `cat > take.py <<'END'
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
ATTACH, STEP, GET, SET, DETACH, POKE = 16, 9, 12, 13, 17, 5
def trace(request, data=None):
    if libc.ptrace(request, 1, None, data) != 0: raise OSError(ctypes.get_errno(), "ptrace")
trace(ATTACH)
os.waitpid(1, 0x40000000)
fields = open("/proc/1/stat").read().rsplit(") ", 1)[1].split()
start, end = int(fields[47]), int(fields[48])
for word in range(start, end - 7, 8): libc.ptrace(POKE, 1, word, None)
Registers = ctypes.c_ulonglong * 27
before = Registers()
trace(GET, ctypes.byref(before))
def call(number, *args):
    now = Registers(*before)
    now[10], now[15], now[16] = number, 2**64 - 1, before[16] - 2
    for at, value in zip((14, 13, 12, 7), args): now[at] = value
    trace(SET, ctypes.byref(now)); trace(STEP); os.waitpid(1, 0x40000000); trace(GET, ctypes.byref(now))
    return ctypes.c_longlong(now[10]).value
print("setsid", call(112) > 0, "prctl", call(157, 1, 0, 0, 0) == 0, flush=True)
if HOLD: import time; time.sleep(1_000)
trace(SET, ctypes.byref(before))
trace(DETACH)
END
`;

const isX64 = process.arch === "x64";
const noTrace = skip || (isX64 ? false : "the attack is written for x86-64");

test("what a script leaves in a sandbox ends with it, also when it has taken over the first process there", {
  skip: noTrace,
}, async (t) => {
  const runner = await sandboxed(t);
  const log = await logOf(
    runner,
    `${TAKE_OVER}(setsid env -i /bin/sleep 9881 > /dev/null 2>&1 &)
sed 's/HOLD/False/' take.py > t.py; /usr/bin/python3 t.py`,
  );
  assert.equal(log, "setsid True prctl True\n");
  assert.deepEqual(processesWith("sleep\x009881"), []);
});

for (const how of ["a cancel", "a time limit"])
  test(`${how} ends a script that stops the first process of its sandbox, and all that it has left`, {
    skip: noTrace,
  }, async (t) => {
    const { agent } = await sandboxed(t);
    const text = `${TAKE_OVER}(setsid env -i /bin/sleep 9882 > /dev/null 2>&1 &)
sed 's/HOLD/True/' take.py > t.py; setsid env -i /usr/bin/python3 t.py & wait`;
    const limit = how === "a time limit" ? { timeoutMs: 15_000 } : {};
    const job = agent.offer({ steps: [{ ...script("attack", text), ...limit }] });
    await agent.until("the first process is stopped", () => agent.log(job, "attack").includes("prctl True"));
    if (how === "a cancel") agent.cancel(job);
    assert.equal((await agent.reported(job)).outcome, how === "a cancel" ? "canceled" : "timed-out");
    for (const left of ["sleep\x009882", "python3\x00t.py"]) assert.deepEqual(processesWith(left), []);
  });

for (const [how, end] of [
  ["the guard, when the runner is killed,", kill],
  ["the next runner, when runner and guard are killed,", killWithGuard],
] as const)
  test(`${how} ends a script that has taken over the first process of its sandbox`, { skip: noTrace }, async (t) => {
    const { agent, start } = await openRunnerProcess(t, "sandbox");
    const runner = start();
    const text = `${TAKE_OVER}(setsid env -i /bin/sleep 9883 > /dev/null 2>&1 &)
sed 's/HOLD/False/' take.py > t.py; /usr/bin/python3 t.py; wait; sleep 600`;
    const job = agent.offer({ steps: [script("attack", text)] });
    await agent.until("the first process is taken over", () => agent.log(job, "attack").includes("prctl True"));
    await end(runner);
    if (end === killWithGuard) start();
    await eventually("the end of all", () => processesWith("sleep\x009883").length === 0);
  });
