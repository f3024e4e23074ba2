import assert from "node:assert/strict";
import { test } from "node:test";
import type { SiteView } from "@gantry/wire/agent/views.ts";
import { missingSystems } from "./src/data/missing-systems.ts";

const site = (name: string, ...kinds: string[]): SiteView =>
  ({ name, systems: kinds.map((kind) => ({ name: kind, kind })) }) as unknown as SiteView;

test("the console says what is missing before an app can be built and deployed", () => {
  assert.deepEqual(missingSystems(undefined), []);
  assert.equal(missingSystems([site("platform", "git")]).length, 1);
  assert.deepEqual(missingSystems([site("platform"), site("seoul", "git", "harbor")]), ["An Argo CD at seoul"]);
  assert.deepEqual(missingSystems([site("seoul", "git", "harbor", "argocd")]), []);
});
