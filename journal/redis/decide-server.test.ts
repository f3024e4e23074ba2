import assert from "node:assert/strict";
import { test } from "node:test";
import { explain } from "@gantry/core/errors.ts";
import { decideServer, type ServerFacts } from "./decide-server.ts";

const SAFE = { appendonly: "yes", appendfsync: "always", "maxmemory-policy": "noeviction" };

function facts(change: Partial<ServerFacts> = {}, settings: Partial<typeof SAFE> = {}): ServerFacts {
  const all = new Map(Object.entries({ ...SAFE, ...settings }));
  return { address: "redis:6379", version: "7.2.4", role: "master", replicas: 2, settings: all, ...change };
}

const STRICT = { waitReplicas: 1, allowLazyFsync: false };

test("a safe primary with enough replicas is taken without a word", () => {
  assert.deepEqual(decideServer(facts(), STRICT), { warnings: [] });
});

for (const [name, given, sentence] of [
  ["a replica", facts({ role: "slave" }), /cannot be reached/],
  ["an old version", facts({ version: "6.0.16" }), /is not safe as a journal: it is version 6\.0\.16\./],
  ["a version that nobody knows", facts({ version: "unknown" }), /it is version unknown\./],
  ["eviction", facts({}, { "maxmemory-policy": "allkeys-lru" }), /maxmemory-policy is allkeys-lru\./],
  ["no append-only file", facts({}, { appendonly: "no" }), /appendonly is no\./],
  ["fsync now and then", facts({}, { appendfsync: "everysec" }), /appendfsync is everysec\./],
] as const) {
  test(`${name} is refused with one sentence`, () => {
    const { refuse } = decideServer(given, STRICT);
    assert.ok(refuse);
    assert.match(explain(refuse).message, sentence);
    assert.match(explain(refuse).todo, /\.$/);
  });
}

test("eviction is refused even where lazy fsync is allowed; lazy fsync is then a warning", () => {
  const relaxed = { ...STRICT, allowLazyFsync: true };
  assert.ok(decideServer(facts({}, { "maxmemory-policy": "volatile-ttl" }), relaxed).refuse);
  const lazy = decideServer(facts({}, { appendfsync: "everysec" }), relaxed);
  assert.equal(lazy.refuse, undefined);
  assert.match(lazy.warnings.join(), /appendfsync is everysec: a crash of Redis can lose/);
});

test("too few replicas, none asked for, and settings that may not be read are warnings", () => {
  assert.match(
    decideServer(facts({ replicas: 0 }), STRICT).warnings.join(),
    /0 replicas are connected, 1 must confirm/,
  );
  assert.match(decideServer(facts(), { ...STRICT, waitReplicas: 0 }).warnings.join(), /no replica confirms writes/);
  assert.match(decideServer(facts({ settings: undefined }), STRICT).warnings.join(), /cannot be checked/);
});
