// Builds the image with Buildah and starts every process in it as in production. `npm run test:image`

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePorts } from "@gantry/runtime/free-ports.ts";
import { isInstalled } from "../../installed.fixture.ts";
import { makeRootFolder } from "./base-image.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const IMAGE = "localhost/gantry:long";
const TOKEN = "a-secret-of-this-test-alone";
const CHROOT = ["--isolation", "chroot"];

let dir = "";
let container = "";
let missing: string | undefined;

before(async () => {
  if (!(await isInstalled("buildah"))) missing = "buildah is not on this machine";
  else if (process.getuid?.() !== 0) missing = "Buildah with chroot isolation needs root here";
  if (missing !== undefined) return;
  dir = await mkdtemp(join(tmpdir(), "gantry-image-"));
  const base = join(dir, "base");
  await makeRootFolder(base);
  await writeFile(join(dir, "Basefile"), "FROM scratch\nCOPY . /\nENV PATH=/usr/local/bin:/usr/bin:/bin\n");
  await buildah("bud", ...CHROOT, "-q", "-f", join(dir, "Basefile"), "-t", "localhost/base:long", base);
  const npmrc = join(dir, "npmrc");
  await writeFile(npmrc, "cafile=/etc/ssl/certs/ca-certificates.crt\n");
  await buildah(
    "bud",
    ...CHROOT,
    ...["--format", "docker", "--secret", `id=npmrc,src=${npmrc}`],
    ...["--build-arg", "BASE=localhost/base:long", "--build-arg", "PACKAGES="],
    ...["-f", join(ROOT, "deploy/Dockerfile"), "-t", IMAGE, ROOT],
  );
  container = (await buildah("from", IMAGE)).trim();
});

after(async () => {
  if (dir === "") return;
  await buildah("rm", "--all").catch(() => "");
  await rm(dir, { recursive: true, force: true });
});

test("the image has the right metadata, and contains nothing that production does not need", async (t) => {
  if (missing !== undefined) return t.skip(missing);
  const { Docker } = JSON.parse(await buildah("inspect", "--type", "image", IMAGE)) as {
    Docker: { config: { User: string; Healthcheck: { Test: string[] }; Entrypoint: string[]; Volumes: object } };
  };
  assert.equal(Docker.config.User, "1000:1000");
  assert.deepEqual(Docker.config.Entrypoint, ["gantry-entry"]);
  assert.deepEqual(Docker.config.Healthcheck.Test, ["CMD", "gantry-entry", "health"]);
  assert.deepEqual(Object.keys(Docker.config.Volumes), ["/var/lib/gantry"]);
  const listed = await inside(
    "sh",
    "-c",
    "ls /opt/gantry /opt/gantry/lab /opt/gantry/node_modules; ls /root/.npmrc || true",
  );
  assert.match(listed, /^task-agent$/m);
  assert.doesNotMatch(listed, /^(fakes|simulator|soak|bench|playwright-core|typescript|esbuild|node|docs)$/m);
  assert.doesNotMatch(await inside("sh", "-c", "ls /opt/gantry/*/"), /\.(test|fixture|suite)\.ts/);
  assert.match(await inside("ls", "/opt/gantry/console/dist"), /index\.html/);
  await assert.rejects(inside("touch", "/opt/gantry/x"), "the user of the processes cannot change the program");
});

test("the entry point prints its usage, and refuses unknown arguments", async (t) => {
  if (missing !== undefined) return t.skip(missing);
  assert.match(await inside("gantry-entry"), /task-agent \| task-runner/);
  assert.match(await inside("gantry-entry", "gantry", "help"), /gantry task /);
  await assert.rejects(inside("gantry-entry", "tusk-agent"), /There is no process tusk-agent/);
  for (const name of ["task-agent", "task-runner", "notify-agent", "portal-api"]) {
    assert.match(await inside("gantry-entry", name, "--help"), /--config FILE/, name);
    await assert.rejects(inside("gantry-entry", name), { code: 2 }, `${name} without configuration`);
  }
});

