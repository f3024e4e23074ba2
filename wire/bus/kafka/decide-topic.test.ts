import assert from "node:assert/strict";
import { test } from "node:test";
import { decideTopic, type TopicFacts, topicSettings } from "./decide-topic.ts";

const WANTED = { topic: "events", partitions: 12, replication: 3, retentionMs: 604_800_000 };
const FIT: TopicFacts = { partitions: 12, replication: 3, settings: topicSettings(WANTED) };
const withSetting = (name: string, value: string): TopicFacts => ({
  ...FIT,
  settings: { ...FIT.settings, [name]: value },
});

test("a topic with Gantry's settings is accepted, also with more replicas or unreadable settings", () => {
  assert.equal(decideTopic(WANTED, FIT), undefined);
  assert.equal(decideTopic(WANTED, { ...FIT, partitions: 50, replication: 5 }), undefined);
  assert.equal(decideTopic(WANTED, withSetting("retention.ms", "-1")), undefined);
  assert.equal(decideTopic(WANTED, { ...FIT, settings: {} }), undefined);
});

const UNUSABLE: readonly (readonly [TopicFacts, RegExp])[] = [
  [{ ...FIT, partitions: 11 }, /11 partitions, and 12 are configured/],
  [{ ...FIT, replication: 2 }, /2 replicas, and 3 are configured/],
  [withSetting("cleanup.policy", "compact"), /cleanup\.policy is compact/],
  [withSetting("cleanup.policy", "compact,delete"), /cleanup\.policy is compact,delete/],
  [withSetting("retention.ms", "1000"), /keeps events for 1000 ms/],
  [withSetting("min.insync.replicas", "1"), /only 1 replica has/],
  [withSetting("max.message.bytes", "500000"), /batches of 500000 bytes at most/],
  [withSetting("unclean.leader.election.enable", "true"), /unclean leader elections/],
];
for (const [facts, problem] of UNUSABLE) {
  test(`a topic does not fit: ${problem.source}`, () => {
    assert.match(decideTopic(WANTED, facts)?.problem ?? "", problem);
  });
}
