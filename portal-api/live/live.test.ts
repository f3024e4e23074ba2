// Live events over real HTTP: streams resume where they stopped, and polling returns the same events.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { type Got, readFrames, startTestPortal, type TestPortal, take } from "../portal.fixture.ts";

const LIVE = { pingMs: 50, recheckMs: 50, retryMs: 10, keep: 5, replay: 40 };
let portal: TestPortal;
let leaving: AbortController;

before(async () => {
  portal = await startTestPortal({ live: LIVE });
});
after(() => portal.close());
beforeEach(() => {
  leaving = new AbortController();
});
afterEach(() => leaving.abort());

async function open(path: string, headers: Record<string, string> = {}): Promise<AsyncGenerator<Got>> {
  const answer = await portal.ask(path, {
    headers: { accept: "text/event-stream", ...headers },
    signal: leaving.signal,
  });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type") ?? "", /^text\/event-stream/);
  assert.equal(answer.headers.get("cache-control"), "no-store");
  return readFrames(answer);
}

async function page(path: string): Promise<{ items: FeedEvent[]; last: number }> {
  const answer = await portal.ask(path);
  assert.equal(answer.status, 200);
  return (await answer.json()) as { items: FeedEvent[]; last: number };
}

const ids = (frames: readonly Got[]): number[] => frames.map((one) => Number(one.id));

test("A2: the stream of a task has past and live events, and resumes after the last id", async () => {
  const { id } = portal.agent.addTask();
  portal.agent.emit(id, "JobReady");
  const stream = await open(`/v1/tasks/${id}/events`);
  assert.deepEqual(ids(await take(stream, 2)), [1, 2]);
  portal.agent.addTask();
  portal.agent.emit(id, "JobStarted");
  portal.agent.emit(id, "StepStarted");
  assert.deepEqual(ids(await take(stream, 2)), [3, 4]);
  leaving.abort();

  leaving = new AbortController();
  const resumed = await open(`/v1/tasks/${id}/events`, { "last-event-id": "2" });
  portal.agent.emit(id, "StepEnded");
  assert.deepEqual(ids(await take(resumed, 3)), [3, 4, 5]);
});

test("the stream of a task has every event once, also when the buffer is too small for them", async () => {
  const { id } = portal.agent.addTask();
  const stream = await open(`/v1/tasks/${id}/events`);
  await take(stream, 1);
  for (let n = 0; n < 60; n += 1) portal.agent.emit(id, "StepStarted");
  assert.deepEqual(
    ids(await take(stream, 60)),
    Array.from({ length: 60 }, (_, at) => at + 2),
  );
});

test("stream and page of a task have the same events", async () => {
  const { id } = portal.agent.addTask();
  for (const kind of ["JobReady", "JobStarted", "StepStarted"]) portal.agent.emit(id, kind);
  const stream = await open(`/v1/tasks/${id}/events`);
  const streamed = (await take(stream, 4)).map((one) => one.data);
  assert.deepEqual((await page(`/v1/tasks/${id}/events`)).items, streamed);
  const rest = await page(`/v1/tasks/${id}/events?after=2`);
  assert.deepEqual(rest, { items: streamed.slice(2), last: 4 });
});

test("a page waits for events", async () => {
  const { id } = portal.agent.addTask();
  const waiting = page(`/v1/tasks/${id}/events?after=1&wait=20000`);
  const { last } = await page("/v1/events");
  const all = page(`/v1/events?after=${last}&wait=20000`);
  portal.agent.emit(id, "JobStarted");
  assert.deepEqual(
    (await waiting).items.map((event) => event.taskseq),
    [2],
  );
  assert.deepEqual(
    (await all).items.map((event) => event.subject),
    [id],
  );
  assert.deepEqual((await page(`/v1/tasks/${id}/events?after=2&wait=20`)).items, []);
});

test("the feed of all tasks resumes after the last id, also from before the buffer, and equals its page", async () => {
  const first = (await page("/v1/events")).last;
  const { id } = portal.agent.addTask({ app: "billing" });
  const other = portal.agent.addTask({ app: "orders" });
  for (let n = 0; n < 10; n += 1) portal.agent.emit(n % 2 ? id : other.id, "StepStarted");
  const stream = await open(`/v1/events?after=${first}`);
  const streamed = await take(stream, 12);
  assert.deepEqual(
    ids(streamed),
    Array.from({ length: 12 }, (_, at) => first + 1 + at),
  );
  assert.deepEqual(
    (await page(`/v1/events?after=${first}`)).items,
    streamed.map((one) => one.data),
  );

  const filtered = await open("/v1/events?app=billing", { "last-event-id": String(first) });
  const billing = (await take(filtered, 6)).map((one) => (one.data as FeedEvent).data.app);
  assert.deepEqual(new Set(billing), new Set(["billing"]));
  const paged = await page(`/v1/events?after=${first}&task=${id}`);
  assert.deepEqual(new Set(paged.items.map((event) => event.subject)), new Set([id]));
});

