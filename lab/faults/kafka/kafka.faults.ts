// The bus on a real broker, with each client library: the suite, unsuitable topics, refused accounts, a broker that dies or stops answering, and the
// two agents as processes on both ends.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type ErrorCode, explain, GantryError } from "@gantry/core/errors.ts";
import { busSuite, manyMessages } from "@gantry/wire/bus/bus.suite.ts";
import type { BusMessage } from "@gantry/wire/bus/bus.ts";
import { type KafkaConfig, kafkaConfig } from "@gantry/wire/bus/kafka/config.ts";
import { openKafkaBus } from "@gantry/wire/bus/kafka/kafka-bus.ts";
import { startsBadly, withFolder } from "../start/table.ts";
import { startNotifyAgentOnKafka, startTaskAgentOnKafka } from "./agents.ts";
import { BROKER_ACCOUNT, type KafkaBroker, startBroker, whyNoBroker } from "./broker.ts";

const skip = whyNoBroker() ?? false;
const TASK_AGENT = fileURLToPath(new URL("../../../task-agent/main.ts", import.meta.url));

for (const client of ["kafkajs", "platformatic"] as const)
  describe(`Kafka with ${client}`, { skip }, () => {
    let dir: string;
    let broker: KafkaBroker;
    let topics = 0;
    before(async () => {
      dir = await mkdtemp(join(tmpdir(), "gantry-kafka-"));
      broker = await startBroker(dir);
    });
    after(async () => {
      await broker?.close();
      await rm(dir, { recursive: true, force: true });
    });

    const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const configOf = (part: Partial<KafkaConfig> = {}): KafkaConfig => {
      topics += 1;
      const small = { client, topic: `t${topics}`, partitions: 3, replication: 1, ...part };
      return kafkaConfig.parse({ brokers: [broker.address], ...small });
    };
    /** The error of a start with this configuration. */
    const refusal = async (config: KafkaConfig): Promise<readonly [ErrorCode, string]> => {
      const bus = openKafkaBus(config, { logger });
      try {
        await bus.checkTopic();
      } catch (error) {
        if (error instanceof GantryError) return [error.code, explain(error).message];
        throw error;
      } finally {
        await bus.close();
      }
      throw new Error("the start succeeded");
    };

    busSuite(client, async () => {
      const config = configOf();
      return { open: () => openKafkaBus(config, { logger }) };
    });

    test("an unsuitable topic is reported in one sentence", async () => {
      const missing = configOf({ create: false });
      assert.deepEqual(await refusal(missing), [
        "topic-unfit",
        `The Kafka topic ${missing.topic} cannot carry events: it does not exist.`,
      ]);
      const lonely = configOf({ replication: 3 });
      const [code, message] = await refusal(lonely);
      assert.equal(code, "topic-unfit");
      assert.match(message, /it cannot be created: .*[Rr]eplication/);

      const made = configOf();
      const bus = openKafkaBus(made, { logger });
      await bus.checkTopic();
      await bus.close();
      assert.match((await refusal({ ...made, partitions: 5 }))[1], /it has 3 partitions, and 5 are configured/);
      assert.match((await refusal({ ...made, replication: 2 }))[1], /a partition has 1 replicas, and 2 are configured/);
      const longer = { ...made, retentionMs: made.retentionMs + 1 };
      assert.match((await refusal(longer))[1], /it keeps events for 604800000 ms, and 604800001 ms are configured/);
    });

    test("TLS and an account: the right ones are accepted, wrong ones are refused with the reason", async () => {
      const sasl = { mechanism: "plain" as const, ...BROKER_ACCOUNT };
      const secure = { brokers: [broker.tlsAddress], tls: true, tlsCa: broker.ca, sasl };
      const bus = openKafkaBus(configOf(secure), { logger });
      await bus.checkTopic();
      await bus.publish(manyMessages(["a"], 1));
      await bus.close();

      const wrong = configOf({ ...secure, sasl: { ...sasl, password: "another-password" } });
      const [code, message] = await refusal(wrong);
      assert.equal(code, "bus-refused");
      assert.ok(message.includes(broker.tlsAddress) && !message.includes("another-password"), message);
      // Without its authority the certificate is not trusted.
      assert.equal((await refusal(configOf({ ...secure, tlsCa: undefined })))[0], "unavailable");
    });

    test("publishing to a killed broker rejects, and acknowledged messages are there afterwards", async () => {
      const bus = openKafkaBus(configOf(), { logger });
      await bus.checkTopic();
      const sent = manyMessages(["a", "b", "c"], 20);
      await bus.publish(sent.slice(0, 30));
      const got: BusMessage[] = [];
      const complete = new Promise<void>((resolve) => {
        const handle = async (messages: readonly BusMessage[]): Promise<void> => {
          got.push(...messages);
          if (new Set(got.map(({ value }) => value)).size === sent.length) resolve();
        };
        bus.consume({ group: "killed", handle });
      });
      await broker.kill();
      await assert.rejects(bus.publish(sent.slice(30)), (error: unknown) => {
        return error instanceof GantryError && error.code === "unavailable";
      });
      assert.equal(bus.health().up, false);
      await broker.start();
      for (let left = true; left; ) {
        left = await bus.publish(sent.slice(30)).then(
          () => false,
          () => true,
        );
      }
      await complete;
      for (const key of ["a", "b", "c"]) {
        const values = [...new Set(got.filter((one) => one.key === key).map(({ value }) => value))];
        assert.deepEqual(
          values,
          sent.filter((one) => one.key === key).map(({ value }) => value),
        );
      }
      assert.equal(bus.health().up, true);
      await bus.close();
    });

    test("a broker that stops answering blocks a publisher only until its time limit, and the next publish succeeds", async () => {
      let wake = (): void => {};
      // The test fires the watchdog timer itself; all other waits are real.
      const after = (ms: number, run: () => void): (() => void) => {
        if (ms === 30_000) {
          wake = run;
          return () => {};
        }
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      };
      const bus = openKafkaBus(configOf(), { logger, clock: { after } });
      await bus.checkTopic();
      await bus.publish(manyMessages(["a"], 1));
      broker.pause();
      const stuck = bus.publish(manyMessages(["a"], 1, 1));
      setImmediate(() => setImmediate(() => wake()));
      await assert.rejects(stuck, /cannot be reached/);
      assert.match(JSON.stringify(bus.health()), /publishing did not end within 30 s/);
      broker.resume();
      await bus.publish(manyMessages(["a"], 1, 1));
      await bus.close();
    });

    test("the end of a task is notified once over Kafka, also when both agents were down in between", async () => {
      const { brokers, topic } = configOf();
      const kafka = { client, brokers, topic, partitions: 3, replication: 1 };
      const agent = await startTaskAgentOnKafka(join(dir, "agent"), kafka, logger);
      const end = async (key: string): Promise<string> => {
        const { id } = await agent.client.startTask({
          pipeline: "wait",
          params: {},
          idempotencyKey: key,
          principal: "kim",
        });
        await agent.client.cancel(id, { principal: "kim" });
        return id;
      };
      const first = await end("one");
      const notify = await startNotifyAgentOnKafka(join(dir, "notify"), kafka, logger);
      while ((await notify.inbox()).length < 1) await nextTurn();
      await notify.close();
      const second = await end("two");
      const again = await startNotifyAgentOnKafka(join(dir, "notify"), kafka, logger);
      while ((await again.inbox()).length < 2) await nextTurn();
      assert.deepEqual((await again.inbox()).map(({ task }) => task).toSorted(), [first, second].toSorted());
      await again.close();
      await agent.close();
    });

    test("a process with an unsuitable topic ends with exit code 2 and the reason", async () => {
      const { brokers, topic } = configOf();
      const config = join(dir, "agent.json");
      const token = "a-token-of-this-test";
      const kafka = { client, brokers, topic, create: false, partitions: 1, replication: 1 };
      const common = { data: join(dir, "refused"), portalUrl: "http://portal.invalid", token, runnerTokens: {} };
      await writeFile(config, JSON.stringify({ ...common, events: { kafka } }));
      const child = spawn(process.execPath, [TASK_AGENT, "--config", config], { stdio: ["ignore", "ignore", "pipe"] });
      const said: string[] = [];
      child.stderr.setEncoding("utf8").on("data", (text: string) => said.push(text));
      const [code] = (await once(child, "close")) as [number | null];
      assert.equal(code, 2, said.join(""));
      const says = "Events could be lost or arrive out of order. Create it, or set `create: true`";
      assert.equal(
        said.join(""),
        `The Kafka topic ${topic} cannot carry events: it does not exist. ${says} so that Gantry does.\n`,
      );
    });

    test("a topic with too few partitions ends both agents with exit code 2", async () => {
      const { brokers, topic } = configOf({ partitions: 3 });
      const kafka = { client, brokers, topic, partitions: 3, replication: 1 };
      const bus = openKafkaBus(kafkaConfig.parse(kafka), { logger });
      await bus.checkTopic();
      await bus.close();
      const more = { ...kafka, partitions: 12 };
      const says = `The Kafka topic ${topic} cannot carry events: it has 3 partitions, and 12 are configured. Events could be lost or arrive out of order. Add partitions to the topic while no task runs, or configure fewer.`;
      await withFolder(async (dir) => {
        await startsBadly(dir, { process: "task-agent", config: { events: { kafka: more } }, says });
        await startsBadly(dir, { process: "notify-agent", config: { source: { kafka: more } }, says });
      });
    });

    test("a Kafka that was reached once and is down does not keep a process from starting", async () => {
      const kafka = { ...configOf(), brokers: [broker.address] };
      const { brokers, topic } = kafka;
      const config = { client, brokers, topic, partitions: 3, replication: 1 };
      const folder = join(dir, "reached");
      await (await startTaskAgentOnKafka(folder, config, logger)).close();
      await broker.kill();
      const agent = await startTaskAgentOnKafka(folder, config, logger);
      const answer = await fetch(`${agent.url}/readyz`);
      const { status, problems } = (await answer.json()) as { status: string; problems: string[] };
      assert.deepEqual([answer.status, status], [200, "degraded"]);
      assert.match(
        problems.join(" "),
        /^Events cannot be published to Kafka; they wait in the journal\. .*ECONNREFUSED/,
      );
      assert.match(await (await fetch(`${agent.url}/metrics`)).text(), /^gantry_events_out_up 0$/m);
      await agent.close();
      await assert.rejects(startTaskAgentOnKafka(join(dir, "new"), config, logger), { code: "bus-unreachable" });
      await broker.start();
    });
  });

