import assert from "node:assert/strict";
import { test } from "node:test";
import type { SiteView } from "@gantry/wire/agent/views.ts";
import { missingSystems } from "./src/data/missing-systems.ts";

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
