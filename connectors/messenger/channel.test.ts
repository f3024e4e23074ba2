import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { Message, SendResult } from "@gantry/core/notify/channel.ts";
import { STATES } from "@gantry/core/task/states.ts";
import { testRuns } from "@gantry/core/test-runs.fixture.ts";
import { anyCharacter } from "@gantry/lab/any-character.fixture.ts";
import { selfSigned } from "@gantry/lab/fakes/certificate.ts";
import type { FakeServer } from "@gantry/lab/fakes/fake-server.ts";
import { LAB_CUBE, type LabMessage, startMessenger } from "@gantry/lab/fakes/messenger.ts";
import fc from "fast-check";
import { type MessengerConfig, messengerChannel, messengerConfig } from "./channel.ts";

const SECRET = "T0SECRET/B0SECRET/hookSecretOfTheChannel";

const message: Message = {
  key: "task-ended/t01/ops",
  thread: "t01",
  to: undefined,
  state: "failed",
  title: "✕ Run CD: orders failed at deploy[tokyo]: wait",
  text: "The app is Degraded.\nCorrect the image.",
  facts: [
    ["App", "orders"],
    ["Requested by", "kim"],
  ],
  link: { label: "Open the task", url: "https://portal.example/tasks/t01" },
  at: new Date(1_750_000_000_000),
};

type Preset = MessengerConfig["preset"];
const PRESETS: readonly Preset[] = messengerConfig.options.map(({ shape }) => shape.preset.value);

async function startLab(t: TestContext): Promise<FakeServer> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-messenger-"));
  const fake = await startMessenger({ name: "messenger", dir });
  t.after(async () => {
    await fake.close();
    await rm(dir, { recursive: true, force: true });
  });
  return fake;
}

function configOf(preset: Preset, url: string): MessengerConfig {
  const configs = {
    cube: { preset, url: `${url}/cube/api/multiMessage`, ...LAB_CUBE, people: ["kim"], channels: ["7"] },
    slack: { preset, url: `${url}/slack/services/${SECRET}` },
    mattermost: { preset, url: `${url}/mattermost/hooks/hookSecretOfTheChannel` },
    teams: { preset, url: `${url}/teams/workflows/abc/triggers/manual?sig=hookSecretOfTheChannel` },
    discord: { preset, url: `${url}/discord/api/webhooks/123456789/hookSecretOfTheChannel` },
    template: {
      preset,
      url: `${url}/any/x`,
      headers: { authorization: "Bearer hookSecretOfTheChannel" },
      body: { title: "{title}", text: "{text}", facts: "{facts}", line: "{to}: {title} ({key})", link: "{link}" },
    },
  };
  return messengerConfig.parse(configs[preset]);
}

function sendTo(
  config: MessengerConfig,
  one: Message = message,
  signal = AbortSignal.timeout(60_000),
): Promise<SendResult> {
  return messengerChannel.open(config, { fetch }).send(one, signal);
}

async function received(fake: FakeServer): Promise<readonly LabMessage[]> {
  const answer = (await (await fetch(`${fake.url}/_lab/messages`)).json()) as { items: LabMessage[] };
  return answer.items;
}

