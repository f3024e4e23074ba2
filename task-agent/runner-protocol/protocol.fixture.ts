// A task-agent over real HTTP with a clock that the test moves, and scripted runners.

import { copyFile, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { crc32 } from "node:zlib";
import type { Listening } from "@gantry/runtime/http/listen.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { type AgentClient, makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import type { JobRef, SessionRequest } from "@gantry/wire/runner/protocol.ts";
import { startTaskAgent } from "../main.ts";
import { type Claimed, type Identity, ScriptedRunner } from "./runner.fixture.ts";

export const SEOUL_TOKEN = "runner-token-of-seoul-0";
/** Of a second site, which no runner serves unless a test signs one in. */
export const OSLO_TOKEN = "runner-token-of-oslo-00";
const TOKEN = "platform-token-of-this-test";

/** One job named `work` with one step named `make`. */
const JOBS = {
  safe: "{ mode: lenient, retrySafe: true, outputs: { made: 'x' }",
  unsafe: "{ mode: lenient",
  strict: "{ mode: strict, retrySafe: true",
  retried: "{ mode: lenient, retry: { max: 1, delay: 30s }",
  asks: "{ approval: { question: 'Go?', expires: 1m }",
  escalates:
    "{ approval: { question: 'Go?', approvers: ['person:lee'], expires: 1m, escalate: { after: 20s, to: ['person:sam'] } }",
  placed: "{ environment: prod",
};
export type PipelineName = keyof typeof JOBS | "cleaned";

export class ProtocolFixture {
  readonly clock: SteppedClock;
  readonly data: string;
  /** The alarms in the agent's log. */
  readonly alarms: string[] = [];
  agent: Listening;
  client: AgentClient;
  #key = 0;

  readonly #tokens: Readonly<Record<string, string>>;

  private constructor(data: string, clock: SteppedClock, tokens: Readonly<Record<string, string>>) {
    this.#tokens = tokens;
    this.data = data;
    this.clock = clock;
    this.agent = { url: "", close: async () => {} } as Listening;
    this.client = makeAgentClient({ url: "http://127.0.0.1:1", token: TOKEN });
  }

  /** `more`: pipeline files by name, beside those of this file. */
  static async open(
    t: TestContext,
    more: Readonly<Record<string, string>> = {},
    tokens: Readonly<Record<string, string>> = { [SEOUL_TOKEN]: "seoul" },
  ): Promise<ProtocolFixture> {
    const data = await mkdtemp(join(tmpdir(), "gantry-table-"));
    for (const [name, job] of Object.entries(JOBS))
      await writeFile(join(data, `${name}.yaml`), pipelineText(name, `work: ${job}${REST}`));
    for (const [name, text] of Object.entries(more)) await writeFile(join(data, `${name}.yaml`), text);
    const cleaned = `work: ${JOBS.strict}${REST}\nfinally:\n  clean: { mode: lenient, retrySafe: true${REST}`;
    await writeFile(join(data, "cleaned.yaml"), pipelineText("cleaned", cleaned));
    const fixture = new ProtocolFixture(data, new SteppedClock(), tokens);
    await fixture.begin();
    t.after(async () => {
      await fixture.agent.close();
      await rm(data, { recursive: true });
    });
    return fixture;
  }

  async begin(): Promise<void> {
    const { data, clock } = this;
    const silent = (): void => {};
    const error = (fields: object): void => {
      if ("alarm" in fields) this.alarms.push(String(fields.alarm));
    };
    this.agent = await startTaskAgent(
      { data, portalUrl: "http://portal", token: TOKEN, runnerTokens: this.#tokens, pipelines: data },
      { clock, logger: { debug: silent, info: silent, warn: silent, error } },
    );
    this.client = makeAgentClient({ url: this.agent.url, token: TOKEN });
  }

  /** Like a crash, because closing writes nothing to the files. */
  async restart(downMs = 0): Promise<void> {
    await this.agent.close();
    await this.clock.pass(downMs);
    await this.begin();
  }

  /** Copies the store; the returned function restores the copy, like a restore from an old backup. */
  async backup(): Promise<() => Promise<void>> {
    await this.agent.close();
    const files = (await readdir(this.data)).filter((name) => name.startsWith("journal.sqlite"));
    for (const name of files) await copyFile(join(this.data, name), join(this.data, `copy-${name}`));
    await this.begin();
    return async () => {
      await this.agent.close();
      for (const name of await readdir(this.data))
        if (name.startsWith("journal.sqlite")) await rm(join(this.data, name));
      for (const name of files) await copyFile(join(this.data, `copy-${name}`), join(this.data, name));
      await this.begin();
    };
  }

  runner(name = "seoul-1", running: SessionRequest["running"] = [], as: Identity = {}): Promise<ScriptedRunner> {
    return ScriptedRunner.signIn(this.agent.url, SEOUL_TOKEN, "seoul", name, running, as);
  }

  request(pipeline: PipelineName | (string & {}), idempotencyKey = `key-${++this.#key}`): Promise<TaskView> {
    return this.client.startTask({ pipeline, params: {}, idempotencyKey, principal: "dev" });
  }

  /** A task of this pipeline whose job a runner has claimed and, by default, started. */
  async running(
    pipeline: PipelineName,
    { name = "seoul-1", started = true } = {},
  ): Promise<{ task: string; runner: ScriptedRunner; job: Claimed; ref: JobRef; boot: string }> {
    const { id } = await this.request(pipeline);
    const runner = await this.runner(name);
    const job = await runner.takeJob();
    if (started) await runner.start(job.ref);
    return { task: id, runner, job, ref: job.ref, boot: runner.bootId };
  }

  async job(task: string): Promise<TaskView["jobs"][number]> {
    const [job] = (await this.client.task(task)).jobs;
    if (!job) throw new Error(`task ${task} has no job`);
    return job;
  }

  /** Waits on the feed for this many events of this kind of the task. */
  async waitForEvent(task: string, kind: string, times = 1): Promise<void> {
    let seen = 0;
    for (let after = 0; ; ) {
      const page = await this.client.feed({ after, limit: 1_000, waitMs: 10_000 });
      seen += page.events.filter((event) => event.subject === task && event.data.event.kind === kind).length;
      if (seen >= times) return;
      after = page.last;
    }
  }

  async kinds(task: string): Promise<readonly string[]> {
    return (await this.client.taskEvents(task, 0, 1_000)).map((event) => String(event.data.event.kind));
  }

  log(runner: ScriptedRunner, ref: JobRef, offset: number, text: string, final = false): Promise<number> {
    return runner.log(ref, "make", offset, Buffer.from(text), crc32(text), final);
  }
}

const REST = ", site: seoul, steps: [{ id: make, title: Make, run: 'true' }] }";

function pipelineText(name: string, jobs: string): string {
  return `name: ${name}\ntitle: ${name}\nbutton: Run ${name}\napp: none\njobs:\n  ${jobs}\n`;
}
