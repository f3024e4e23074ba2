// Runs deploy/compose.yaml with a real container engine. For each profile: builds the image, `up --wait`, runs create-app, CI
// and CD while processes are killed, `down`. The fakes of the sites' systems run in this process, outside the containers.

import { execFile, execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type PortalClient, portalClient } from "@gantry/cli/client.ts";
import { freePort } from "@gantry/runtime/free-ports.ts";
import { feedEvent, page, type TaskView, taskView } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { type Lab, startLab } from "../../start.ts";
import { COMPOSE_FILE, type Made, makeMissingImages, writeOverride } from "./compose-files.ts";

const run = promisify(execFile);

/** Profile → the services that are killed during CI and during CD. */
const VICTIMS = { single: ["task-agent", "runner-seoul"], scaled: ["task-agent-1", "redis"] } as const;
type Profile = keyof typeof VICTIMS;

const APP = "orders";
const PLACES = { targets: ["seoul/seoul-dp", "tokyo/tokyo-dp"], buildSite: "seoul", project: "APPS" };
const TEMPLATE = { template: "web-service", templates: "TEMPLATES" };
const CREATE = { params: { name: APP, title: "Orders", jiraKey: "ORD", ...TEMPLATE, ...PLACES } };
const DELIVERED_MS = 60_000;

/** Why no container engine can be used on this machine; undefined when one can. */
export function noEngine(): string | undefined {
  if (process.getuid?.() !== 0) return "a process in a container is killed from outside by root only";
  try {
    execFileSync("docker", ["compose", "version"], { stdio: "ignore" });
    const version = execFileSync("docker", ["version", "--format", "{{.Server.Version}}"], { encoding: "utf8" });
    return Number.parseInt(version, 10) >= 25 ? undefined : "the engine is older than 25: it knows no start_interval";
  } catch {
    return "there is no Docker engine with compose here";
  }
}