describe("Kafka with both clients at once", { skip }, () => {
  let dir: string;
  let broker: KafkaBroker;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "gantry-kafka-"));
    broker = await startBroker(dir);
  });
  after(async () => {
    await broker?.close();
    await rm(dir, { recursive: true, force: true });
  });

  // One topic for both clients: the suite's publisher and one reader use one, its second reader the other. So keys must be
  // in the same partition with either, and members of one group may use different clients.
  let topics = 0;
  busSuite("both clients in turn", async () => {
    topics += 1;
    const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const config = { brokers: [broker.address], topic: `both${topics}`, partitions: 3, replication: 1 };
    let opened = topics;
    return {
      open: () => {
        opened += 1;
        const client = opened % 2 === 0 ? "kafkajs" : "platformatic";
        return openKafkaBus(kafkaConfig.parse({ ...config, client }), { logger });
      },
    };
  });

  test("a key is in the same partition with either client", async () => {
    const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const keys = Array.from({ length: 40 }, (_, at) => `01M${at}한`);
    const got: BusMessage[] = [];
    const config = { brokers: [broker.address], topic: "keys", partitions: 7, replication: 1 };
    const buses = (["kafkajs", "platformatic"] as const).map((client) =>
      openKafkaBus(kafkaConfig.parse({ ...config, client }), { logger }),
    );
    for (const bus of buses) {
      await bus.checkTopic();
      await bus.publish(manyMessages(keys, 1));
    }
    // A handler gets messages of one partition: whichever client sent them, a key is always in the same one.
    await new Promise<void>((resolve) => {
      buses[0]?.consume({
        group: "keys",
        handle: async (messages) => {
          got.push(...messages);
          const inThisOne = Map.groupBy(messages, ({ key }) => key);
          for (const [key, copies] of inThisOne) assert.equal(copies.length, 2, key);
          if (got.length === 2 * keys.length) resolve();
        },
      });
    });
    await Promise.all(buses.map((bus) => bus.close()));
  });
});

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
