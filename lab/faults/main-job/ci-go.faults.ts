// CI with the real Go toolchain, whose first build takes a minute: each job has caches of its own.

import assert from "node:assert/strict";
import { test } from "node:test";
import { BASE, openLab } from "../../e2e/ci-kinds.fixture.ts";
import { has } from "../../e2e/outside.fixture.ts";

test("a Go monorepo with two images is tested once, and built into one build of both", {
  timeout: 400_000,
}, async (t) => {
  if (!(await has("go"))) return t.skip("Go is not installed");
  const { ci, builds } = await openLab(t);
  const main = (name: string): string => `package main\n\nfunc main() { println("${name}") }\n`;
  const task = await ci(
    "tills",
    {
      "services/go.mod": "module example.com/tills\n\ngo 1.21\n",
      "services/cmd/api/main.go": main("api"),
      "services/cmd/api/main_test.go": 'package main\n\nimport "testing"\n\nfunc TestSum(t *testing.T) {}\n',
      "services/cmd/worker/main.go": main("worker"),
      "services/cmd/api/Dockerfile": `${BASE}COPY bin/api /srv/api\n`,
      "services/cmd/worker/Dockerfile": `${BASE}COPY bin/worker /srv/worker\n`,
    },
    {
      source: { system: "bitbucket", project: "APPS", slug: "tills", folder: "services" },
      images: ["api", "worker"].map((name) => ({
        name,
        repository: `apps/tills-${name}`,
        dockerfile: `cmd/${name}/Dockerfile`,
      })),
    },
  );
  assert.equal(task.state, "succeeded", JSON.stringify(task.failure));
  const [build] = await builds("tills");
  assert.deepEqual(
    build?.images.map(({ name, repository }) => [name, repository]),
    [
      ["api", "apps/tills-api"],
      ["worker", "apps/tills-worker"],
    ],
  );
  const tests = task.jobs.filter(({ id }) => id === "build").map(({ steps }) => steps.find(({ id }) => id === "test"));
  assert.deepEqual(
    tests.map((step) => step?.state),
    ["succeeded", "skipped"],
  );
});
