import assert from "node:assert/strict";
import { test } from "node:test";
import { newMemoryStore, openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { openPeers } from "./peers.ts";

test("peers know the last renewal that an agent saw, also after that agent restarted or left", async () => {
  const store = newMemoryStore();
  const agent = (name: string, heard: readonly string[]) =>
    openPeers({
      name,
      journal: openMemoryJournal({ indexes: AGENT_INDEXES, store }),
      runners: () => [],
      heardAgoMs: () => new Map(heard.map((lease) => [lease, 0])),
      onChanged: () => {},
    });
  const [first, second] = [agent("first", ["t1 build"]), agent("second", [])];
  await first.tick();
  await second.tick();
  const at = second.lastHeardMs("t1 build");
  assert.ok(at !== undefined);
  const again = agent("first", []);
  await again.tick();
  await second.tick();
  assert.equal(second.lastHeardMs("t1 build"), at);
  await again.leave();
  await second.tick();
  assert.equal(second.lastHeardMs("t1 build"), at);
});
