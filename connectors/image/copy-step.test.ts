import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { HarborSystem } from "@gantry/core/site/systems.ts";
import { type HarborBench, harborBench, registryOf } from "../harbor/harbor.fixture.ts";
import type { Registry } from "../oci/client.ts";
import { type Descriptor, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST, sha256 } from "../oci/manifest.ts";
import { blobOfBytes } from "../oci/upload.ts";
import { openBench } from "../step.fixture.ts";
import { copy } from "./copy-step.ts";
import { pushed, writeFiles } from "./image.fixture.ts";

const REPOSITORY = "orders/web";

/** An image that seoul has built, and the bench of the runner at tokyo. */
async function twoSites(t: TestContext, { knows = true }: { knows?: boolean } = {}) {
  const [seoul, tokyo] = [await harborBench(t), await harborBench(t)];
  await writeFiles(seoul.bench.workspace, { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a" });
  const { digest } = await pushed(seoul);
  const other: HarborSystem = { ...seoul.system, name: "harbor-seoul", site: "seoul" };
  const bench = await openBench({ systems: knows ? [tokyo.system, other] : [tokyo.system], task: { site: "tokyo" } });
  t.after(() => bench.close());
  const input = (wanted = digest, from = "seoul") => ({
    images: [{ name: "web", repository: REPOSITORY, digest: wanted }],
    from,
  });
  return { seoul, tokyo, digest, bench, input };
}

const sent = ({ harbor }: HarborBench): readonly string[] =>
  harbor.exchanges.filter(({ method }) => method === "PUT" || method === "PATCH").map(({ path }) => path);

test("an image of another site is copied by its digest, once, and gets the name that it has at this site", async (t) => {
  const { tokyo, digest, bench, input } = await twoSites(t);
  const image = `${tokyo.host}/${REPOSITORY}`;
  const images = [{ name: "web", image, digest, ref: `${image}@${digest}` }];
  assert.deepEqual(await bench.run(copy, input()), { kind: "succeeded", output: { images, copied: 1 } });
  assert.equal(await registryOf(tokyo).headManifest(REPOSITORY, digest), digest);
  bench.nextTask();
  tokyo.harbor.exchanges.length = 0;
  assert.deepEqual(await bench.run(copy, input()), { kind: "succeeded", output: { images, copied: 0 } });
  assert.deepEqual(sent(tokyo), []);
});

test("all images of an index follow, and so do signatures, attestations and what refers to them", async (t) => {
  const { seoul, tokyo, digest, bench, input } = await twoSites(t);
  const [source, target] = [registryOf(seoul), registryOf(tokyo)];
  const child = await source.getManifest(REPOSITORY, digest);
  assert(child);
  const described = { mediaType: child.mediaType, digest, size: child.bytes.length };
  const index = await store(source, OCI_INDEX, {
    manifests: [{ ...described, platform: { os: "linux", architecture: "amd64" } }],
  });
  const attestation = await store(source, OCI_MANIFEST, await artifact(source, "in-toto", index));
  const signature = await store(source, OCI_MANIFEST, await artifact(source, "signature", attestation));
  const sbom = await store(source, OCI_MANIFEST, await artifact(source, "sbom", described));
  const tag = `${index.digest.replace(":", "-")}.sig`;
  const cosign = await store(source, OCI_MANIFEST, await artifact(source, "cosign", undefined), tag);
  const outcome = await bench.run(copy, input(index.digest));
  assert.equal(outcome.kind, "succeeded", JSON.stringify(outcome));
  for (const one of [index, described, attestation, signature, sbom])
    assert.equal(await target.headManifest(REPOSITORY, one.digest), one.digest);
  assert.equal(await target.headManifest(REPOSITORY, tag), cosign.digest);
  assert.deepEqual(
    (await target.listReferrers(REPOSITORY, index.digest)).map((one) => one.artifactType),
    ["in-toto"],
  );
});

test("an attestation that was added later follows with the next deployment", async (t) => {
  const { seoul, tokyo, digest, bench, input } = await twoSites(t);
  await bench.run(copy, input());
  const source = registryOf(seoul);
  const there = await source.getManifest(REPOSITORY, digest);
  assert(there);
  const subject = { mediaType: there.mediaType, digest, size: there.bytes.length };
  const late = await store(source, OCI_MANIFEST, await artifact(source, "late", subject));
  bench.nextTask();
  await bench.run(copy, input());
  assert.equal(await registryOf(tokyo).headManifest(REPOSITORY, late.digest), late.digest);
});

test("a copy that was interrupted continues: what has arrived is not sent again", async (t) => {
  const { tokyo, digest, bench, input } = await twoSites(t);
  bench.crashAt({ effect: "copy", when: "after-perform" });
  await assert.rejects(bench.run(copy, input()));
  tokyo.harbor.exchanges.length = 0;
  const outcome = await bench.run(copy, input());
  assert(outcome.kind === "succeeded", JSON.stringify(outcome));
  assert.deepEqual(sent(tokyo), []);
  assert.equal(await registryOf(tokyo).headManifest(REPOSITORY, digest), digest);
});

test("an image that no registry has is an error with what to do", async (t) => {
  const { seoul, bench, input } = await twoSites(t);
  const absent = `sha256:${"0".repeat(64)}`;
  const outcome = await bench.run(copy, input(absent));
  assert(outcome.kind === "failed", JSON.stringify(outcome));
  assert.equal(outcome.failure.code, "image-missing");
  assert.equal(outcome.failure.message, `There is no image ${seoul.host}/${REPOSITORY}@${absent}.`);
});

test("of several images, one that is missing stops the step before any is copied", async (t) => {
  const { seoul, tokyo, digest, bench } = await twoSites(t);
  const there = { name: "web", repository: REPOSITORY, digest };
  for (const [repository, wanted] of [
    // The digest exists, but not in this repository.
    ["orders/job", digest],
    [REPOSITORY, `sha256:${"0".repeat(64)}`],
  ] as const) {
    const images = [there, { name: "job", repository, digest: wanted }, { ...there, name: "again" }];
    const outcome = await bench.run(copy, { images, from: "seoul" });
    assert(outcome.kind === "failed", JSON.stringify(outcome));
    assert.equal(outcome.failure.message, `There is no image ${seoul.host}/${repository}@${wanted}.`);
    assert.deepEqual(sent(tokyo), []);
    assert.equal(bench.permits.size, 0);
  }
});

test("a site whose runner knows no registry of the other site says how to name it", async (t) => {
  const { tokyo, digest, bench, input } = await twoSites(t, { knows: false });
  const outcome = await bench.run(copy, input());
  assert(outcome.kind === "failed", JSON.stringify(outcome));
  const { code, message, why, todo } = outcome.failure;
  assert.equal(code, "image-not-copied");
  assert.equal(message, `harbor does not have the image ${tokyo.host}/${REPOSITORY}@${digest}.`);
  assert.match(`${why} ${todo}`, /built at seoul, and the runners of tokyo have no registry of seoul.*`site: seoul`/);
});

test("an image that is there is deployed although the registry that it came from is away", async (t) => {
  const { seoul, bench, input } = await twoSites(t);
  await bench.run(copy, input());
  await seoul.harbor.close();
  bench.nextTask();
  const outcome = await bench.run(copy, input());
  assert(outcome.kind === "succeeded", JSON.stringify(outcome));
  assert.match(bench.lines.join("\n"), /exists\. Its signatures and attestations were not looked for/);
});

test("a site without a registry copies nothing", async (t) => {
  const { digest, input } = await twoSites(t);
  const bench = await openBench({ systems: [], task: { site: "edge" } });
  t.after(() => bench.close());
  assert.deepEqual(await bench.run(copy, input(digest)), { kind: "succeeded", output: { images: [], copied: 0 } });
});

test("at the site that built it, the image is only looked up", async (t) => {
  const { seoul, digest, input } = await twoSites(t);
  const outcome = await seoul.bench.run(copy, input());
  const image = `${seoul.host}/${REPOSITORY}`;
  assert.deepEqual(outcome, {
    kind: "succeeded",
    output: { images: [{ name: "web", image, digest, ref: `${image}@${digest}` }], copied: 0 },
  });
});

test("the project is created where the registry of the site lacks it, and only for an image that there is", async (t) => {
  const seoul = await harborBench(t);
  const tokyo = await harborBench(t, { projects: {} });
  await writeFiles(seoul.bench.workspace, { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a" });
  const { digest } = await pushed(seoul);
  const other: HarborSystem = { ...seoul.system, name: "harbor-seoul", site: "seoul" };
  const bench = await openBench({ systems: [tokyo.system, other], task: { site: "tokyo" } });
  t.after(() => bench.close());
  const run = (wanted: string) =>
    bench.run(copy, { images: [{ name: "web", repository: REPOSITORY, digest: wanted }], from: "seoul" });
  assert.equal((await run(`sha256:${"0".repeat(64)}`)).kind, "failed");
  assert.equal((await tokyo.api("GET", "/projects/orders")).status, 404);
  assert.equal((await run(digest)).kind, "succeeded");
  const project = (await (await tokyo.api("GET", "/projects/orders")).json()) as { metadata: { public: string } };
  assert.equal(project.metadata.public, "false");
});

type Plain = Pick<Descriptor, "mediaType" | "digest" | "size">;

async function store(registry: Registry, mediaType: string, document: object, reference?: string): Promise<Plain> {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...document }));
  const digest = sha256(bytes);
  await registry.putManifest(REPOSITORY, reference ?? digest, { digest, mediaType, bytes });
  return { mediaType, digest, size: bytes.length };
}

async function artifact(registry: Registry, artifactType: string, subject: Plain | undefined): Promise<object> {
  const content = Buffer.from(artifactType);
  const layer = { mediaType: "application/json", digest: sha256(content), size: content.length };
  await registry.pushBlob(REPOSITORY, blobOfBytes(layer.digest, content));
  const empty = { mediaType: OCI_EMPTY, digest: sha256("{}"), size: 2 };
  await registry.pushBlob(REPOSITORY, blobOfBytes(empty.digest, Buffer.from("{}")));
  return { artifactType, config: empty, layers: [layer], ...(subject ? { subject } : {}) };
}
