// Callbacks through the front door: a request or a pipeline names an address, which is told of the end of the task.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { runCommand } from "@gantry/cli/portal.fixture.ts";
import { isJsonObject, type JsonObject } from "@gantry/core/json.ts";
import { startNotifyAgent } from "@gantry/notify-agent/main.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import { pause, systemClock } from "@gantry/runtime/clock.ts";
import type { Listening } from "@gantry/runtime/http/listen.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { startRunner } from "@gantry/task-runner/main.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import type { CallbackView } from "@gantry/wire/notify/views.ts";
import { type LabCallback, startCallbackReceiver } from "../fakes/callback-receiver.ts";
import type { FakeServer } from "../fakes/fake-server.ts";

const TOKEN = "platform-token-of-this-test";
const RUNNER_TOKEN = "runner-token-of-this-test";
const KEY = `whsec_${Buffer.from("a key of thirty-two random bytes").toString("base64")}`;

const PIPELINES: Readonly<Record<string, string>> = {
  greet: `
name: greet
app: none
params: { exit: { type: integer, default: 0 } }
outputs: { greeting: "\${{ jobs.greet.outputs.greeting }}" }
jobs:
  greet:
    site: seoul
    outputs: { greeting: "\${{ steps.say.outputs.greeting }}" }
    steps:
      - id: say
        env: { CODE: "\${{ params.exit }}" }
        run: 'echo "greeting=hello world" >> "$GANTRY_OUTPUT"; exit "$CODE"'
`,
  watched: `
name: watched
app: none
params: { tell: { type: string, default: "" }, exit: { type: integer, default: 0 } }
callback: { url: "\${{ params.tell }}", on: [failed, errored, timed-out] }
jobs:
  work: { site: seoul, steps: [{ run: exit "$CODE", env: { CODE: "\${{ params.exit }}" } }] }
`,
};

const world: {
  folder: string;
  receiver: FakeServer;
  agent: Listening;
  portal: Listening;
  notify: Listening;
  bearer: string;
  readonly closers: (() => Promise<unknown>)[];
} = { closers: [] } as never;

const quiet = makeLogger("test", "silent", { write: () => {} });

before(async () => {
  world.folder = await mkdtemp(join(tmpdir(), "gantry-callbacks-"));
  const { folder, closers } = world;
  closers.push(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "pipelines"));
  for (const [name, text] of Object.entries(PIPELINES)) await writeFile(join(folder, `pipelines/${name}.yaml`), text);
  world.receiver = await startCallbackReceiver({ name: "receiver", dir: folder, key: KEY });
  closers.push(world.receiver.close);
  world.agent = await startTaskAgent(
    {
      ...{ data: join(folder, "agent"), portalUrl: "http://portal", token: TOKEN },
      ...{ runnerTokens: { [RUNNER_TOKEN]: "seoul" }, pipelines: join(folder, "pipelines") },
    },
    { logger: quiet },
  );
  closers.push(world.agent.close);
  const runner = await startRunner(
    {
      ...{ name: "r", site: "seoul", agent: world.agent.url, token: RUNNER_TOKEN },
      ...{ data: join(folder, "runner"), isolation: "none" },
    },
    { logger: quiet },
  );
  closers.push(() => runner.close({ drainMs: 0 }));
  world.notify = await startNotify();
  closers.push(() => world.notify.close());
  world.portal = await startPortal(
    {
      ...{ dataDir: join(folder, "portal"), port: 0, agent: { url: world.agent.url, token: TOKEN } },
      notify: { url: world.notify.url, token: TOKEN },
    },
    { logger: quiet },
  );
  closers.push(world.portal.close);
  world.bearer = (await readFile(join(folder, "portal/admin-token"), "utf8")).trim();
});

after(async () => {
  for (const close of world.closers.toReversed()) await close();
});

/** At the port of the last one, which the portal knows. */
function startNotify(): Promise<Listening> {
  return startNotifyAgent(
    {
      ...{ data: join(world.folder, "notify"), token: TOKEN, agent: { url: world.agent.url, token: TOKEN } },
      ...{ rules: [], delivery: { firstRetryMs: 10, maxRetryMs: 50 } },
      port: (world.notify as Listening | undefined)?.port ?? 0,
      callbacks: { key: KEY, hosts: ["127.0.0.1", "169.254.169.254", "[::1]"], allow: ["127.0.0.0/8"] },
    },
    { logger: quiet },
  );
}

let keys = 0;

async function post(path: string, body: object): Promise<Response> {
  keys += 1;
  return fetch(`${world.portal.url}${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${world.bearer}`,
      "content-type": "application/json",
      "idempotency-key": `key-${keys}`,
    },
    body: JSON.stringify(body),
  });
}

async function get<T>(path: string): Promise<T> {
  const answer = await fetch(`${world.portal.url}${path}`, { headers: { authorization: `Bearer ${world.bearer}` } });
  assert.equal(answer.status, 200, path);
  return (await answer.json()) as T;
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await pause(systemClock, 25);
  }
}

/** Starts a task and waits for its end. */
async function run(body: object): Promise<TaskView> {
  const answer = await post("/v1/tasks", body);
  assert.equal(answer.status, 202, await answer.clone().text());
  const { id } = (await answer.json()) as TaskView;
  return until(async () => {
    const task = await get<TaskView>(`/v1/tasks/${id}`);
    return task.endedAt === undefined ? undefined : task;
  });
}

/** What became of the callbacks of a task, when none waits for its next try any more. */
function settled({ id }: TaskView, count = 1): Promise<readonly CallbackView[]> {
  return until(async () => {
    const { items } = await get<{ items: readonly CallbackView[] }>(`/v1/tasks/${id}/callbacks`);
    return items.length === count && items.every(({ state }) => state !== "pending") ? items : undefined;
  });
}

