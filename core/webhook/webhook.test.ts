// What the payloads of the hosts mean, also those that somebody has changed.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { recordOf } from "../app/app-record.ts";
import { testRuns } from "../test-runs.fixture.ts";
import { decideStarts } from "./decide-starts.ts";
import { type PushFacts, WEBHOOK_HOSTS, type WebhookHost } from "./delivery.ts";
import { describeDelivery, shownFacts } from "./describe.ts";
import { mutatedPayloads } from "./mutations.fixture.ts";
import { openNames } from "./names.ts";
import { BEFORE, COMMIT, DIGEST, GATE, IMAGE, PULL_REQUESTS, PUSHES, type Pushed, rawOf } from "./payloads.fixture.ts";
import { readDelivery } from "./read-delivery.ts";

const HOSTS = Object.keys(PUSHES) as readonly (keyof typeof PUSHES)[];
const SENDS_PATHS = ["github", "gitea", "gitee", "gitlab"];

function push(host: keyof typeof PUSHES, pushed: Pushed = {}): PushFacts {
  const facts = readDelivery(host, rawOf(PUSHES[host](pushed)));
  assert.equal(facts.kind, "push", JSON.stringify(facts));
  return facts as PushFacts;
}

for (const host of HOSTS) {
  test(`a push at ${host} says branch, commits, message, author and, where it can, paths`, () => {
    const { repository, changes, by } = push(host);
    assert.equal(`${repository.project}/${repository.slug}`.toLowerCase(), "apps/orders");
    assert.equal(by, "kim");
    const [change] = changes;
    assert.equal(changes.length, 1);
    assert.deepEqual([change?.ref, change?.name, change?.before, change?.commit], ["branch", "main", BEFORE, COMMIT]);
    assert.deepEqual([change?.message, change?.author, change?.authorEmail], ["Change it", "Kim", "kim@example.com"]);
    assert.deepEqual(change?.paths, SENDS_PATHS.includes(host) ? ["src/a.ts"] : undefined);
  });

  test(`new and deleted branches and tags at ${host} are told apart`, () => {
    const made = push(host, { before: null }).changes[0];
    assert.deepEqual([made?.before, made?.commit, made?.paths], [undefined, COMMIT, undefined]);
    const gone = push(host, { commit: null }).changes[0];
    assert.deepEqual([gone?.before, gone?.commit], [BEFORE, undefined]);
    const tag = push(host, { ref: "refs/tags/v1.0", before: null }).changes[0];
    assert.deepEqual([tag?.ref, tag?.name, tag?.commit], ["tag", "v1.0", COMMIT]);
  });

  test(`a pull request at ${host} says where it comes from`, () => {
    const facts = readDelivery(host, rawOf(PULL_REQUESTS[host]()));
    assert.equal(facts.kind, "pull_request", JSON.stringify(facts));
    if (facts.kind !== "pull_request") return;
    const { action, number, branch, target, fork, title, author } = facts;
    assert.deepEqual([action, number, branch, target, fork], ["opened", 7, "fix", "main", false]);
    assert.deepEqual([title, author, COMMIT.startsWith(facts.commit)], ["Fix it", "kim", true]);
    const outside = readDelivery(host, rawOf(PULL_REQUESTS[host]("stranger")));
    assert.ok(outside.kind === "pull_request" && outside.fork);
  });
}

test("a push that was forced, or whose commits are not all there, says no paths", () => {
  const { body } = PUSHES.github();
  const forced = readDelivery("github", {
    headers: { "x-github-event": "push" },
    body: JSON.stringify({ ...body, forced: true }),
  });
  assert.ok(forced.kind === "push" && forced.changes[0]?.paths === undefined && forced.changes[0]?.isForced);
  for (const [host, field] of [
    ["gitlab", "total_commits_count"],
    ["gitea", "total_commits"],
    ["gitee", "total_commits_count"],
  ] as const) {
    const { headers, body: whole } = PUSHES[host]();
    const cut = readDelivery(host, { headers, body: JSON.stringify({ ...whole, [field]: 30 }) });
    assert.ok(cut.kind === "push" && cut.changes[0]?.paths === undefined, host);
  }
});

test("several branches and tags of one delivery are all there", () => {
  const { headers, body } = PUSHES["bitbucket-dc"]();
  const { changes: tags } = PUSHES["bitbucket-dc"]({ ref: "refs/tags/v2", before: null }).body as { changes: object[] };
  const { changes } = body as { changes: object[] };
  const facts = readDelivery("bitbucket-dc", {
    headers,
    body: JSON.stringify({ ...body, changes: [...changes, ...tags] }),
  });
  assert.ok(facts.kind === "push");
  assert.deepEqual(
    facts.changes.map(({ ref, name }) => `${ref} ${name}`),
    ["branch main", "tag v2"],
  );
  assert.equal(describeDelivery(facts), "kim pushed 2222222 to main, and 1 more");
});

