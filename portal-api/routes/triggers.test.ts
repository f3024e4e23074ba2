// The list of triggers says to each caller what they may not do, and who may.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestPortal } from "../portal.fixture.ts";

const POLICY = [
  "bindings:",
  '  - { role: viewer, people: [viewer], apps: ["*"] }',
  '  - { role: developer, people: [dev], apps: ["*"] }',
  "  - { role: admin, people: [boss] }",
].join("\n");

test("who may not start a pipeline is told why its triggers cannot be paused; the others are told nothing", async (t) => {
  const portal = await startTestPortal({}, { policy: POLICY });
  t.after(() => portal.close());
  portal.agent.addTask({ id: "t1", app: "orders" });
  const seenBy = async (name: string): Promise<string | undefined> => {
    const made = await portal.ask("/v1/tokens", { method: "POST", json: { name, role: "none" } });
    const { token } = (await made.json()) as { token: string };
    const answer = await portal.ask("/v1/triggers?app=orders", { token });
    const { items } = (await answer.json()) as { items: { id: string; whyNot?: string }[] };
    assert.deepEqual(
      items.map(({ id }) => id),
      ["orders:ci:schedule-1"],
    );
    const paused = await portal.ask("/v1/triggers/orders:ci:schedule-1/pause", { method: "POST", token, json: {} });
    assert.equal(paused.status === 200, items[0]?.whyNot === undefined, "the list says what the button does");
    return items[0]?.whyNot;
  };
  assert.equal(await seenBy("boss"), undefined);
  assert.equal(await seenBy("dev"), undefined);
  assert.match((await seenBy("viewer")) ?? "", /run-ci/);
});
