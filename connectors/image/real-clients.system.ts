// Images between Gantry and programs that others wrote: Buildah builds, skopeo reads. Skipped where they are not.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { isInstalled } from "@gantry/lab/installed.fixture.ts";
import { type HarborBench, harborBench, registryOf } from "../harbor/harbor.fixture.ts";
import { Crash } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { assemble, configOf, pushed, writeFiles } from "./image.fixture.ts";
import { pushImage } from "./push-image.ts";
import { buildPush } from "./steps.ts";

const run = promisify(execFile);
/** Buildah leaves these out of images in the format of OCI. */
const HELD = 'ONBUILD RUN x\nSHELL ["sh"]\nHEALTHCHECK --retries=2 CMD x\n';
const HEALTHCHECK = { Test: ["CMD-SHELL", "x"], Retries: 2 };
const INPUT = { repository: "orders/web", tags: ["1"] };

test("an unmodified client reads the image back at its digest", async (t) => {
  if (!(await isInstalled("skopeo"))) return t.skip("skopeo is not on this machine");
  const setup = await harborBench(t, { empty: false, projects: { orders: { public: "true" } } });
  await writeFiles(setup.bench.workspace, {
    Dockerfile: "ARG REGISTRY\nFROM ${REGISTRY}/library/web-base:1\nCOPY a /srv/\n",
    a: "a",
  });
  const { ref, digest } = await pushed(setup);
  const dir = await tempDir(t);
  await writeFile(join(dir, "policy.json"), '{"default":[{"type":"insecureAcceptAnything"}]}');
  const skopeo = (...args: string[]) => run("skopeo", ["--policy", join(dir, "policy.json"), ...args]);
  await skopeo(
    "copy",
    "--src-tls-verify=false",
    "--preserve-digests",
    `docker://${ref}`,
    `oci:${join(dir, "layout")}:x`,
  );
  const { stdout } = await skopeo("inspect", `oci:${join(dir, "layout")}:x`);
  const seen = JSON.parse(stdout);
  assert.deepEqual([seen.Digest, seen.Layers.length, seen.Architecture], [digest, 2, "amd64"]);
});

test("Buildah builds what runs commands; it is pushed like every image, and found again after a crash", async (t) => {
  if (!(await isInstalled("buildah"))) return t.skip("buildah is not on this machine");
  const setup = await harborBench(t);
  const { bench, harbor, host } = setup;
  if (!(await pushShell(t, setup))) return t.skip("there is no /bin/sh with ldd to make a base image of");
  const dockerfile = `FROM ${host}/orders/shell:1\nARG WORD\nRUN echo "$WORD $RANDOM_FILE" > /built\nCOPY a /\n${HELD}`;
  await writeFiles(bench.workspace, { Dockerfile: dockerfile, a: "a" });
  const input = { buildArgs: { WORD: "built" }, labels: { who: "me" } };
  const first = await pushed(setup, input);
  assert.equal(first.builder, "buildah");
  const { config, ...rest } = JSON.parse(await configOf(setup, first.digest));
  const { Labels, OnBuild, Shell, Healthcheck } = config;
  assert.equal(Labels.who, "me");
  assert.deepEqual({ OnBuild, Shell, Healthcheck }, { OnBuild: ["RUN x"], Shell: ["sh"], Healthcheck: HEALTHCHECK });
  assert.doesNotMatch(JSON.stringify({ config, rest }), /container|Hostname/);
  assert.ok(first.blobsPresent === 0 && first.blobsPushed >= 3, JSON.stringify(first));

  // The second attempt builds something else, as a build that nobody can repeat does; what the first one pushed counts.
  bench.nextTask();
  bench.crashAt({ effect: "push", when: "after-perform" });
  const next = { ...INPUT, ...input, tags: ["2"], buildArgs: { WORD: "one" } };
  await assert.rejects(bench.once(buildPush, next), Crash);
  const before = await registryOf(setup).headManifest("orders/web", "2");
  harbor.exchanges.length = 0;
  const again = await pushed(setup, { ...next, buildArgs: { WORD: "two" } });
  assert.equal(again.digest, before);
  assert.equal(harbor.exchanges.filter(({ method }) => ["PUT", "PATCH", "POST"].includes(method)).length, 0);

  bench.nextTask();
  const other = await pushed(setup, { ...next, buildArgs: { WORD: "two" } });
  assert.notEqual(other.digest, before, "another task's push is not taken for its own");

  bench.nextTask();
  await writeFile(join(bench.workspace, "Dockerfile"), dockerfile.replace("RUN echo", "RUN exit 3; echo"));
  const red = await bench.once(buildPush, { ...INPUT, ...input });
  assert.equal(red.kind === "failed" && red.failure.code, "build-failed");
  assert.deepEqual(await readdir(bench.home), [], "no password stays");
});

/** A base image with a shell, made of this machine's own. */
async function pushShell(t: TestContext, setup: HarborBench): Promise<boolean> {
  const dir = await tempDir(t);
  try {
    const { stdout } = await run("ldd", ["/bin/sh"]);
    const files = ["/bin/sh", ...[...stdout.matchAll(/(\/\S+) \(/g)].map(([, file]) => file ?? "")];
    for (const file of files) {
      await mkdir(join(dir, dirname(file)), { recursive: true });
      await copyFile(file, join(dir, file));
    }
  } catch {
    return false;
  }
  const scratch = await tempDir(t);
  const image = await assemble("FROM scratch\nCOPY . /\nENV PATH=/bin\n", { context: dir, scratch });
  const registry = registryOf(setup);
  await pushImage({ registry, repository: "orders/shell", image, tags: ["1"], scratch, log: () => undefined });
  return true;
}
