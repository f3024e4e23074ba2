import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import type { FakeServer } from "@gantry/lab/fakes/fake-server.ts";
import { startRegistry } from "@gantry/lab/fakes/registry/registry.ts";
import { harborBench, registryOf } from "../harbor/harbor.fixture.ts";
import { createRegistry } from "../oci/client.ts";
import { Crash } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { assemble, configOf, type Files, pushed, writeFiles } from "./image.fixture.ts";
import { pushImage } from "./push-image.ts";
import { buildPush } from "./steps.ts";

const run = promisify(execFile);
const INPUT = { repository: "orders/web", tags: ["1"] };

function sent(standIn: FakeServer, method: string, path: RegExp): number {
  return standIn.exchanges.filter((one) => one.method === method && path.test(one.path) && one.status < 300).length;
}

test("assembles an image and pushes it; the second time nothing is sent", async (t) => {
  const setup = await harborBench(t);
  const { bench, harbor, host } = setup;
  await writeFiles(bench.workspace, {
    Dockerfile: 'FROM scratch\nCOPY app /srv/\nCMD ["/srv/run"]\n',
    "app/run": "x:1",
  });
  const input = { tags: ["1", "main"], labels: { "org.opencontainers.image.revision": "abc" } };
  const first = await pushed(setup, input);
  assert.equal(first.ref, `${host}/orders/web@${first.digest}`);
  assert.deepEqual(first, {
    image: `${host}/orders/web`,
    digest: first.digest,
    ref: `${host}/orders/web@${first.digest}`,
    tags: ["1", "main"],
    builder: "assembler",
    blobsPushed: 2,
    blobsPresent: 0,
  });
  const order = harbor.exchanges.filter(({ method }) => method === "PUT").map(({ path }) => path.split("/").at(-1));
  assert.deepEqual(order.slice(-3), [first.digest, "1", "main"], "the digest first, the tags last");

  bench.nextTask();
  harbor.exchanges.length = 0;
  const second = await pushed(setup, input);
  assert.deepEqual([second.digest, second.blobsPushed, second.blobsPresent], [first.digest, 0, 2]);
  assert.equal(harbor.exchanges.filter(({ method }) => !["GET", "HEAD"].includes(method)).length, 0);

  bench.nextTask();
  await writeFile(join(bench.workspace, "app/run"), "2");
  const third = await pushed(setup, { ...input, tags: ["2"] });
  assert.notEqual(third.digest, first.digest);
  assert.equal(third.blobsPushed, 2, "the layer and the config");
});

