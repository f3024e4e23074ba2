// Soak tests against a real Kafka broker: `node lab/soak/stores/kafka.ts [--client platformatic] [away|steady|kills|plainKills …]`;
// without a name, all run. A task-agent in a separate process publishes; the events that a reader received, without duplicates by (task,
// taskseq), are compared with the journal. Prints one line of figures each; the exit code is 1 when an event is missing or
// out of order. Measured figures are in docs/events.md.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { AgentOnKafka } from "../../faults/kafka/agent-process.ts";
import { startBroker, whyNoBroker } from "../../faults/kafka/broker.ts";
import { EventReader } from "../../faults/kafka/event-reader.ts";

const { values, positionals: wanted } = parseArgs({
  options: { client: { type: "string", default: "kafkajs" } },
  allowPositionals: true,
});
const client = values.client === "platformatic" ? "platformatic" : "kafkajs";

type Figures = { readonly [name: string]: number };

/** As many events as half an hour without Kafka brings at 100 a second, as fast as the machine can produce them. */
async function away(events = 180_000): Promise<Figures> {
  return inSetup(async ({ broker, agent, reader }) => {
    await agent.work(200);
    await reader.until(agent);
    const before = await agent.measure(300);
    await broker.kill();
    const during = await agent.measure(300);
    const rssBefore = agent.rssMb();
    const began = performance.now();
    while (agent.events < events) await agent.work(500);
    const workSeconds = (performance.now() - began) / 1_000;
    const rssAfter = agent.rssMb();
    const back = performance.now();
    await broker.start();
    await reader.until(agent);
    return {
      waited: agent.events,
      workSeconds: round(workSeconds),
      drainSeconds: round((performance.now() - back) / 1_000),
      startMsBefore: before,
      startMsDuring: during,
      rssMbBefore: rssBefore,
      rssMbAfter: rssAfter,
    };
  });
}

/** The same work with Kafka available: by how much the memory of the agent grows without an outage. */
async function steady(events = 180_000): Promise<Figures> {
  return inSetup(async ({ agent, reader }) => {
    await agent.work(200);
    await reader.until(agent);
    const rssMbBefore = agent.rssMb();
    const began = performance.now();
    while (agent.events < events) await agent.work(500);
    const workSeconds = round((performance.now() - began) / 1_000);
    const rssMbAfter = agent.rssMb();
    const left = performance.now();
    await reader.until(agent);
    return { workSeconds, behindSeconds: round((performance.now() - left) / 1_000), rssMbBefore, rssMbAfter };
  });
}

/** Kills the broker and the task-agent in turn while about 100 events a second are produced. */
async function kills(idempotent: boolean, rounds = 20): Promise<Figures> {
  return inSetup(async ({ broker, agent, reader }) => {
    for (let turn = 0; turn < rounds; turn += 1) {
      const working = agent.workFor(3_000, 100);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 2_000));
      if (turn % 2 === 0) {
        await broker.kill();
        await working;
        await broker.start();
      } else {
        await agent.kill();
        await working;
        await agent.start();
      }
    }
    await reader.until(agent);
    return { rounds };
  }, idempotent);
}

type Setup = {
  readonly broker: Awaited<ReturnType<typeof startBroker>>;
  readonly agent: AgentOnKafka;
  readonly reader: EventReader;
};

async function inSetup(run: (setup: Setup) => Promise<Figures>, idempotent = true): Promise<Figures> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-kafka-long-"));
  const broker = await startBroker(dir);
  const brokers = [broker.address];
  const kafka = { client, brokers, topic: "gantry.events", partitions: 12, replication: 1, idempotent } as const;
  const agent = new AgentOnKafka(join(dir, "agent"), kafka);
  await agent.start();
  const reader = new EventReader(kafka);
  try {
    const figures = await run({ broker, agent, reader });
    // Tasks that were accepted without an answer are in the journal, too, and must be published.
    const journal = await agent.journal();
    await agent.start();
    await reader.until({ events: [...journal.values()].reduce((sum, size) => sum + size, 0) });
    return { ...figures, ...reader.compare(journal), endedByItself: agent.endedByItself };
  } finally {
    await reader.close();
    await agent.kill();
    await broker.close();
    await rm(dir, { recursive: true, force: true });
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

const RUNS: { readonly [name: string]: () => Promise<Figures> } = {
  away,
  steady,
  kills: () => kills(true),
  // The result must not depend on the broker's own removal of duplicates.
  plainKills: () => kills(false),
};

const missing = whyNoBroker();
if (missing !== undefined) throw new Error(missing);
for (const [name, run] of Object.entries(RUNS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const started = performance.now();
  const figures = await run();
  const seconds = Math.round((performance.now() - started) / 1_000);
  process.stdout.write(`${name} ${client} ${JSON.stringify({ ...figures, seconds })}\n`);
  if ((figures.gaps ?? 1) + (figures.missing ?? 1) + (figures.endedByItself ?? 1) > 0) process.exitCode = 1;
}
