import assert from "node:assert/strict";
import { test } from "node:test";
import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import { missingSystems, systemsMissingFor } from "./src/data/missing-systems.ts";

const site = (name: string, ...kinds: string[]): SiteView =>
  ({ name, systems: kinds.map((kind) => ({ name: kind, kind })) }) as unknown as SiteView;

test("the console says what is missing before an app can be built and deployed", () => {
  assert.deepEqual(missingSystems(undefined), []);
  const [none, ...more] = missingSystems([site("platform", "git")]);
  assert.match(none?.add ?? "", /^gantry runner enrol .* --new-site$/);
  assert.deepEqual(more, []);
  assert.deepEqual(missingSystems([site("platform"), site("seoul", "git", "harbor")]), [
    {
      what: "An Argo CD at seoul",
      add: "argocd: { kind: argocd, url: https://argocd.example.com, token: ARGOCD }",
    },
  ]);
  assert.deepEqual(missingSystems([site("seoul", "git", "harbor", "argocd")]), []);
});

test("the form of a pipeline says what a site lacks for its steps", () => {
  const job = (at: string, ...uses: string[]) => ({
    ...{ id: at, title: at, site: at, needs: [] },
    steps: uses.map((one) => ({ id: one, title: one, uses: one })),
  });
  const pipeline = {
    jobs: [
      job("platform", "git/checkout", "git/create-repository"),
      job("platform", "jira/create-project"),
      // Which site this is depends on the app.
      job("${{ app.build.site }}", "argocd/sync"),
    ],
  } as unknown as Parameters<typeof systemsMissingFor>[0];
  const found = systemsMissingFor(pipeline, [site("platform", "git"), site("seoul", "git")]);
  assert.deepEqual(
    found.map(({ what }) => what),
    ["A Jira at platform"],
  );
  assert.match(found[0]?.add ?? "", /^jira: \{ kind: jira, /);
  assert.deepEqual(systemsMissingFor(pipeline, [site("platform", "git", "jira")]), []);
  assert.deepEqual(systemsMissingFor(pipeline, undefined), []);
});