describe("a message arrives", () => {
  for (const preset of PRESETS) {
    test(`at ${preset}, title first, with text, facts and key`, async (t) => {
      const fake = await startLab(t);
      assert.deepEqual(await sendTo(configOf(preset, fake.url)), { kind: "delivered" });
      const [got, ...more] = await received(fake);
      assert.equal(more.length, 0);
      assert.ok(got);
      assert.match(got.title, /^✕ Run CD: orders failed/);
      for (const part of ["Degraded", "Requested by", "kim"]) assert.ok(got.text.includes(part), part);
      assert.equal(got.key, message.key);
      assert.ok(JSON.stringify(got.body).includes("https://portal.example/tasks/t01"));
    });

    test(`at ${preset}, in every state and with nothing optional`, async (t) => {
      const fake = await startLab(t);
      const config = configOf(preset, fake.url);
      for (const state of STATES) {
        const bare: Message = { ...message, state, text: "", facts: [], link: undefined };
        assert.deepEqual(await sendTo(config, bare), { kind: "delivered" });
      }
    });

    test(`at ${preset}, however large it is`, async (t) => {
      const fake = await startLab(t);
      const wide = "주문<&>@[]()_*".repeat(2_000);
      const facts = Array.from({ length: 60 }, (_, at) => [`${at}${wide}`, wide] as const);
      const huge: Message = { ...message, title: wide, text: wide, facts };
      assert.deepEqual(await sendTo(configOf(preset, fake.url), huge), { kind: "delivered" });
    });
  }

  test("at CUBE, people and channels of a rule replace those of the configuration", async (t) => {
    const fake = await startLab(t);
    const config = configOf("cube", fake.url);
    await sendTo(config);
    await sendTo(config, { ...message, to: "lee, #42,park" });
    assert.deepEqual(
      (await received(fake)).map((one) => one.to),
      [
        ["kim", "#7"],
        ["lee", "park", "#42"],
      ],
    );
  });

  test("at Mattermost, in the channel that the rule names", async (t) => {
    const fake = await startLab(t);
    await sendTo(configOf("mattermost", fake.url), { ...message, to: "town-square" });
    assert.deepEqual((await received(fake))[0]?.to, ["town-square"]);
  });

  test("at Discord, under the name of the configuration, linked, and with facts that have no text", async (t) => {
    const fake = await startLab(t);
    const config = messengerConfig.parse({ ...configOf("discord", fake.url), username: "Deployments" });
    assert.deepEqual(await sendTo(config, { ...message, facts: [["App", " "]] }), { kind: "delivered" });
    const body = (await received(fake))[0]?.body as { username: string; embeds: { url: string; timestamp: string }[] };
    assert.equal(body.username, "Deployments");
    assert.equal(body.embeds[0]?.url, message.link?.url);
    assert.equal(body.embeds[0]?.timestamp, message.at.toISOString());
  });

  test("by a template, values keep their types and cannot break out of a text", async (t) => {
    const fake = await startLab(t);
    const title = '"},{"admin":true,"x":"{key}\\';
    await sendTo(configOf("template", fake.url), { ...message, title });
    assert.deepEqual((await received(fake))[0]?.body, {
      title,
      text: message.text,
      facts: [
        { name: "App", value: "orders" },
        { name: "Requested by", value: "kim" },
      ],
      line: `: ${title} (${message.key})`,
      link: "https://portal.example/tasks/t01",
    });
  });
});

describe("text of people does nothing", () => {
  const evil =
    "@all @here @channel <!channel> <@U123> [click](https://evil.example) <https://evil.example|bank> *b* `c`";
  for (const preset of PRESETS) {
    test(`at ${preset}`, async (t) => {
      const fake = await startLab(t);
      const bad: Message = { ...message, title: evil, text: evil, facts: [[evil, evil]] };
      await sendTo(configOf(preset, fake.url), bad);
      const body = JSON.stringify((await received(fake))[0]?.body);
      assert.doesNotMatch(body, /@(all|here|channel)/);
      if (preset === "slack") assert.doesNotMatch(body, /[<>]/);
      if (preset === "mattermost") {
        const text = String(/"text":"(.*?)(?<!\\)"/.exec(body)?.[1]).replaceAll("\\\\", "\\");
        assert.doesNotMatch(text, /(?<!\\)[[\]()*`]/);
      }
      if (preset === "discord") {
        assert.ok(body.includes('"allowed_mentions":{"parse":[]}'), "Discord may notify whom the text names");
        const texts = [...body.matchAll(/"(?:title|description|name|value)":"(.*?)(?<!\\)"/g)].map(
          ([, text = ""]) => text,
        );
        assert.equal(texts.length, 4);
        for (const text of texts) assert.doesNotMatch(text.replaceAll("\\\\", "\\"), /(?<!\\)[[\]()*`<>]/);
      }
      if (preset === "teams") {
        assert.doesNotMatch(body, /"TextBlock"/, "a TextBlock reads Markdown");
        assert.doesNotMatch(/"facts":.*/.exec(body)?.[0] ?? "", /\]\(/);
      }
    });
  }
});