test("without a number the feed begins with new events", async () => {
  const stream = await open("/v1/events");
  const first = await stream.next();
  assert.deepEqual(first.value, { event: "link", data: { up: true } });
  const { id } = portal.agent.addTask();
  const [live] = await take(stream, 1);
  assert.equal((live as { data: FeedEvent }).data.subject, id);
});

test("a client that is too far behind is reset and continues with the newest event", async () => {
  const { id } = portal.agent.addTask();
  for (let n = 0; n < 50; n += 1) portal.agent.emit(id, "StepStarted");
  const { last } = await page("/v1/events");
  const stream = await open("/v1/events", { "last-event-id": "1" });
  const [reset] = await take(stream, 1);
  assert.deepEqual([reset?.event, reset?.data], ["reset", { last }]);
  portal.agent.emit(id, "StepEnded");
  assert.equal(Number((await take(stream, 1))[0]?.id), last + 1);
});

test("a client with an unknown number is reset", async () => {
  const { last } = await page("/v1/events");
  const stream = await open("/v1/events", { "last-event-id": "999999999" });
  const [reset] = await take(stream, 1);
  assert.deepEqual([reset?.event, reset?.data], ["reset", { last }]);
});

test("streams say that the task-agent is down, and miss no event afterwards", async () => {
  const { id } = portal.agent.addTask();
  const { last } = await page("/v1/events");
  const stream = await open("/v1/events");
  assert.deepEqual((await stream.next()).value, { event: "link", data: { up: true } });
  portal.agent.setOut(true);
  assert.deepEqual((await stream.next()).value, { event: "link", data: { up: false } });
  portal.agent.emit(id, "JobStarted");
  portal.agent.setOut(false);
  assert.deepEqual((await stream.next()).value, { event: "link", data: { up: true } });
  assert.deepEqual(ids(await take(stream, 1)), [last + 1]);
});

test("a stream ends when its token is revoked", async () => {
  const token = await portal.tokenOf("viewer", "leaver");
  const { id } = portal.agent.addTask();
  const answer = await portal.ask(`/v1/tasks/${id}/events`, {
    token,
    headers: { accept: "text/event-stream" },
    signal: leaving.signal,
  });
  const stream = readFrames(answer);
  await take(stream, 1);
  portal.agent.emit(id, "JobStarted");
  await take(stream, 1);
  await portal.ask("/v1/tokens/leaver", { method: "DELETE" });
  assert.deepEqual(await take(stream, 1), []);
  assert.equal((await portal.ask(`/v1/tasks/${id}`, { token })).status, 401);
});

test("a quiet stream is kept alive and sends its position", async () => {
  const answer = await portal.ask("/v1/events", { headers: { accept: "text/event-stream" }, signal: leaving.signal });
  const { last } = await page("/v1/events");
  let text = "";
  for await (const chunk of answer.body ?? []) {
    text += new TextDecoder().decode(chunk);
    if (text.includes(": ping")) break;
  }
  assert.match(text, /^retry: 10\n\n/);
  assert.match(text, new RegExp(`id: ${last}\n: ping\n\n`));
});

test("the stream of an unknown task is a 404", async () => {
  const answer = await portal.ask("/v1/tasks/t999/events", { headers: { accept: "text/event-stream" } });
  assert.equal(answer.status, 404);
});

// Last, because it removes the history.
test("clients are reset when the feed starts anew", async () => {
  const { id } = portal.agent.addTask();
  const stream = await open("/v1/events");
  portal.agent.emit(id, "JobStarted");
  await take(stream, 1);
  portal.agent.setOut(true);
  assert.deepEqual((await stream.next()).value, { event: "link", data: { up: false } });
  portal.agent.wipe();
  portal.agent.setOut(false);
  const [reset] = await take(stream, 1);
  assert.deepEqual([reset?.event, reset?.data], ["reset", { last: 0 }]);
  portal.agent.addTask();
  assert.deepEqual(ids(await take(stream, 1)), [1]);
});