async function received(path: string): Promise<readonly JsonObject[]> {
  const answer = await fetch(`${world.receiver.url}/_lab/callbacks`);
  const { items } = (await answer.json()) as { items: readonly LabCallback[] };
  return items.filter((one) => one.path === path).map(({ body }) => (isJsonObject(body) ? body : {}));
}

test("A20, A22: the address of a request gets the end of its task with the outputs, signed, and the task says so", async () => {
  const url = `${world.receiver.url}/ended`;
  const task = await run({ pipeline: "greet", callback: { url } });
  const [callback] = await settled(task);
  assert.equal(callback?.state, "delivered");
  assert.equal(callback.url, url);
  assert.deepEqual(task.callbacks, [{ url }]);
  assert.deepEqual(task.outputs, { greeting: "hello world" });
  const [body] = await received("/ended");
  const data = isJsonObject(body?.data) ? body.data : {};
  assert.equal(body?.type, "task.ended");
  assert.deepEqual(
    [data.id, data.pipeline, data.state, data.outputs],
    [task.id, "greet", "succeeded", { greeting: "hello world" }],
  );
  assert.equal((await received("/ended")).length, 1, "told once");
});

test("A20: a receiver that is away is told later, also by a notify-agent that was restarted", async () => {
  world.receiver.faults.add({ kind: "status", status: 503, match: "POST /later", times: 1_000_000 });
  const task = await run({ pipeline: "greet", params: { exit: 3 }, callback: { url: `${world.receiver.url}/later` } });
  const pending = await until(async () => {
    const { items } = await get<{ items: readonly CallbackView[] }>(`/v1/tasks/${task.id}/callbacks`);
    return items.find(({ tries }) => tries >= 2);
  });
  assert.equal(pending.state, "pending");
  assert.match(pending.problem ?? "", /status 503/);
  await world.notify.close();
  world.receiver.faults.clear();
  world.notify = await startNotify();
  const [callback] = await settled(task);
  assert.equal(callback?.state, "delivered");
  const [body] = await received("/later");
  assert.equal(isJsonObject(body?.data) ? body.data.state : undefined, "failed");
});

test("A20: a pipeline names the address and the outcomes itself, and a rerun tells whoever asked for its task", async () => {
  const tell = `${world.receiver.url}/watched`;
  const failed = await run({ pipeline: "watched", params: { tell, exit: 1 } });
  const [callback] = await settled(failed);
  assert.equal(callback?.state, "delivered");
  const good = await run({ pipeline: "watched", params: { tell }, callback: { url: `${world.receiver.url}/asked` } });
  assert.deepEqual(
    (await settled(good)).map(({ url }) => url),
    [`${world.receiver.url}/asked`],
    "a success is not among the outcomes of the pipeline",
  );
  const nobody = await run({ pipeline: "watched", params: { exit: 1 } });
  assert.equal(nobody.callbacks, undefined, "an empty address tells nobody");

  const again = await post(`/v1/tasks/${good.id}/rerun`, { from: "all" });
  const { id, callbacks } = (await again.json()) as TaskView;
  assert.deepEqual(
    callbacks?.map(({ url }) => url),
    [tell, `${world.receiver.url}/asked`],
  );
  await until(async () => ((await received("/asked")).length === 2 ? true : undefined));
  const ids = (await received("/asked")).map(({ data }) => (isJsonObject(data) ? data.id : undefined));
  assert.deepEqual(ids, [good.id, id]);
});

test("A20: only hosts that the platform team allows are told, and never where a cloud answers credentials", async () => {
  const refusals: readonly (readonly [url: string, why: RegExp])[] = [
    ["https://elsewhere.example/", /^elsewhere\.example is not among the `hosts` of `callbacks`$/],
    ["http://169.254.169.254/latest/meta-data", /where a cloud answers credentials/],
    ["http://[::1]:1/", /may not be called/],
  ];
  for (const [url, why] of refusals) {
    const [callback] = await settled(await run({ pipeline: "greet", callback: { url } }));
    assert.equal(callback?.state, "refused", url);
    assert.match(callback.problem ?? "", why);
  }
});

test("A20: an address that is none is refused with the request, and with the file", async () => {
  for (const url of ["ftp://x.example/", "nowhere", "https://kim:secret@x.example/"]) {
    const answer = await post("/v1/tasks", { pipeline: "greet", callback: { url } });
    assert.equal(answer.status, 400, url);
    assert.match(await answer.text(), /callback/);
  }
  const unusable = await post("/v1/tasks", { pipeline: "watched", params: { tell: "nowhere" } });
  assert.equal(unusable.status, 422);
  assert.match(await unusable.text(), /must be an address with http/);
  const file = join(world.folder, "wrong.yaml");
  await writeFile(file, "name: wrong\napp: none\ncallback: nowhere\njobs: { a: { site: s, steps: [{ run: x }] } }\n");
  const { code, out } = await runCommand(["pipeline", "lint", file]);
  assert.equal(code, 2);
  assert.match(out, /wrong\.yaml:3:11 the address of `callback` must be an address with http/);
});

test("A20: a person asks for a callback and sees what became of it at the command line", async () => {
  const env = { GANTRY_PORTAL: world.portal.url, GANTRY_TOKEN_FILE: join(world.folder, "portal/admin-token") };
  const url = `${world.receiver.url}/typed`;
  await runCommand(["pipeline", "run", "greet", "--callback", url, "--follow"], { env });
  const { out } = await until(async () => {
    const ran = await runCommand(["task", "callbacks"], { env });
    return ran.out.includes("delivered") ? ran : undefined;
  });
  assert.ok(out.includes(url), out);
});
