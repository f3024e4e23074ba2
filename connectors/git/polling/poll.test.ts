// git/poll against the git hosts of the lab: it finds what has moved, and tells of it what a webhook would have told.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import type { Polled } from "@gantry/core/poll/polled.ts";
import { readRefs } from "@gantry/core/poll/refs.ts";
import { labWithBench } from "../lab-bench.fixture.ts";
import { pushAsSomebody, seed, tagMain } from "../lab-git.fixture.ts";
import { poll } from "./poll-step.ts";

test("branches and tags that have moved are found, with the newest commit and the files that have changed", async (t) => {
  const { lab, bench } = await labWithBench(t);
  await seed(lab, "orders", { "a.txt": "a\n", "src/b.txt": "b\n" });
  await seed(lab, "others", { "a.txt": "a\n" });
  const orders = `${lab.project}/orders`;
  const look = async (more: object): Promise<Polled> => {
    const outcome = await bench.once(poll, { repositories: [orders], ...more });
    assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
    return outcome.output;
  };
  const first = await look({ read: true });
  const refs = first.found[0]?.refs ?? "";
  assert.deepEqual([...readRefs(refs).keys()], ["refs/heads/main"]);
  assert.deepEqual([first.found[0]?.changes, first.provider], [[], lab.system.provider]);
  const same = await look({ repositories: [`${orders}=${hash("sha256", refs)}`, `${lab.project}/others`] });
  assert.deepEqual([same.changed, same.found, same.failed], [[`${lab.project}/others`], [], []]);

  const before = readRefs(refs).get("refs/heads/main");
  const commit = await pushAsSomebody(lab, "orders", { "src/b.txt": "c\n", "docs/ä.md": "d\n" });
  const fix = await pushAsSomebody(lab, "orders", { "fix.txt": "f\n" }, "fix");
  await tagMain(lab, "orders", "v1");
  const moved = await look({ read: true, known: JSON.stringify({ [orders]: refs }) });
  const [found] = moved.found;
  const [ofFix, ofMain, ofTag] = found?.changes ?? [];
  assert.equal(found?.isWhole, true);
  assert.deepEqual(
    [ofFix?.ref, ofFix?.commit, ofFix?.before, ofFix?.paths],
    ["refs/heads/fix", fix, undefined, undefined],
  );
  assert.deepEqual(
    { ...ofMain, url: undefined },
    {
      ...{ ref: "refs/heads/main", before, commit, isForced: false, paths: ["docs/ä.md", "src/b.txt"] },
      ...{ author: "Some Body", authorEmail: "some@body.test", message: "By hand", url: undefined },
    },
  );
  assert.match(ofMain?.url ?? "", new RegExp(`${commit}$`));
  assert.deepEqual([ofTag?.ref, ofTag?.commit], ["refs/tags/v1", commit], "a tag is its commit");

  const narrow = await look({ branches: ["main"], tags: ["!v*"], read: true });
  assert.deepEqual([...readRefs(narrow.found[0]?.refs ?? "").keys()], ["refs/heads/main"]);
  const gone = await look({
    read: true,
    branches: ["main"],
    known: JSON.stringify({ [orders]: `${refs}refs/tags/old ${commit}\n` }),
  });
  assert.deepEqual(gone.found[0]?.changes.at(-1), { ref: "refs/tags/old", before: commit });
});

test("a branch that was replaced by a history without its old commit says that, and a repository that is not there fails alone", async (t) => {
  const { lab, bench } = await labWithBench(t);
  await seed(lab, "orders", { "a.txt": "a\n" });
  const orders = `${lab.project}/orders`;
  const old = "1".repeat(40);
  const outcome = await bench.once(poll, {
    repositories: [orders, `${lab.project}/nothing`, "a/../b", "no-project"],
    read: true,
    known: JSON.stringify({ [orders]: `refs/heads/main ${old}\n` }),
  });
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  const { found, failed, changed } = outcome.output;
  assert.deepEqual(changed, [orders]);
  const [change] = found[0]?.changes ?? [];
  assert.deepEqual([change?.before, change?.paths, change?.isForced], [old, undefined, undefined]);
  assert.deepEqual(
    failed.map(({ repository }) => repository).toSorted(),
    [`${lab.project}/nothing`, "a/../b", "no-project"].toSorted(),
  );
  for (const { problem } of failed) assert.match(problem, /\S/);
});