describe("what an answer means", () => {
  const cases: readonly (readonly [number, unknown, SendResult["kind"]])[] = [
    [200, "ok", "delivered"],
    [202, "", "delivered"],
    [200, "<!doctype html><title>Sign in</title>", "retry"],
    [200, { success: false, error: "unknown channel" }, "retry"],
    [400, "invalid_payload", "refused"],
    [401, "", "retry"],
    [403, "action_prohibited", "refused"],
    [404, "no_service", "refused"],
    [400, "<html>400 The plain HTTP request was sent to HTTPS port</html>", "retry"],
    [403, "<html>403 Forbidden</html>", "retry"],
    [403, "RBAC: access denied", "retry"],
    [404, "<!doctype html><title>We are back soon</title>", "retry"],
    [404, "default backend - 404", "retry"],
    [404, "404 page not found\n", "retry"],
    [404, "", "retry"],
    [405, "<html>405 Not Allowed</html>", "retry"],
    [408, "", "retry"],
    [410, "channel_is_archived", "refused"],
    [413, "", "refused"],
    [429, "", "retry"],
    [500, "rollup_error", "retry"],
    [502, "<html>bad gateway</html>", "retry"],
  ];
  for (const [status, body, kind] of cases) {
    test(`${status} ${JSON.stringify(body)} is ${kind}`, async (t) => {
      const fake = await startLab(t);
      fake.faults.add({ kind: "status", status, body, times: 1 });
      assert.equal((await sendTo(configOf("slack", fake.url))).kind, kind);
    });
  }

  test("429 and 503 say how long to wait, at most an hour", async (t) => {
    const answers = [
      ["429", "7"],
      ["503", "100000"],
      ["429", "soon"],
    ] as const;
    let at = 0;
    const url = await startServer(t, () => answers[at++] ?? ["500", ""]);
    const config = messengerConfig.parse({ preset: "slack", url });
    assert.deepEqual(await sendTo(config), { kind: "retry", problem: "status 429", afterMs: 7_000 });
    assert.deepEqual(await sendTo(config), { kind: "retry", problem: "status 503", afterMs: 3_600_000 });
    assert.deepEqual(await sendTo(config), { kind: "retry", problem: "status 429" });
  });

  test("a lost connection, a lost answer and a closed port are tried again", async (t) => {
    const fake = await startLab(t);
    const config = configOf("slack", fake.url);
    fake.faults.add({ kind: "drop", times: 1 });
    assert.equal((await sendTo(config)).kind, "retry");
    fake.faults.add({ kind: "drop-answer", times: 1 });
    assert.equal((await sendTo(config)).kind, "retry");
    const nobody = configOf("slack", "http://127.0.0.1:9");
    assert.equal((await sendTo(nobody)).kind, "retry");
  });

  test("a redirect is not followed", async (t) => {
    const url = await startServer(t, () => ["302", ""]);
    const result = await sendTo(messengerConfig.parse({ preset: "slack", url }));
    assert.deepEqual(result, { kind: "retry", problem: "it redirects elsewhere (status 302)" });
  });

  test("a call that was given up is tried again", async (t) => {
    const fake = await startLab(t);
    const result = await sendTo(configOf("slack", fake.url), message, AbortSignal.abort());
    assert.deepEqual(result, { kind: "retry", problem: "no answer in time" });
  });
});

