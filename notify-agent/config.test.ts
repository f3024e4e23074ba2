import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { GantryError } from "@gantry/core/errors.ts";
import { parse } from "yaml";
import { type NotifyConfigInput, parseConfig } from "./config.ts";

const GOOD = { token: "x".repeat(16), agent: { url: "http://agent", token: "y".repeat(16) } };

function problemsOf(value: NotifyConfigInput, env = {}): readonly string[] {
  try {
    parseConfig(value, env);
    return [];
  } catch (error) {
    assert.ok(error instanceof GantryError && error.code === "config-invalid");
    return error.problems.map((problem) => `${problem.pointer}: ${problem.detail}`);
  }
}

test("a minimal configuration sends to the inbox, with the default rules", () => {
  const config = parseConfig(GOOD, {});
  assert.deepEqual(
    config.rules.map((rule) => rule.name),
    ["task-ended", "app-created", "job-held", "approval"],
  );
  assert.deepEqual(
    config.rules[0]?.send.map((one) => one.channel),
    ["inbox"],
  );
});

test("default rules send on every channel", () => {
  const slack = { kind: "messenger", preset: "slack", url: "https://hooks.example/x" };
  const config = parseConfig({ ...GOOD, channels: { one: slack, two: slack } }, {});
  assert.deepEqual(
    config.rules[0]?.send.map((one) => one.channel),
    ["inbox", "one", "two"],
  );
});

test("all errors in channels and rules are reported together", () => {
  const problems = problemsOf({
    ...GOOD,
    channels: {
      inbox: { kind: "messenger" },
      pager: { kind: "messanger" },
      slack: { kind: "messenger", preset: "slack", url: "ftp://x", colour: 1 },
      mail: { kind: "mail", host: "h", from: "nobody" },
    },
    rules: [{ name: "a", when: "event.outcom == 1", oncePer: "task.id", send: [{ channel: "slak" }] }],
  }).join("\n");
  for (const part of [
    "/channels/inbox: The channel inbox is built in",
    "/channels/pager/kind: Unknown kind of channel messanger (did you mean messenger?)",
    "/channels/slack/url",
    "/channels/slack/colour",
    "/channels/mail/from",
    "/rules/0/when",
    "/rules/0/send/0/channel: There is no channel slak (did you mean slack?)",
  ]) {
    assert.ok(problems.includes(part), `${part}\n---\n${problems}`);
  }
});

test("secrets come from files and variables; a missing one is an error", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-config-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, "token");
  await writeFile(file, `${"z".repeat(20)}\n`);
  const config = { ...GOOD, token: { file }, agent: { url: "http://agent", token: { env: "AGENT" } } };
  const read = parseConfig(config, { AGENT: "w".repeat(20) });
  assert.equal(read.token, "z".repeat(20));
  assert.deepEqual(read.source, { kind: "feed", agent: { url: "http://agent", token: "w".repeat(20) } });
  assert.match(problemsOf(config).join(), /\/agent\/token: The variable AGENT is not set/);
  assert.match(problemsOf({ ...GOOD, token: "short" }).join(), /\/token: The token must have at least 16 characters/);
  assert.match(problemsOf({ ...GOOD, token: { file: join(dir, "none") } }).join(), /\/token: The file .* \(ENOENT\)/);
});

test("events come from a task-agent or from Kafka; one is required", () => {
  const { agent: _, ...rest } = GOOD;
  assert.match(problemsOf(rest).join(), /\/agent: An event source is missing/);
  const sasl = { mechanism: "scram-sha-512" as const, username: "gantry", password: { env: "KAFKA" } };
  const kafka = { brokers: ["kafka-1:9093"], tls: true, sasl };
  const { source } = parseConfig({ ...rest, source: { kafka } }, { KAFKA: "secret" });
  assert.ok(source.kind === "kafka");
  assert.deepEqual(
    [source.group, source.kafka.client, source.kafka.topic, source.kafka.sasl?.password],
    ["gantry-notify", "kafkajs", "gantry.events", "secret"],
  );
  assert.match(
    problemsOf({ ...rest, source: { kafka } }).join(),
    /\/source\/kafka\/sasl\/password: The variable KAFKA/,
  );
  assert.match(
    problemsOf({ ...rest, source: { kafka: { ...kafka, brokers: ["nowhere"] } } }).join(),
    /must be host:port/,
  );
});

test("the channels, callbacks and rules of docs/notifications.md can be used", async () => {
  const page = await readFile(fileURLToPath(new URL("../docs/notifications.md", import.meta.url)), "utf8");
  const blocks = [...page.matchAll(/```yaml\n([^`]*)```/g)].map(([, text = ""]) => text);
  // The files of the password and of the key do not exist here.
  const text = blocks
    .join("")
    .replace("{ file: /run/secrets/smtp-password }", "{ env: SLACK_WEBHOOK }")
    .replace("{ file: /run/secrets/callback-key }", "{ env: CALLBACK_KEY }");
  const given = parse(text) as Pick<NotifyConfigInput, "channels" | "rules" | "callbacks">;
  const env = {
    SLACK_WEBHOOK: "https://hooks.example/x",
    CALLBACK_KEY: `whsec_${Buffer.alloc(32, 1).toString("base64")}`,
  };
  const { channels, rules } = parseConfig({ ...GOOD, ...given }, env);
  assert.deepEqual([...channels.keys()].toSorted(), ["callback", "mail", "slack"]);
  assert.deepEqual(
    rules.map(({ name }) => name),
    ["failures-by-mail", "deployments", "decisions", "approvals"],
  );
});
