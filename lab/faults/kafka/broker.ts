// A real Kafka broker for tests: Apache Kafka in KRaft mode, one node, on free loopback ports. fetch.sh downloads the jars;
// without them or without Java, tests are skipped with the reason.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePorts } from "@gantry/runtime/free-ports.ts";

/** The one account of the listener with SASL. */
export const BROKER_ACCOUNT = { username: "gantry", password: "a-password-of-the-lab" };

export type KafkaBroker = {
  readonly address: string;
  /** The listener with TLS that requires BROKER_ACCOUNT (mechanism `plain`). */
  readonly tlsAddress: string;
  /** The self-signed certificate of that listener, PEM. */
  readonly ca: string;
  /** SIGKILL. Acknowledged messages stay in its folder. */
  readonly kill: () => Promise<void>;
  /** Starts it again after `kill`, with the same ports and folder. */
  readonly start: () => Promise<void>;
  /** SIGSTOP: its sockets stay open. `resume` continues it. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Kills it and removes its folder. */
  readonly close: () => Promise<void>;
};

/** Why no broker can be started on this machine; undefined when one can. */
export function whyNoBroker(): string | undefined {
  if (!existsSync(join(home(), "fetched"))) return "no Kafka broker here: lab/faults/kafka/fetch.sh fetches one";
  if (spawnSync("java", ["-version"]).status !== 0) return "no Kafka broker here: it needs Java 17";
  if (spawnSync("openssl", ["version"]).status !== 0) return "no Kafka broker here: its certificate needs openssl";
  return undefined;
}

/** Starts a broker with an empty folder inside `dir`. Resolves when it serves (about 5 s). */
export async function startBroker(dir: string): Promise<KafkaBroker> {
  const [port, controller, sasl] = (await freePorts(3)) as [number, number, number];
  const folder = join(dir, `kafka-${port}`);
  await mkdir(join(folder, "data"), { recursive: true });
  await writeFile(join(folder, "server.properties"), properties({ folder, port, controller, sasl }));
  // What `kafka-storage format` would write. Writing it directly saves the seconds of a Java process.
  await writeFile(
    join(folder, "data", "meta.properties"),
    "version=1\ncluster.id=Z2FudHJ5LWxhYi1rYWZrYQ\nnode.id=1\ndirectory.id=Z2FudHJ5LWxhYi1kYXRhMQ\n",
  );
  const ca = await makeCertificate(folder);
  let running = await launch(folder);
  const kill = async (): Promise<void> => {
    if (running.exitCode !== null || running.signalCode !== null) return;
    running.kill("SIGKILL");
    await once(running, "close");
  };
  return {
    address: `127.0.0.1:${port}`,
    tlsAddress: `127.0.0.1:${sasl}`,
    ca,
    kill,
    start: async () => {
      running = await launch(folder);
    },
    pause: () => void running.kill("SIGSTOP"),
    resume: () => void running.kill("SIGCONT"),
    close: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Writes a new key and certificate for the TLS listener; returns the certificate. */
async function makeCertificate(folder: string): Promise<string> {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"];
  const made = spawnSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, ...subject],
    { encoding: "utf8" },
  );
  if (made.status !== 0) throw new Error(`openssl created no certificate: ${made.stderr}`);
  const ca = await readFile(cert, "utf8");
  await writeFile(join(folder, "broker.pem"), (await readFile(key, "utf8")) + ca);
  return ca;
}

/** The folder to which fetch.sh downloads the jars. */
function home(): string {
  return process.env.GANTRY_KAFKA_DIR ?? join(homedir(), ".cache/gantry-test/kafka");
}

async function launch(folder: string): Promise<ChildProcess> {
  const child = spawn(
    "java",
    [
      "-Xmx384m",
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
      "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
      "-cp",
      join(home(), "jars", "*"),
      "kafka.Kafka",
      join(folder, "server.properties"),
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const said: string[] = [];
  const lines = createInterface({ input: child.stderr });
  await new Promise<void>((resolve, reject) => {
    lines.on("line", (line) => {
      said.push(line);
      if (said.length > 40) said.shift();
      if (line.includes("Kafka Server started")) resolve();
    });
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`the broker ended with ${code}:\n${said.join("\n")}`)));
  });
  return child;
}

type Place = {
  readonly folder: string;
  readonly port: number;
  readonly controller: number;
  readonly sasl: number;
};

function properties({ folder, port, controller, sasl }: Place): string {
  const { username, password } = BROKER_ACCOUNT;
  const module = "org.apache.kafka.common.security.plain.PlainLoginModule";
  return `${[
    "process.roles=broker,controller",
    "node.id=1",
    `controller.quorum.voters=1@127.0.0.1:${controller}`,
    `listeners=OPEN://127.0.0.1:${port},SASL://127.0.0.1:${sasl},CONTROLLER://127.0.0.1:${controller}`,
    `advertised.listeners=OPEN://127.0.0.1:${port},SASL://127.0.0.1:${sasl}`,
    "inter.broker.listener.name=OPEN",
    "controller.listener.names=CONTROLLER",
    "listener.security.protocol.map=OPEN:PLAINTEXT,SASL:SASL_SSL,CONTROLLER:PLAINTEXT",
    "sasl.enabled.mechanisms=PLAIN",
    `listener.name.sasl.plain.sasl.jaas.config=${module} required user_${username}="${password}";`,
    "listener.name.sasl.ssl.keystore.type=PEM",
    `listener.name.sasl.ssl.keystore.location=${join(folder, "broker.pem")}`,
    `log.dirs=${join(folder, "data")}`,
    "auto.create.topics.enable=false",
    "offsets.topic.num.partitions=1",
    "offsets.topic.replication.factor=1",
    "transaction.state.log.num.partitions=1",
    "transaction.state.log.replication.factor=1",
    "transaction.state.log.min.isr=1",
    "group.initial.rebalance.delay.ms=0",
    "num.network.threads=2",
    "num.io.threads=2",
    "log.cleaner.enable=false",
    // After a kill, the old registration must expire before a new one is accepted.
    "broker.session.timeout.ms=1500",
    "broker.heartbeat.interval.ms=500",
  ].join("\n")}\n`;
}