test("Harbor tells of images and SonarQube of gates", () => {
  assert.deepEqual(readDelivery("harbor", rawOf(IMAGE)), {
    ...{ kind: "image", action: "pushed", repository: "apps/orders" },
    images: [{ tag: "1.2.3", digest: DIGEST }],
  });
  const { event_data: data } = IMAGE.body as { event_data: object };
  const cloud = { headers: {}, body: { specversion: "1.0", type: "harbor.scan.completed", data } };
  const scanned = readDelivery("harbor", rawOf(cloud));
  assert.ok(scanned.kind === "image" && scanned.action === "scanned");
  assert.deepEqual(readDelivery("sonarqube", rawOf(GATE)), {
    ...{ kind: "gate", project: "orders", gate: "OK", branch: "main", commit: COMMIT },
  });
});

test("what is not understood has a reason", () => {
  const reasonOf = (host: WebhookHost, body: unknown, headers = {}): string => {
    const facts = readDelivery(host, { headers, body: typeof body === "string" ? body : JSON.stringify(body) });
    return facts.kind === "other" ? facts.reason : facts.kind;
  };
  assert.equal(reasonOf("github", "not json"), "Its body is not JSON.");
  assert.equal(reasonOf("github", null, { "x-github-event": "star" }), "The event star starts nothing.");
  assert.equal(reasonOf("github", {}, { "x-github-event": "push" }), "It does not name a repository.");
  assert.equal(reasonOf("gitlab", []), "The event without a name starts nothing.");
  assert.equal(reasonOf("harbor", { type: "QUOTA_EXCEED" }), "The event QUOTA_EXCEED starts nothing.");
  const bad = PUSHES.github({ ref: "refs/heads/-x" });
  assert.match(reasonOf("github", bad.body, bad.headers), /neither a branch nor a tag/);
});

const APP = { name: "orders", record: recordOf("orders", { source: { project: "apps", slug: "orders" } } as never) };
for (const host of WEBHOOK_HOSTS)
  test(`no change of a payload of ${host} makes reading or deciding throw`, () => {
    fc.assert(
      fc.property(mutatedPayloads(host), ({ headers, body }) => {
        const facts = readDelivery(host, { headers, body });
        assert.ok(describeDelivery(facts).length < 3_000);
        assert.ok(JSON.stringify(shownFacts(facts)).length < 100_000);
        for (const start of decideStarts(facts, APP)) {
          if ("nothing" in start) assert.notEqual(start.nothing, "");
          else assert.equal(typeof start.part, "string");
        }
      }),
      { numRuns: testRuns(1_000) },
    );
  });

test("names of branches and paths: * stays in a folder, ** does not, and ! excludes", () => {
  const isIn = (patterns: readonly string[], name: string): boolean => openNames(patterns)(name);
  assert.ok(isIn(["main"], "main") && !isIn(["main"], "mainline") && !isIn(["main"], "x/main"));
  assert.ok(isIn(["release/*"], "release/1") && !isIn(["release/*"], "release/1/x"));
  assert.ok(isIn(["release/**"], "release/1/x") && isIn(["**"], "a/b"));
  assert.ok(isIn(["**/*.md"], "README.md") && isIn(["**/*.md"], "docs/a/b.md") && !isIn(["*.md"], "docs/a.md"));
  assert.ok(isIn(["**", "!docs/**"], "src/a") && !isIn(["**", "!docs/**"], "docs/a"));
  assert.ok(isIn(["!wip/*"], "main") && !isIn(["!wip/*"], "wip/x"));
  assert.ok(isIn(["a.b+c(d)[e]^$|{1}"], "a.b+c(d)[e]^$|{1}") && !isIn(["a.b"], "axb"));
  assert.equal(isIn([`${"**a".repeat(80)}`], "a".repeat(240)), true);
});

test("what a push starts for an app: not what Gantry made, what says so, and not other folders", () => {
  const start = (pushed: Pushed, folder = "."): string => {
    const record = recordOf("orders", { source: { project: "apps", slug: "orders", folder, branch: "main" } } as never);
    const [one] = decideStarts(push("github", pushed), { name: "orders", record });
    if (!one) return "none";
    if ("nothing" in one) return one.nothing;
    const why = one.kind === "push" ? one.whyNot({ kind: "push", params: {}, paths: ["src/**"] }) : undefined;
    return why ?? `${one.kind} ${one.note ?? ""}`.trim();
  };
  assert.equal(start({}), "push");
  assert.equal(start({ message: "Fix\n\n[skip ci]" }), "The commit 2222222 says [skip ci].");
  assert.equal(start({ message: "[CI skip] Fix" }), "The commit 2222222 says [skip ci].");
  assert.equal(start({ message: "Deploy\n\nX-Task: t1\nX-Effect: k" }), "Gantry itself has made the commit 2222222.");
  assert.equal(start({ email: "gantry@noreply.invalid" }), "Gantry itself has made the commit 2222222.");
  assert.equal(start({ message: "Say X-Effect: k\n\nin the middle" }), "push");
  assert.equal(start({ commit: null }), "The branch main was deleted.");
  assert.equal(start({ ref: "refs/heads/fix" }), "The branch fix is not one of the trigger: main.");
  assert.match(start({ paths: ["docs/a.md"] }), /^None of the changed files is in the paths/);
  assert.equal(start({ paths: ["src/a", "shop/b"] }, "shop"), "push");
  assert.equal(
    start({ paths: ["src/a", "shopping/b"] }, "./shop/"),
    "Nothing in the folder of the app has changed in main.",
  );
  assert.match(start({ before: null }, "shop"), /^push The host did not say which files/);
});
