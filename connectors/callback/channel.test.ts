// Callbacks against a receiver that checks signatures.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Message, SendResult } from "@gantry/core/notify/channel.ts";
import { startCallbackReceiver } from "@gantry/lab/fakes/callback-receiver.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { callbackChannel } from "./channel.ts";

const KEY = `whsec_${Buffer.alloc(24, 5).toString("base64")}`;

async function open(t: TestContext, config: object = {}) {
  const receiver = await startCallbackReceiver({ name: "receiver", dir: await tempDir(t), key: KEY });
  t.after(receiver.close);
  const settings = { key: KEY, hosts: ["127.0.0.1"], allow: ["127.0.0.1"], ...config };
  const read = callbackChannel.config["~standard"].validate(settings);
  assert.ok(!(read instanceof Promise) && read.issues === undefined, JSON.stringify(read));
  const channel = callbackChannel.open(read.value, { fetch });
  const send = (to: string, key = "callback/t01/0/callback"): Promise<SendResult> =>
    channel.send(messageTo(to, key), AbortSignal.timeout(60_000));
  return { receiver, send, channel };
}

function messageTo(to: string, key: string): Message {
  const payload = { type: "task.ended", data: { title: "grüße ☃" } };
  const text = { title: "", text: "", facts: [], link: undefined, thread: "t01", state: "succeeded" as const };
  return { ...text, key, to, payload, at: new Date(0) };
}

test("A20: the signature fits the body, also with characters beyond ASCII, and a message that came twice is one", async (t) => {
  const { receiver, send } = await open(t);
  assert.deepEqual(await send(`${receiver.url}/one`), { kind: "delivered" });
  assert.deepEqual(await send(`${receiver.url}/one`), { kind: "delivered" });
  const { items } = (await (await fetch(`${receiver.url}/_lab/callbacks`)).json()) as { items: { body: unknown }[] };
  assert.deepEqual(
    items.map(({ body }) => body),
    [{ type: "task.ended", data: { title: "grüße ☃" } }],
  );
});

test("A20: with another key the receiver refuses the message, which waits for the right one", async (t) => {
  const { receiver, send } = await open(t, { key: `whsec_${Buffer.alloc(24, 6).toString("base64")}` });
  const result = await send(`${receiver.url}/one`);
  assert.equal(result.kind, "retry");
  assert.match(result.kind === "retry" ? result.problem : "", /status 401/);
});

test("A20: a redirect is not followed, and a receiver that asks for time gets it", async (t) => {
  const { receiver, send } = await open(t);
  receiver.faults.add({ kind: "status", status: 307, times: 1 });
  assert.deepEqual(await send(`${receiver.url}/one`), {
    kind: "retry",
    problem: "it redirects elsewhere (status 307)",
  });
  receiver.faults.add({ kind: "status", status: 410, body: { message: "gone" }, times: 1 });
  assert.equal((await send(`${receiver.url}/one`)).kind, "refused");
});

test("A20: a host of the list that leads to this machine is refused, and so is one beside the list", async (t) => {
  const { receiver, send } = await open(t, { hosts: ["*"], allow: [] });
  const result = await send(receiver.url);
  assert.deepEqual(result, {
    kind: "refused",
    problem: "127.0.0.1 may not be called: it is an address of the machine itself",
  });
  assert.equal(receiver.exchanges.length, 0, "nothing was called");
});

test("A20: each host is a lane of its own", async (t) => {
  const { channel } = await open(t);
  const lane = channel.lane ?? (() => "");
  assert.equal(lane("https://a.example/x"), lane("https://a.example/y"));
  assert.notEqual(lane("https://a.example/x"), lane("https://b.example/x"));
});