describe("secrets stay inside", () => {
  for (const preset of PRESETS) {
    test(`at ${preset}, when the answer repeats them`, async (t) => {
      const fake = await startLab(t);
      const secret = preset === "cube" ? LAB_CUBE.token : "hookSecretOfTheChannel";
      for (const fill of [0, 280, 290, 295]) {
        fake.faults.add({ kind: "status", status: 400, body: `${"x".repeat(fill)} ${secret} is wrong`, times: 1 });
        const result = await sendTo(configOf(preset, fake.url));
        assert.equal(result.kind, "refused");
        assert.ok(result.kind === "refused" && !result.problem.includes(secret.slice(0, 6)), JSON.stringify(result));
      }
    });
  }
});

describe("the configuration", () => {
  const bad: readonly (readonly [string, unknown])[] = [
    ["an unknown preset", { preset: "irc", url: "https://x.example" }],
    ["an unknown key", { preset: "slack", url: "https://x.example", token: "x" }],
    ["an address that is not HTTP", { preset: "slack", url: "file:///etc/passwd" }],
    ["a misspelt placeholder", { preset: "template", url: "https://x.example", body: { a: "{titel}" } }],
    [
      "a header with a line end",
      { preset: "template", url: "https://x.example", headers: { a: "b\r\nc: d" }, body: {} },
    ],
  ];
  for (const [name, config] of bad) {
    test(`${name} is refused`, () => assert.equal(messengerConfig.safeParse(config).success, false));
  }
});

test("every preset takes ca: and insecureSkipVerify:, and names the remedy where a certificate is not trusted", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-messenger-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const tls = selfSigned(["localhost"]);
  const fake = await startMessenger({ name: "messenger", dir, tls });
  t.after(() => fake.close());
  const [ca, other] = [join(dir, "ca.pem"), join(dir, "other.pem")];
  await writeFile(ca, tls.cert);
  await writeFile(other, selfSigned(["localhost"]).cert);
  for (const preset of PRESETS) {
    const send = async (trust: object): Promise<string> => {
      const config = messengerConfig.parse({ ...configOf(preset, `https://localhost:${fake.port}`), ...trust });
      const result = await messengerChannel.open(config, { fetch }).send(message, AbortSignal.timeout(60_000));
      return result.kind === "delivered" ? result.kind : `${result.kind}: ${result.problem}`;
    };
    const untrusted = /^retry: the certificate of localhost:\d+ is not trusted .*name its authority with ca:/;
    assert.match(await send({}), untrusted, preset);
    assert.match(await send({ ca: other }), untrusted, preset);
    assert.equal(await send({ ca }), "delivered", preset);
    assert.equal(await send({ insecureSkipVerify: true }), "delivered", preset);
    assert.match(await send({ ca: join(dir, "none.pem") }), /^retry: The file \S+ cannot be read/, preset);
  }
});

test("property: sending never throws", async (t) => {
  const url = await startServer(t, () => ["200", ""]);
  const text = fc.string({ unit: anyCharacter, maxLength: 50 });
  const anyMessage = fc.record({
    title: text,
    text,
    facts: fc.array(fc.tuple(text, text), { maxLength: 5 }),
    to: fc.option(text, { nil: undefined }),
    key: fc.string({ minLength: 1 }),
  });
  await fc.assert(
    fc.asyncProperty(anyMessage, fc.constantFrom(...PRESETS), async (part, preset) => {
      const result = await sendTo(configOf(preset, url), { ...message, ...part });
      assert.equal(result.kind, "delivered");
    }),
    { numRuns: testRuns(60) },
  );
});

async function startServer(
  t: TestContext,
  answer: () => readonly [status: string, retryAfter: string],
): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      const [status, retryAfter] = answer();
      const headers = {
        ...(retryAfter ? { "retry-after": retryAfter } : {}),
        location: "http://127.0.0.1:1/elsewhere",
      };
      response.writeHead(Number(status), headers).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
