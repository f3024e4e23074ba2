import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Exec } from "@gantry/core/step/step.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { type BuildRequest, buildCommands, findBuilders, prepareBuild, runBuilder } from "./builders.ts";
import { REAL_BUILDERS } from "./decide-builder.ts";
import { parseDockerfile } from "./dockerfile/dockerfile.ts";

const REQUEST: BuildRequest = {
  builder: "buildah",
  context: "/w/app",
  dockerfile: "/w/app/ci/Dockerfile",
  layout: "/h/image-Ab1/layout",
  scratch: "/h/image-Ab1",
  bases: ["harbor.example/apps/base:1"],
  buildArgs: { VERSION: "1; rm -rf /" },
  labels: { who: "me" },
  platform: "linux/arm64",
  insecure: true,
};

test("every builder gets the Dockerfile, arguments, labels and platform, each as an argument of its own", () => {
  for (const builder of REAL_BUILDERS) {
    const all = buildCommands({ ...REQUEST, builder }).flatMap(({ argv }) => argv);
    assert.ok(
      all.some((word) => word.endsWith("VERSION=1; rm -rf /")),
      builder,
    );
    assert.ok(
      all.some((word) => word.endsWith("who=me")),
      builder,
    );
    assert.ok(
      all.some((word) => word.endsWith("linux/arm64")),
      builder,
    );
    assert.ok(
      all.some((word) => word.endsWith("Dockerfile")),
      builder,
    );
    assert.ok(
      all.some((word) => word.includes("/h/image-Ab1/layout")),
      builder,
    );
    assert.ok(!all.includes("push") || all.some((word) => word.startsWith("dir:")), `${builder} pushes to no registry`);
  }
});

test("Buildah reads base images for the platform of the build, while it has the account", () => {
  const [pull] = buildCommands(REQUEST);
  assert.deepEqual(pull?.argv.slice(-3), ["--platform", "linux/arm64", "harbor.example/apps/base:1"]);
  const [usual] = buildCommands({ ...REQUEST, platform: undefined });
  assert.ok(!usual?.argv.includes("--platform"));
});

test("the password is in a file that only we may read, and in no argument", async (t) => {
  const scratch = join(await tempDir(t), "image-1");
  const request = { ...REQUEST, scratch };
  const account = { host: "harbor.example", username: "ci", password: "build-pass-1" };
  await prepareBuild(request, { ...account, repositories: ["apps/base", "library/web"] });
  const file = join(scratch, "config.json");
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const { auths } = JSON.parse(await readFile(file, "utf8"));
  // A base image can name further ones (ONBUILD): those are read without an account.
  assert.deepEqual(Object.keys(auths), ["harbor.example/apps/base", "harbor.example/library/web"]);
  assert.equal(Buffer.from(auths["harbor.example/apps/base"].auth, "base64").toString(), "ci:build-pass-1");
  for (const [repositories, places] of [
    [["apps/base"], ["harbor.example"]],
    [[], []],
  ] as const) {
    await prepareBuild({ ...request, builder: "docker" }, { ...account, repositories });
    assert.deepEqual(Object.keys(JSON.parse(await readFile(file, "utf8")).auths), places);
  }
  for (const builder of REAL_BUILDERS) {
    const commands = JSON.stringify(buildCommands({ ...request, builder }));
    assert.doesNotMatch(commands, /build-pass-1|Y2k6/);
  }
});

test("Buildah gets the account for base images only, and nobody has it while commands of the Dockerfile run", async (t) => {
  const scratch = join(await tempDir(t), "image-1");
  const request = { ...REQUEST, scratch, layout: join(scratch, "layout") };
  await mkdir(request.layout, { recursive: true });
  await writeFile(join(request.layout, "index.json"), "{}");
  await prepareBuild(request, { host: "harbor.example", username: "ci", password: "p", repositories: ["apps/base"] });
  const calls: (readonly [verb: string | undefined, hasAccount: boolean, confined: unknown])[] = [];
  const exec: Exec = async (argv, options) => {
    const verb = argv.find((word) => ["pull", "bud", "push"].includes(word));
    const hasAccount = await stat(join(scratch, "config.json")).then(
      () => true,
      () => false,
    );
    calls.push([verb, hasAccount, options?.confined]);
    return { exitCode: 0, signal: null, stdout: "" };
  };
  await runBuilder(request, exec, { dockerfile: parseDockerfile("FROM scratch\n").dockerfile, file: "Dockerfile" });
  assert.deepEqual(calls, [
    ["pull", true, undefined],
    ["bud", false, "image-build"],
    ["push", false, "image-build"],
  ]);
});

test("finds the builders on PATH; Docker only when its daemon answers and nothing else is there", async (t) => {
  const folder = await tempDir(t);
  const system = await tempDir(t);
  await writeFile(join(system, "sh"), '#!/bin/sh\nexec /bin/sh "$@"\n', { mode: 0o755 });
  const install = async (set: string, name: string, exit: number): Promise<string> => {
    await mkdir(join(folder, set), { recursive: true });
    await writeFile(join(folder, set, name), `#!/bin/sh\nexit ${exit}\n`, { mode: 0o755 });
    return join(folder, set);
  };
  const up = await install("up", "docker", 0);
  const down = await install("down", "docker", 1);
  const both = await install("both", "docker", 0);
  await install("both", "podman", 0);
  await install("both", "buildah", 0);
  const found = (path: string): Promise<readonly string[]> => findBuilders(execWith(`${path}:${system}`));
  assert.deepEqual(await found(up), ["docker"]);
  assert.deepEqual(await found(down), []);
  assert.deepEqual(await found(both), ["buildah", "podman"]);
  assert.deepEqual(await found(system), []);
});

test("no builder takes settings from the HOME of the job, where scripts can name programs to start", async (t) => {
  const scratch = join(await tempDir(t), "image-1");
  await mkdir(join(scratch, "layout"), { recursive: true });
  await writeFile(join(scratch, "layout", "index.json"), "{}");
  const homes: (string | undefined)[] = [];
  const exec: Exec = async (_, options) => {
    homes.push(options?.env?.HOME);
    return { exitCode: 0, signal: null, stdout: "docker\n" };
  };
  await findBuilders(exec);
  assert.deepEqual(homes.splice(0), ["/nonexistent", "/nonexistent"]);
  const source = { dockerfile: parseDockerfile("FROM scratch\n").dockerfile, file: "Dockerfile" };
  for (const builder of REAL_BUILDERS)
    await runBuilder({ ...REQUEST, builder, scratch, layout: join(scratch, "layout") }, exec, source);
  // Buildah takes none at all: what it executes could write there.
  assert.deepEqual([...new Set(homes)].toSorted(), ["/nonexistent", scratch].toSorted());
});

/** Runs programs of these folders only: whatever this machine has installed stays out. */
function execWith(path: string): Exec {
  return async ([program, ...argv]) => {
    const { status, signal, stdout } = spawnSync(program, argv, { env: { PATH: path }, encoding: "utf8" });
    return { exitCode: status ?? -1, signal, stdout };
  };
}