test("the four processes start in the image, are healthy, find each other, and stop in an orderly way", async (t) => {
  if (missing !== undefined) return t.skip(missing);
  const [agent = 0, notify = 0, portal = 0] = await freePorts(3);
  const agentUrl = `http://127.0.0.1:${agent}`;
  const peer = { url: agentUrl, token: TOKEN };
  const configs = {
    "task-agent": { portalUrl: "http://gantry.test", token: TOKEN, runnerTokens: { [`${TOKEN}-seoul`]: "seoul" } },
    "notify-agent": { token: TOKEN, agent: peer },
    "portal-api": { agent: peer, notify: { url: `http://127.0.0.1:${notify}`, token: TOKEN } },
    "task-runner": { name: "seoul-1", site: "seoul", agent: agentUrl, token: `${TOKEN}-seoul`, drainSeconds: 0 },
  };
  const env = [
    `GANTRY_TASK_AGENT_PORT=${agent}`,
    `GANTRY_NOTIFY_AGENT_PORT=${notify}`,
    `GANTRY_PORTAL_API_PORT=${portal}`,
  ];
  const started = [];
  for (const [name, config] of Object.entries(configs)) {
    const folder = join(dir, name);
    await mkdir(join(folder, "data"), { recursive: true });
    await run("chown", ["1000:1000", join(folder, "data")]);
    await writeFile(join(folder, `${name}.yaml`), JSON.stringify(config), { mode: 0o644 });
    started.push({ name, child: start(name, folder, env), folder });
  }
  try {
    await eventually(async () => assert.equal((await fetch(`http://127.0.0.1:${portal}/readyz`)).status, 200));
    await eventually(async () =>
      assert.ok(
        (await (await fetch(`${agentUrl}/metrics`)).text()).includes('gantry_runners{site="seoul",state="alive"} 1\n'),
      ),
    );
    const page = await fetch(`http://127.0.0.1:${portal}/`, { headers: { accept: "text/html" } });
    assert.match(page.headers.get("content-type") ?? "", /html/);
    for (const { name, folder } of started) await eventually(() => health(name, folder, env));
  } finally {
    for (const { child } of started) process.kill(await innermost(child.pid ?? 0), "SIGTERM");
    for (const { name, child } of started) {
      const [code] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
      assert.equal(code, 0, `${name} ended with ${code}`);
    }
  }
});

function mounts(folder: string): string[] {
  return ["-v", `${folder}:/etc/gantry:ro`, "-v", `${join(folder, "data")}:/var/lib/gantry:rw`];
}

function start(name: string, folder: string, env: readonly string[]) {
  const argv = ["run", ...CHROOT, ...env.flatMap((one) => ["--env", one]), ...mounts(folder), container, "--"];
  return spawn("buildah", [...storage(), ...argv, "gantry-entry", name], { stdio: ["ignore", "ignore", "inherit"] });
}

async function health(name: string, folder: string, env: readonly string[]): Promise<void> {
  const settings = env.flatMap((one) => ["--env", one]);
  await buildah("run", ...CHROOT, ...settings, ...mounts(folder), container, "--", "gantry-entry", "health", name);
}

function inside(...argv: string[]): Promise<string> {
  return buildah("run", ...CHROOT, container, "--", ...argv);
}

/** The test uses its own container storage, which is removed with its folder. */
function storage(): string[] {
  return ["--storage-driver", "vfs", "--root", join(dir, "storage"), "--runroot", join(dir, "run")];
}

async function buildah(...argv: string[]): Promise<string> {
  const { stdout } = await run("buildah", [...storage(), ...argv], { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** Buildah does not forward signals; the process inside is its youngest descendant. */
async function innermost(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const lists = threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, "utf8"));
  const [child] = (await Promise.all(lists)).join(" ").trim().split(/\s+/);
  return child ? innermost(Number(child)) : pid;
}

/** Repeats the check until it holds, for half a minute at most. */
async function eventually(check: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
