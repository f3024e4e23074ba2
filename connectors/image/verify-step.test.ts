import assert from "node:assert/strict";
import { test } from "node:test";
import { harborBench } from "../harbor/harbor.fixture.ts";
import { pushed, writeFiles } from "./image.fixture.ts";
import { verify, verifyImages } from "./verify-step.ts";

test("a digest that exists nowhere is an error before the commit; one that a build pushed is found", async (t) => {
  const setup = await harborBench(t);
  const { bench, host } = setup;
  await writeFiles(bench.workspace, { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a" });
  const { digest } = await pushed(setup);
  const there = await bench.run(verify, { repository: "orders/web", digest });
  assert.deepEqual(there, {
    kind: "succeeded",
    output: { image: `${host}/orders/web`, digest, ref: `${host}/orders/web@${digest}` },
  });
  const absent = `sha256:${"0".repeat(64)}`;
  for (const [repository, wanted] of [
    ["orders/web", absent],
    ["orders/other", digest],
    ["nobody/web", digest],
  ] as const) {
    const outcome = await bench.run(verify, { repository, digest: wanted });
    assert(outcome.kind === "failed", JSON.stringify(outcome));
    assert.equal(outcome.failure.code, "image-missing");
    assert.equal(outcome.failure.message, `There is no image ${host}/${repository}@${wanted}.`);
  }
});

test("several images are looked up one by one, and the one that is missing is named", async (t) => {
  const setup = await harborBench(t);
  const { bench, host } = setup;
  await writeFiles(bench.workspace, { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a" });
  const { digest } = await pushed(setup);
  const there = { name: "web", repository: "orders/web", digest };
  const image = `${host}/orders/web`;
  const found = { image, digest, ref: `${image}@${digest}` };
  assert.deepEqual(await bench.run(verifyImages, { images: [there, { ...there, name: "again" }] }), {
    kind: "succeeded",
    output: {
      images: [
        { name: "web", ...found },
        { name: "again", ...found },
      ],
    },
  });
  const outcome = await bench.run(verifyImages, {
    images: [there, { ...there, name: "job", repository: "orders/job" }],
  });
  assert(outcome.kind === "failed", JSON.stringify(outcome));
  assert.equal(outcome.failure.message, `There is no image ${host}/orders/job@${digest}.`);
  assert.deepEqual(
    verifyImages.acts({ images: [there] }).map(({ kind, access }) => `${access} ${kind}`),
    ["read image"],
  );
});