test("the password is in no argument, no output and no log, and no file is left", async (t) => {
  const setup = await harborBench(t);
  await writeFiles(setup.bench.workspace, { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a" });
  const output = await pushed(setup);
  assert.doesNotMatch(JSON.stringify([output, setup.bench.lines]), /harbor-pass-1/);
  assert.deepEqual(await readdir(setup.bench.home), []);
});

test("mounts the layers of a base image of the same Harbor, and copies those of another registry", async (t) => {
  const setup = await harborBench(t, { empty: false, projects: { orders: {} } });
  const { bench, harbor, host } = setup;
  await writeFiles(bench.workspace, {
    Dockerfile: "ARG REGISTRY\nFROM ${REGISTRY}/library/web-base:1\nCOPY a /srv/www/\n",
    a: "a",
  });
  const first = await pushed(setup);
  assert.equal(first.blobsPushed, 3, "the layer of the base, one of ours, the config");
  const begun = harbor.exchanges.filter((one) => one.method === "POST" && one.path.endsWith("/uploads/"));
  assert.equal(begun.filter(({ query, status }) => query.mount !== undefined && status === 201).length, 1);
  assert.match(await configOf(setup, first.digest), /"User":"1000:1000"/, "the config goes on from the base's");

  const other = await startRegistry({ name: "other", dir: await tempDir(t), username: "them", password: "x" });
  t.after(() => other.close());
  await seedOther(t, other, "FROM scratch\nCOPY base /base\nENV FROM_BASE=1\n", { base: "base" });
  bench.nextTask();
  await writeFile(join(bench.workspace, "Dockerfile"), `FROM ${new URL(other.url).host}/base:1\nCOPY a /srv/\n`);
  const second = await pushed(setup, { tags: ["2"] });
  assert.deepEqual([second.blobsPushed, second.blobsPresent], [3, 0]);
  const { host: otherHost } = new URL(other.url);
  assert.ok(bench.lines.some((line) => line.startsWith("copied") && line.endsWith(`from ${otherHost}`)));
  assert.ok(host !== otherHost);
});

async function seedOther(t: TestContext, other: FakeServer, dockerfile: string, files: Files): Promise<void> {
  const dir = await tempDir(t);
  await writeFiles(dir, files);
  const scratch = await tempDir(t);
  const registry = createRegistry({
    title: "other",
    url: other.url,
    credentials: { username: "them", password: "x" },
    fetch,
    signal: new AbortController().signal,
    nowMs: Date.now,
  });
  const image = await assemble(dockerfile, { context: dir, scratch });
  await pushImage({ registry, repository: "base", image, tags: ["1"], scratch, log: () => undefined });
}

test("reads the base image's files once, and follows its links", async (t) => {
  const setup = await harborBench(t);
  const other = await startRegistry({ name: "other", dir: await tempDir(t), username: "them", password: "x" });
  t.after(() => other.close());
  const passwd = "root:x:0:0::/:/x\nweb:x:101:102::/:/x\n";
  await seedOther(t, other, "FROM scratch\nCOPY . /\n", {
    "etc/passwd": passwd,
    "etc/conf.d/x": "",
    run: "->etc/conf.d",
  });
  const base = `FROM ${new URL(other.url).host}/base:1\n`;
  await writeFiles(setup.bench.workspace, { "a.conf": "a", "dir/f": "f" });
  const build = async (lines: string): Promise<string[]> => {
    setup.bench.nextTask();
    await writeFile(join(setup.bench.workspace, "Dockerfile"), base + lines);
    const { digest } = await pushed(setup, { tags: ["x"] });
    const registry = registryOf(setup);
    const manifest = JSON.parse((await registry.getManifest("orders/web", digest))?.bytes.toString() ?? "null");
    const bytes = await registry.readBlob("orders/web", manifest.layers.at(-1), 1_000_000);
    const file = join(await tempDir(t), "layer.tar.gz");
    await writeFile(file, bytes);
    const { stdout } = await run("tar", ["--numeric-owner", "-tvzf", file]);
    return stdout
      .trim()
      .split("\n")
      .map((line) => line.replace(/^(\S+) (\S+) .* (\S+)$/, "$2 $3"));
  };
  const layersRead = (): number => sent(other, "GET", /\/blobs\//) - 1;
  assert.deepEqual(await build("COPY a.conf /etc/a.conf\n"), ["0/0 etc/a.conf"]);
  other.exchanges.length = 0;
  assert.deepEqual(await build("COPY a.conf /etc/b.conf/\n"), ["0/0 etc/b.conf/a.conf"]);
  assert.equal(layersRead(), 0);
  assert.deepEqual(await build("COPY a.conf /etc/conf.d\n"), ["0/0 etc/conf.d/a.conf"], "a directory of the base");
  assert.deepEqual(await build("COPY a.conf /run\n"), ["0/0 etc/conf.d/a.conf"], "behind a link of the base");
  assert.deepEqual(await build("COPY a.conf /etc/new\n"), ["0/0 etc/new"]);
  assert.deepEqual(await build("COPY --chown=web dir /srv\n"), ["101/102 srv/", "101/102 srv/f"]);
  assert.deepEqual(await build("WORKDIR /app\nCOPY --chown=web dir .\n"), ["101/102 app/f"], "WORKDIR made it");
  assert.deepEqual(await build("COPY --chown=web:5 dir /etc/conf.d\n"), ["101/5 etc/conf.d/f"], "it keeps what it is");
  const outcome = await (async () => {
    setup.bench.nextTask();
    await writeFile(join(setup.bench.workspace, "Dockerfile"), `${base}COPY --chown=ghost a.conf /\n`);
    return setup.bench.run(buildPush, INPUT);
  })();
  assert.equal(outcome.kind === "failed" && outcome.failure.why, 'line 2: COPY: the image knows no user "ghost".');
});

test("a crash between the push and its record pushes nothing twice", async (t) => {
  const setup = await harborBench(t);
  const { bench, harbor } = setup;
  await writeFiles(bench.workspace, { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a" });
  bench.crashAt({ effect: "push", when: "after-perform" });
  await assert.rejects(bench.once(buildPush, INPUT), Crash);
  harbor.exchanges.length = 0;
  const again = await pushed(setup);
  assert.equal(again.blobsPushed, 0);
  assert.equal(harbor.exchanges.filter(({ method }) => !["GET", "HEAD"].includes(method)).length, 0);
  assert.equal((await pushed(setup)).digest, again.digest, "a third time it is answered from the record");
});

test("a registry that drops the connection is survived", async (t) => {
  const setup = await harborBench(t);
  await writeFiles(setup.bench.workspace, { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a".repeat(100_000) });
  setup.harbor.faults.add({ match: "^PUT .*uploads", times: 2, kind: "cut", bytes: 30 });
  setup.harbor.faults.add({ match: "^PUT .*manifests/1$", times: 1, kind: "drop" });
  await pushed(setup);
  assert.ok(await registryOf(setup).headManifest("orders/web", "1"));
});

test("a registry that stays away is an error that may be tried again, after ten minutes without another build", async (t) => {
  let nowMs = Date.now();
  const aMinuteLater = (): number => {
    nowMs += 60_000;
    return nowMs;
  };
  const setup = await harborBench(t, { nowMs: aMinuteLater });
  await writeFiles(setup.bench.workspace, { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a" });
  setup.harbor.faults.add({ match: "/v2/", times: 1_000, kind: "drop" });
  const outcome = await setup.bench.run(buildPush, INPUT, { maxPauseMs: 5 });
  assert.deepEqual(
    [outcome.kind, outcome.kind === "errored" && outcome.failure.code, outcome.kind === "errored" && outcome.retryable],
    ["errored", "system-unavailable", true],
  );
  assert.match(setup.bench.reasons.at(-1) ?? "", /look for orders\/web/, "it only asks whether the registry is back");
});

test("mistakes in the Dockerfile are the user's, and point at the line", async (t) => {
  const setup = await harborBench(t);
  const cases: readonly [string, RegExp][] = [
    ["FROM scratch\nCOPPY a /\n", /^line 2: COPPY is not an instruction\.$/],
    ["FROM scratch\nCOPY nope /\n", /^line 2: COPY: there is no "nope" in the build context/],
    ["FROM HARBOR/orders/none:1\nCOPY a /\n", /^line 1: FROM: there is no image /],
    ["FROM Bad//Name\nCOPY a /\n", /^line 1: FROM: "Bad\/\/Name" is not a valid name of an image\.$/],
    ["FROM scratch\nEXPOSE web\n", /^line 2: EXPOSE: "web" is not a port\.$/],
  ];
  for (const [text, why] of cases) {
    await writeFiles(setup.bench.workspace, { Dockerfile: text.replace("HARBOR", setup.host), a: "a" });
    const outcome = await setup.bench.once(buildPush, INPUT);
    assert.equal(outcome.kind, "failed", JSON.stringify(outcome));
    assert.match((outcome.kind === "failed" && outcome.failure.why) || "", why);
  }
});

test("a Dockerfile that needs a real builder names the line when there is none", async (t) => {
  const setup = await harborBench(t);
  await writeFiles(setup.bench.workspace, { Dockerfile: "FROM scratch\nRUN make\n" });
  const outcome = await setup.bench.once(buildPush, { ...INPUT, builder: "assembler" });
  assert.equal(outcome.kind === "errored" && outcome.failure.code, "no-builder");
  assert.match((outcome.kind === "errored" && outcome.failure.why) || "", /^Dockerfile, line 2: RUN runs a command/);
});

test("no path leads out of the workspace", async (t) => {
  const setup = await harborBench(t);
  await writeFiles(setup.bench.workspace, { Dockerfile: "FROM scratch\n", link: "->/", "sub/x": "" });
  for (const input of [
    { context: ".." },
    { context: "link" },
    { context: "sub", dockerfile: "../Dockerfile" },
    { context: "no" },
  ]) {
    const outcome = await setup.bench.once(buildPush, { ...INPUT, ...input });
    assert.equal(outcome.kind === "errored" && outcome.failure.code, "bad-input", JSON.stringify(input));
  }
});

test("a pipe or a link out of the workspace in the place of a file that is read is refused at once", {
  timeout: 60_000,
}, async (t) => {
  const setup = await harborBench(t);
  const { workspace } = setup.bench;
  await writeFiles(workspace, { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a", "zero/.dockerignore": "->/dev/zero" });
  await writeFiles(workspace, { "zero/Dockerfile": "FROM scratch\n" });
  for (const pipe of ["Pipe", ".dockerignore", "Dockerfile.dockerignore"]) await run("mkfifo", [join(workspace, pipe)]);
  for (const input of [{ dockerfile: "Pipe" }, {}, { context: "zero" }]) {
    const outcome = await setup.bench.once(buildPush, { ...INPUT, ...input });
    assert.equal(outcome.kind === "errored" && outcome.failure.code, "file-invalid", JSON.stringify(outcome));
  }
});

test("says what it would do", async (t) => {
  const { bench, host } = await harborBench(t);
  const [build, push] = await bench.plan(buildPush, { ...INPUT, context: "app" });
  assert.equal(build, "Build app/Dockerfile with the first builder that can.");
  assert.equal(push, `Push ${host}/orders/web with the tags 1, sending only the blobs that it lacks.`);
});