/** Runs both profiles and adds up their counts. `onProgress` gets the figures of each, and tasks that did not succeed. */
export async function runCompose(onProgress: (figures: object) => void): Promise<object> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-compose-"));
  await chmod(dir, 0o755);
  try {
    const sums = { healthy: 0, succeeded: 0, restarted: 0, messages: 0, left: 0 };
    const seconds: Record<string, number> = {};
    const made = await makeMissingImages();
    for (const profile of ["single", "scaled"] as const) {
      const figures = await playProfile(profile, join(dir, profile), made, onProgress);
      onProgress({ profile, ...figures });
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += figures[name];
      Object.assign(seconds, { [`${profile}UpS`]: figures.upS, [`${profile}JobS`]: figures.jobS });
    }
    return { ...sums, ...seconds, madeHere: Object.keys(made).join(" ") };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function playProfile(profile: Profile, dir: string, made: Made, onProgress: (figures: object) => void) {
  await mkdir(dir, { recursive: true });
  const lab = await startLab({ dir: join(dir, "lab"), path: "", host: await hostAddress() });
  const project = `gantry-lab-${process.pid}`;
  const port = await freePort();
  const env = { ...process.env, GANTRY_PORT: String(port), GANTRY_IMAGE: "gantry-lab/gantry:0.1.0" };
  const files = ["-f", COMPOSE_FILE, "-f", await writeOverride(dir, lab, made)];
  const compose = async (...argv: string[]): Promise<string> =>
    (await run("docker", ["compose", "-p", project, ...files, "--profile", profile, ...argv], { env })).stdout;
  try {
    // The image is built first, so that the time until ready does not include npm.
    await compose("build");
    const began = performance.now();
    await compose("up", "--wait");
    const upS = secondsSince(began);
    const token = (await compose("exec", "-T", "portal-api", "cat", "/var/lib/gantry/admin-token")).trim();
    const portal = portalClient(`http://127.0.0.1:${port}`, token, new AbortController().signal);
    const victims = await Promise.all(VICTIMS[profile].map(async (one) => (await compose("ps", "-q", one)).trim()));
    const jobBegan = performance.now();
    const tasks = await mainJob(portal, victims);
    await compose("up", "--wait");
    for (const { state, headline } of tasks) if (state !== "succeeded") onProgress({ profile, headline });
    const figures = {
      upS,
      jobS: secondsSince(jobBegan),
      healthy: await count(project, "ps", "--filter", "health=healthy"),
      succeeded: tasks.filter(({ state }) => state === "succeeded").length,
      restarted: await restarts(victims),
      messages: await deliveredOnce(portal, lab, tasks),
    };
    await compose("down", "-v");
    const left = await Promise.all(
      [
        ["ps", "-a"],
        ["volume", "ls"],
        ["network", "ls"],
      ].map((of) => count(project, ...of)),
    );
    return { ...figures, left: left.reduce((sum, one) => sum + one) };
  } catch (error) {
    process.stderr.write(await compose("logs", "--no-color", "--tail", "40"));
    throw error;
  } finally {
    await compose("down", "-v");
    await lab.close();
  }
}

/** Runs create-app, CI and CD; during the latter two a service is killed. */
async function mainJob(portal: PortalClient, victims: readonly string[]): Promise<readonly TaskView[]> {
  const tasks = [await follow(portal, await press(portal, "/v1/apps", CREATE))];
  for (const [index, pipeline] of ["ci", "cd"].entries()) {
    const task = await press(portal, `/v1/apps/${APP}/${pipeline}`, {});
    tasks.push(await follow(portal, task, () => killProcess(victims[index] ?? "")));
  }
  return tasks;
}

function press(portal: PortalClient, path: string, body: object): Promise<TaskView> {
  return portal.post(path, body, taskView, randomUUID());
}

/** Waits until a task has ended; calls `kill` when its first job has started. Requests are repeated while a service is down. */
async function follow(portal: PortalClient, task: TaskView, kill?: () => Promise<void>): Promise<TaskView> {
  let left = kill;
  for (let after = 0; ; ) {
    const { items } = await again(() =>
      portal.get(`/v1/tasks/${task.id}/events?after=${after}&wait=20000`, page(feedEvent)),
    );
    for (const { taskseq, data } of items) {
      after = taskseq;
      if (data.event.kind === "TaskEnded") return again(() => portal.get(`/v1/tasks/${task.id}`, taskView));
      if (data.event.kind === "JobStarted" && left) {
        const now = left;
        left = undefined;
        await now();
      }
    }
  }
}

async function again<T>(ask: () => Promise<T>): Promise<T> {
  for (const until = performance.now() + DELIVERED_MS; ; ) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** Waits until everything is delivered; returns the number of messages, each with its own key. */
async function deliveredOnce(portal: PortalClient, lab: Lab, tasks: readonly TaskView[]): Promise<number> {
  const deliveries = z.object({ items: z.array(z.object({ task: z.string().optional(), state: z.string() })) });
  await again(async () => {
    const { items } = await portal.get("/v1/deliveries?limit=200", deliveries);
    for (const { id } of tasks) {
      const delivered = items.filter((one) => one.task === id && one.state === "delivered");
      if (delivered.length < 3) throw new Error(`of task ${id} only ${delivered.length} messages are delivered`);
    }
  });
  const messages = z.object({ items: z.array(z.object({ key: z.string() })) });
  const { items } = messages.parse(await (await fetch(`${lab.entries.messenger?.url}/_lab/messages`)).json());
  if (new Set(items.map(({ key }) => key)).size !== items.length) throw new Error("a message came twice");
  return items.length;
}

/** Kills a service as a crash does: after `docker kill`, the engine would not restart the container. */
async function killProcess(container: string): Promise<void> {
  process.kill(Number(await inspect(container, "{{.State.Pid}}")), "SIGKILL");
}

async function restarts(containers: readonly string[]): Promise<number> {
  const counts = await Promise.all(containers.map((one) => inspect(one, "{{.RestartCount}}")));
  return counts.reduce((sum, one) => sum + Number(one), 0);
}

async function inspect(container: string, format: string): Promise<string> {
  return (await run("docker", ["inspect", "--format", format, container])).stdout.trim();
}

/** The address at which containers of all networks reach programs of this machine. */
async function hostAddress(): Promise<string> {
  return inspect("bridge", "{{(index .IPAM.Config 0).Gateway}}");
}

/** How many objects of a kind the engine has for this project. */
async function count(project: string, ...kind: readonly string[]): Promise<number> {
  const { stdout } = await run("docker", [...kind, "--filter", `label=com.docker.compose.project=${project}`, "-q"]);
  return stdout.split("\n").filter(Boolean).length;
}

function secondsSince(began: number): number {
  return Math.round((performance.now() - began) / 100) / 10;
}
