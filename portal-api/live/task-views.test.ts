import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { readFrames, startTestPortal, type TestPortal } from "../portal.fixture.ts";

let world: TestPortal;
before(async () => {
  world = await startTestPortal();
});
after(() => world.close());

const asked = (from: number): readonly string[] =>
  world.agent.requests.slice(from).filter((one) => one.includes("/task"));

test("a repeated request asks for the tag only; concurrent ones share a call", async () => {
  const tasks = [world.agent.addTask(), world.agent.addTask()];
  const read = (): Promise<Response[]> => Promise.all(tasks.map(({ id }) => world.ask(`/v1/tasks/${id}`)));
  const first = await read();
  const from = world.agent.requests.length;
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
  const { id } = world.agent.addTask();
  const version = async (): Promise<unknown> => (await (await world.ask(`/v1/tasks/${id}`)).json()).version;
  const seen = await version();
  world.agent.emit(id, "JobStarted");
  assert.equal(await version(), Number(seen) + 1);
});

test("a cached view is not returned after the task-agent was replaced by one with another history", async () => {
  const { id } = world.agent.addTask({ headline: "before" });
  const headline = async (): Promise<unknown> => (await (await world.ask(`/v1/tasks/${id}`)).json()).headline;
  assert.equal(await headline(), "before");
  const leaving = new AbortController();
  const headers = { accept: "text/event-stream" };
  const stream = readFrames(await world.ask("/v1/events", { headers, signal: leaving.signal }));
  assert.deepEqual((await stream.next()).value?.data, { up: true });
  world.agent.setOut(true);
  assert.deepEqual((await stream.next()).value?.data, { up: false });
  leaving.abort();
  world.agent.wipe();
  world.agent.setOut(false);
  while (world.agent.addTask({ headline: "after" }).id !== id);
  assert.equal(await headline(), "after");
});

test("without support for tags, every view is read", async () => {
  const { id } = world.agent.addTask();
  await world.ask(`/v1/tasks/${id}`);
  world.agent.setTags(false);
  try {
    assert.equal((await world.ask(`/v1/tasks/${id}`)).status, 200);
    world.agent.emit(id, "JobStarted");
    const fresh = await (await world.ask(`/v1/tasks/${id}`)).json();
    assert.equal(fresh.version, 2);
  } finally {
    world.agent.setTags(true);
  }
});
