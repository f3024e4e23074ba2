// What build/find-images proposes for repositories of several shapes.

import assert from "node:assert/strict";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { testRuns } from "@gantry/core/test-runs.fixture.ts";
import fc from "fast-check";
import { writeFiles } from "../image/image.fixture.ts";
import { openBench } from "../step.fixture.ts";
import { joined } from "./decide-build.ts";
import { decideImages } from "./decide-images.ts";
import { findImages } from "./find-images-step.ts";

const NODE = '{"scripts":{"test":"x"}}';

async function found(t: TestContext, paths: Readonly<Record<string, string>>, input: object = {}) {
  const bench = await openBench({ systems: [] });
  t.after(() => bench.close());
  await writeFiles(bench.workspace, { "README.md": "", ...paths });
  const outcome = await bench.run(findImages, { app: "shop", ...input });
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  const { folder, images, leftOut } = outcome.output;
  return {
    folder,
    images: images.map(({ name, context, dockerfile, kind = "?" }) => `${name}: ${context} ${dockerfile} ${kind}`),
    leftOut: leftOut.map(({ file }) => file),
    guesses: images.flatMap(({ file, isGuess }) => (isGuess ? [file] : [])),
    problems: images.flatMap(({ problem }) => problem ?? []),
  };
}

for (const [title, files, folder, images] of [
  ["a Dockerfile in the repository itself", { Dockerfile: "", "pom.xml": "" }, ".", ["shop: . Dockerfile maven"]],
  [
    "a monorepo with a module for all images",
    { "services/go.mod": "", "services/api/Dockerfile": "", "services/worker/Dockerfile": "" },
    "services",
    ["api: api Dockerfile go", "worker: worker Dockerfile go"],
  ],
  [
    "a workspace whose lock file is at its top",
    { "package-lock.json": "{}", "package.json": NODE, "apps/web/package.json": NODE, "apps/web/Dockerfile": "" },
    ".",
    ["shop: apps/web Dockerfile npm"],
  ],
  [
    "several Dockerfiles side by side",
    { Dockerfile: "", "Dockerfile.worker": "", "jobs.Dockerfile": "", "go.mod": "" },
    ".",
    ["shop: . Dockerfile go", "worker: . Dockerfile.worker go", "jobs: . jobs.Dockerfile go"],
  ],
] as const) {
  test(`images are found in ${title}`, async (t) => {
    const { folder: at, images: all } = await found(t, files);
    assert.deepEqual([at, all], [folder, images]);
  });
}

test("a Dockerfile that copies what is built around it has that folder as its context, and that is a guess", async (t) => {
  const { folder, images, guesses } = await found(t, {
    "services/go.mod": "",
    "services/api/Dockerfile": "FROM x\nCOPY --chmod=755 ./bin/api /api\n",
    "services/web/Dockerfile":
      "FROM x\nCOPY page.html ./more* $EXTRA /srv/\nCOPY --from=build /out /srv\nADD https://x.example/y /y\n",
    "services/web/page.html": "",
  });
  assert.deepEqual([folder, images], ["services", ["api: . api/Dockerfile go", "web: web Dockerfile go"]]);
  assert.deepEqual(guesses, ["services/api/Dockerfile"]);
});

test("Dockerfiles in a folder of their own belong to what is around it, and that is a guess", async (t) => {
  const files = { "docker/api/Dockerfile": "", "docker/web.Dockerfile": "", "pom.xml": "" };
  const { folder, images, guesses } = await found(t, files);
  assert.deepEqual(
    [folder, images],
    [".", ["api: . docker/api/Dockerfile maven", "web: . docker/web.Dockerfile maven"]],
  );
  assert.deepEqual(guesses, ["docker/api/Dockerfile", "docker/web.Dockerfile"]);
});

test("Dockerfiles for development are left out, unless there are no others", async (t) => {
  const files = { Dockerfile: "", "Dockerfile.dev": "", "test/Dockerfile": "" };
  const { images, leftOut } = await found(t, files);
  assert.deepEqual([images, leftOut], [["shop: . Dockerfile dockerfile"], ["Dockerfile.dev", "test/Dockerfile"]]);
  assert.deepEqual((await found(t, { "Dockerfile.dev": "" })).images, ["shop: . Dockerfile.dev dockerfile"]);
});

test("what CI would not build is told", async (t) => {
  const { images, problems } = await found(t, { Dockerfile: "", "pom.xml": "", "package.json": NODE });
  assert.deepEqual(images, ["shop: . Dockerfile ?"]);
  assert.match(problems.join(), /has package\.json \(npm\) and pom\.xml \(maven\)/);
});

test("only the folder that a person has named is looked at, and one that is not there is an error", async (t) => {
  const files = { "a/Dockerfile": "", "b/Dockerfile": "" };
  const { folder, images } = await found(t, files, { folder: "b" });
  assert.deepEqual([folder, images], ["b", ["shop: . Dockerfile dockerfile"]]);
  const bench = await openBench({ systems: [] });
  t.after(() => bench.close());
  await symlink("/etc", join(bench.workspace, "out"));
  for (const missing of ["nowhere", "out"]) {
    const outcome = await bench.run(findImages, { app: "shop", folder: missing });
    assert.ok(outcome.kind === "errored" && outcome.failure.code === "file-invalid", JSON.stringify(outcome));
  }
});

const part = fc.constantFrom("a", "b", "docker", "services", "test", "Deploy", "x.y");
const dockerfile = fc
  .tuple(fc.array(part, { maxLength: 3 }), fc.constantFrom("Dockerfile", "Dockerfile.web", "api.Dockerfile"))
  .map(([folders, name]) => [...folders, name].join("/"));

test("each proposed image is the Dockerfile that it comes from, and names differ", () => {
  fc.assert(
    fc.property(fc.uniqueArray(dockerfile, { maxLength: 8 }), fc.uniqueArray(part), (files, projects) => {
      const paths = [".", ...projects];
      const folders = Object.fromEntries(paths.map((path) => [path, { path, names: ["go.mod"], texts: {} }]));
      const { folder, images } = decideImages({ app: "shop", folder: undefined, files, folders });
      for (const { context, dockerfile: name, file } of images) assert.equal(joined(folder, context, name), file);
      assert.equal(new Set(images.map(({ name }) => name)).size, images.length);
    }),
    { numRuns: testRuns(1_000) },
  );
});
