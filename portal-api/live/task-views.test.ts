import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { readFrames, startTestPortal, type TestPortal } from "../portal.fixture.ts";

let portal: TestPortal;
before(async () => {
  portal = await startTestPortal();
});
after(() => portal.close());

const asked = (from: number): readonly string[] =>
  portal.agent.requests.slice(from).filter((one) => one.includes("/task"));

test("a repeated request asks for the tag only; concurrent ones share a call", async () => {
  const tasks = [portal.agent.addTask(), portal.agent.addTask()];
  const read = (): Promise<Response[]> => Promise.all(tasks.map(({ id }) => portal.ask(`/v1/tasks/${id}`)));
  const first = await read();
  const from = portal.agent.requests.length;
  const again = await read();
  assert.deepEqual(
    await Promise.all(again.map((one) => one.text())),
    await Promise.all(first.map((one) => one.text())),
  );
  const questions = asked(from);
  assert.ok(questions.length >= 1 && questions.length <= 2, questions.join());
  for (const question of questions) assert.match(question, /GET \/agent\/v1\/task-tags\?ids=/);
});

test("a changed view is read again", async () => {
  const { id } = portal.agent.addTask();
  const version = async (): Promise<unknown> => (await (await portal.ask(`/v1/tasks/${id}`)).json()).version;
  const seen = await version();
  portal.agent.emit(id, "JobStarted");
  assert.equal(await version(), Number(seen) + 1);
});

test("a cached view is not returned after the task-agent was replaced by one with another history", async () => {
  const { id } = portal.agent.addTask({ headline: "before" });
  const headline = async (): Promise<unknown> => (await (await portal.ask(`/v1/tasks/${id}`)).json()).headline;
  assert.equal(await headline(), "before");
  const leaving = new AbortController();
  const headers = { accept: "text/event-stream" };
  const stream = readFrames(await portal.ask("/v1/events", { headers, signal: leaving.signal }));
  assert.deepEqual((await stream.next()).value?.data, { up: true });
  portal.agent.setOut(true);
  assert.deepEqual((await stream.next()).value?.data, { up: false });
  leaving.abort();
  portal.agent.wipe();
  portal.agent.setOut(false);
  while (portal.agent.addTask({ headline: "after" }).id !== id);
  assert.equal(await headline(), "after");
});

test("without support for tags, every view is read", async () => {
  const { id } = portal.agent.addTask();
  await portal.ask(`/v1/tasks/${id}`);
  portal.agent.setTags(false);
  try {
    assert.equal((await portal.ask(`/v1/tasks/${id}`)).status, 200);
    portal.agent.emit(id, "JobStarted");
    const fresh = await (await portal.ask(`/v1/tasks/${id}`)).json();
    assert.equal(fresh.version, 2);
  } finally {
    portal.agent.setTags(true);
  }
});
