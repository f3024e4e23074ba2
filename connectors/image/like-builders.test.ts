// What Buildah and BuildKit make of the same file. The rows were found by comparing generated files with both.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { harborBench, registryOf } from "../harbor/harbor.fixture.ts";
import {
  isSamePlatform,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  parsePlatform,
  platformText,
  sha256,
} from "../oci/manifest.ts";
import { blobOfBytes } from "../oci/upload.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { DEFAULT_PATH } from "./dockerfile/interpret.ts";
import { assemble, configOf, look, pushed, writeFiles } from "./image.fixture.ts";
import { buildPush } from "./steps.ts";

const PATH = DEFAULT_PATH.slice("PATH=".length);

test("the config has what builders write", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  const rows: readonly (readonly [lines: string, part: object])[] = [
    ["ENV A=1", { Env: [DEFAULT_PATH, "A=1"] }],
    ["ENV PATH=/app:$PATH", { Env: [`PATH=/app:${PATH}`] }],
    ["ENV PATH=/app", { Env: ["PATH=/app"] }],
    ["ENV PATH=", { Env: ["PATH="] }],
    ['SHELL ["/bin/bash", "-c"]\nHEALTHCHECK CMD a b', { Healthcheck: { Test: ["CMD-SHELL", "a b"] } }],
    ["HEALTHCHECK --retries=0 --interval=0 --timeout=0s CMD a", { Healthcheck: { Test: ["CMD-SHELL", "a"] } }],
    ["HEALTHCHECK --timeout=.5s CMD a", { Healthcheck: { Test: ["CMD-SHELL", "a"], Timeout: 5e8 } }],
    ["HEALTHCHECK --timeout=+1.h5us CMD a", { Healthcheck: { Test: ["CMD-SHELL", "a"], Timeout: 3600e9 + 5e3 } }],
    ['HEALTHCHECK --timeout="3"s CMD a', { Healthcheck: { Test: ["CMD-SHELL", "a"], Timeout: 3e9 } }],
    ["CMD -- x", { Cmd: ["/bin/sh", "-c", "x"] }],
    ["VOLUME -- /x", { Volumes: { "/x": {} } }],
    ['VOLUME [" /a ", "b\\\\"]', { Volumes: { "/a": {}, b: {} } }],
    ["ONBUILD  RUN  x  ", { OnBuild: ["RUN  x  "] }],
    ["ONBUILD RUN a \\\n# c\n b \\\n", { OnBuild: ["RUN a  b "] }],
    ["ENV A=a$\u00fcb B=1", { Env: [DEFAULT_PATH, "A=a", "B=1"] }],
    ['LABEL \'$PATH\'=x "a\\"b"=y c\\\\d=z', { Labels: { $PATH: "x", 'a"b': "y", "c\\d": "z" } }],
    ["WORKDIR /w/", { WorkingDir: "/w/" }],
    ["WORKDIR //a", { WorkingDir: "//a" }],
    ["WORKDIR /a/../b\nWORKDIR c", { WorkingDir: "/b/c" }],
    ["WORKDIR /a/\nWORKDIR ../b/", { WorkingDir: "/b" }],
    ["STOPSIGNAL SIGRTMIN+15", { StopSignal: "SIGRTMIN+15" }],
  ];
  for (const [lines, part] of rows) {
    const { config } = await look(await assemble(`FROM scratch\n${lines}\n`, folders));
    assert.deepEqual({ ...config.config, ...part }, config.config, lines);
  }
  const { config } = await look(await assemble("FROM scratch AS a\nMAINTAINER me\nFROM a\nENV A=1\n", folders));
  assert.equal(config.author, "me");
});

test("a first line that is no directive ends them, and below #! there is none", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  for (const head of ["# foo=bar\n", "#!/bin/x\n", "\n", "# c\n"]) {
    const { config } = await look(await assemble(`${head}# escape=\`\nFROM scratch\nENV A=x\`y\n`, folders));
    assert.equal(config.config.Env[1], "A=x`y", head);
  }
});

test("a flag loses its quotes and escape characters before variables are filled in", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  await writeFiles(folders.context, { a: "A" });
  for (const flag of [`--chown='$N'`, '--chown="5:6"', "--chown=\\5:\\6", `--chown=5":"6 -- `, "--chown=$N"]) {
    const { layers } = await look(await assemble(`FROM scratch\nARG N=5:6\nCOPY ${flag} a /\n`, folders));
    assert.equal(layers[0]?.[0]?.owner, "5:6", flag);
  }
  const quoted = 'FROM scratch AS s\nCOPY a /\nFROM scratch\nCOPY --from="s" --chmod="7"00 a ["/x\\"]\n';
  const { layers } = await look(await assemble(quoted.replace('a ["/x\\"]', '["a", "/x\\\\"]'), folders));
  assert.deepEqual([layers[0]?.[0]?.path, layers[0]?.[0]?.mode], ["x", "700"]);
});

test("FROM sees the arguments that an ARG before it names, and those of the platform", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t), buildArgs: { T: "nowhere", U: "scratch" } };
  const rows: readonly (readonly [text: string, value: string])[] = [
    ["FROM ${T:-scratch}\nARG T\nENV A=$T", "nowhere"],
    ["ARG U\nFROM ${U}\nENV A=$U", ""],
    ["ARG V=${T:-scratch}\nFROM $V\nARG V\nENV A=$V", "scratch"],
    ["FROM scratch AS amd64\nENV A=1\nFROM $TARGETARCH", "1"],
  ];
  for (const [text, value] of rows) {
    const { config } = await look(await assemble(`${text}\n`, folders));
    assert.equal(config.config.Env[1], `A=${value}`, text);
  }
});

test("files and directories of an earlier stage keep their owners", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  await writeFiles(folders.context, { "d/x": "X", "d/l": "->x", a: "A" });
  const ownersIn = async (lines: string): Promise<string> => {
    const stage = "FROM scratch AS a\nCOPY --chown=5:6 d /w/d\nUSER 7:8\nWORKDIR /w/v";
    const { layers } = await look(await assemble(`${stage}\nFROM scratch\n${lines}\n`, folders));
    return layers.flatMap((layer) => layer.map(({ path, owner }) => `${path} ${owner}`)).join(", ");
  };
  const rows: readonly (readonly [lines: string, owners: string])[] = [
    ["COPY --from=a /w/d /n", "n/ 0:0, n/l 5:6, n/x 5:6"],
    ["COPY --from=a /w /n", "n/ 0:0, n/d/ 5:6, n/d/l 5:6, n/d/x 5:6, n/v/ 7:8"],
    ["COPY --from=a /w/d/x /n/m/", "n/ 0:0, n/m/ 0:0, n/m/x 5:6"],
    ["COPY --from=a --chown=9 /w/d /n", "n/ 9:9, n/l 9:9, n/x 9:9"],
  ];
  for (const [lines, owners] of rows) assert.equal(await ownersIn(lines), owners, lines);
  await assert.rejects(ownersIn("COPY d /n/d\nCOPY --from=a /w /n"), { code: "no-builder" });
});

test("a heredoc keeps quotes, and a backslash before its name quotes nothing", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  const body = `"$A" '$A' \${A:+"x"} \${A:+'$A'} \${B:-"$A"} \${A:+a\\}b}`;
  const text = `FROM scratch\nENV A=1\nCOPY <<EOF <<\\F /d/\n${body}\nEOF\n$A\nF\n`;
  const { layers } = await look(await assemble(text, folders));
  assert.deepEqual(
    layers[0]?.map((one) => one.text),
    ["", `"1" '1' "x" '1' "1" a}b\n`, "1\n"],
  );
});

test("an argument that builders give different values is not used silently", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  const build = (text: string, buildArgs = {}) => assemble(`${text}\n`, { ...folders, buildArgs });
  for (const text of [
    "FROM scratch\nENV N=1\nARG N=2\nLABEL a=$N",
    "ARG TARGETARCH=x\nFROM scratch\nARG TARGETARCH\nLABEL a=$TARGETARCH",
  ])
    await assert.rejects(build(text), { code: "no-builder" }, text);
  await assert.rejects(build("FROM scratch\nENV A=1", { TARGETARCH: "x" }), { code: "no-builder" });
  const rows: readonly (readonly [text: string, value: string])[] = [
    ["FROM scratch\nENV N=1\nARG N=2\nLABEL b=c\nENV N=3\nLABEL a=$N", "3"],
    ["FROM scratch\nARG N=2\nENV N=1\nLABEL a=$N", "1"],
    ["FROM scratch\nENV N=1\nARG N=1\nLABEL a=$N", "1"],
    ["FROM scratch\nARG TARGETARCH=x\nLABEL a=$TARGETARCH", "x"],
    ["FROM scratch\nARG TARGETARCH\nLABEL a=$TARGETARCH", "amd64"],
  ];
  for (const [text, value] of rows) assert.equal((await look(await build(text))).config.config.Labels.a, value, text);
});

test("what builders refuse is a mistake", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  await writeFiles(folders.context, { a: "A", "etc/passwd": "web:x:5:6::/:\n", "etc/group": "adm:x:4:\n" });
  const rows: readonly (readonly [lines: string, problem: RegExp])[] = [
    ["FROM scratch\nVOLUME []", /needs a path/],
    ["FROM scratch\nONBUILD ENV A=1 b", /ONBUILD: ENV: .*has no value/],
    ["FROM scratch\nONBUILD LABEL a", /ONBUILD: LABEL: .*has no value/],
    ["FROM scratch\nHEALTHCHECK CMD []", /needs a command/],
    ["FROM scratch\nHEALTHCHECK --interval=100us CMD a", /not a duration of 1ms or more/],
    ["FROM scratch\nHEALTHCHECK --interval=-1s CMD a", /not a duration/],
    ["FROM scratch\nHEALTHCHECK --interval=5S CMD a", /not a duration/],
    ["FROM scratch\nHEALTHCHECK --interval=. CMD a", /not a duration/],
    ["FROM scratch\nSTOPSIGNAL SIGRTMIN+16", /not a signal/],
    ["FROM scratch\nSTOPSIGNAL RTMAX-15", /not a signal/],
    ["FROM scratch\nCOPY etc /etc\nCOPY --chown=web:adm:4 a /x", /no user "web:adm:4"/],
    ["FROM scratch\nCOPY --chown=1:2:3 a /x", /no user "1:2:3"/],
    ["FROM --platform=$NONE scratch\nENV A=1", /--platform="" must be os\/architecture/],
    ["FROM --platform=linux/amd64/v1/x scratch\nENV A=1", /must be os\/architecture/],
  ];
  for (const [text, problem] of rows) {
    await assert.rejects(
      async () => assemble(`${text}\n`, folders),
      (error) => problem.test(error instanceof GantryError ? String(error.details.problem) : String(error)),
      text,
    );
  }
});

test("what builders copy in different ways is left to a real builder", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  await writeFiles(folders.context, { a: "A", "[x]": "b", x: "c", "d/x": "X", lib: "->usr/lib", "usr/lib/y": "y" });
  const noBuilder = (error: unknown): boolean => error instanceof GantryError && error.code === "no-builder";
  for (const lines of [
    "COPY '\\[x\\]' /y/",
    'COPY "\\[x\\]" /y/',
    "COPY lib /lib\nCOPY . /\nCOPY --link a /lib/b",
    "COPY d /y\nCOPY --link a /y",
    "COPY --chown=5 d /y\nCOPY --link a /y/",
    "COPY --chown=5 d /y\nCOPY --link a /y/z",
    "COPY --chown=5 d /y/z\nCOPY --link d /y",
    "COPY [[]x] /y/",
    "COPY * /y/",
    "FROM scratch AS s\nCOPY a /\nFROM scratch AS s\nCOPY --from=s a /",
    "FROM scratch AS scratch\nCOPY a /\nFROM scratch\nENV A=1",
  ])
    await assert.rejects(assemble(`FROM scratch\n${lines}\n`, folders), noBuilder, lines);
  await assert.rejects(
    assemble("FROM --platform=linux/arm64 scratch\nENV A=1\n", { ...folders, platform: "linux/amd64" }),
    noBuilder,
  );
  for (const lines of [
    "COPY --link a /y/z",
    "COPY --link a /y/",
    "COPY --link d /y",
    "WORKDIR /y\nCOPY --link . .\nCOPY --link a ./",
    "COPY --chown=5 d /y\nCOPY --link=false a /y/",
    "COPY d /y\nCOPY --link a /y/",
  ])
    await assemble(`FROM scratch\n${lines}\n`, folders);
});

test("the target of a link is cleaned before it is followed", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  await writeFiles(folders.context, {
    "usr/lib/y": "y",
    lib: "->usr/lib",
    etc: "->lib/../conf",
    "conf/c": "c",
    "usr/conf/c": "other",
    a: "A",
  });
  const { layers } = await look(await assemble("FROM scratch\nCOPY . /\nCOPY etc/c a /etc/n/\n", folders));
  assert.deepEqual(
    layers[1]?.map(({ path, text }) => [path, text]),
    [
      ["conf/n/", ""],
      ["conf/n/a", "A"],
      ["conf/n/c", "c"],
    ],
  );
});

test("platforms have one name, however they are written", () => {
  const rows: readonly (readonly [text: string, name: string | undefined])[] = [
    ["linux/amd64", "linux/amd64"],
    ["Linux/x86_64", "linux/amd64"],
    ["linux/arm", "linux/arm/v7"],
    ["linux/armhf", "linux/arm/v7"],
    ["linux/arm/6", "linux/arm/v6"],
    ["linux/aarch64", "linux/arm64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/amd64/v2", "linux/amd64/v2"],
    ["linux", undefined],
    ["linux/", undefined],
    ["linux/arm/", undefined],
    ["linux/arm/v7/x", undefined],
  ];
  for (const [text, name] of rows) {
    const platform = parsePlatform(text);
    assert.equal(platform && platformText(platform), name, text);
  }
  assert.ok(
    isSamePlatform({ os: "linux", architecture: "arm64", variant: "v8" }, { os: "linux", architecture: "arm64" }),
  );
});

test("names without a value in the environment of a base image stay as they are", async (t) => {
  const setup = await harborBench(t);
  const registry = registryOf(setup);
  const config = { Env: ["NAME", "PATH=/bin", "A=b=c"] };
  const document = { architecture: "amd64", os: "linux", config, rootfs: { type: "layers", diff_ids: [] } };
  const blob = Buffer.from(JSON.stringify(document));
  await registry.pushBlob("orders/web", blobOfBytes(sha256(blob), blob));
  const described = { mediaType: OCI_CONFIG, digest: sha256(blob), size: blob.length };
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, config: described, layers: [] }));
  await registry.putManifest("orders/web", "base", { digest: sha256(bytes), mediaType: OCI_MANIFEST, bytes });
  await writeFile(join(setup.bench.workspace, "Dockerfile"), `FROM ${setup.host}/orders/web:base\nENV B=$NAME$A\n`);
  const { digest } = await pushed(setup, { tags: ["new"] });
  assert.deepEqual(JSON.parse(await configOf(setup, digest)).config.Env, ["NAME", "PATH=/bin", "A=b=c", "B=b=c"]);
});

test("the variant of a base image is the best one for the platform, and a base for another platform is refused", async (t) => {
  const setup = await harborBench(t);
  const { bench, host } = setup;
  const registry = registryOf(setup);
  const platforms = ["linux/arm/v5", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8"];
  const manifests: object[] = [];
  for (const platform of platforms) {
    bench.nextTask();
    await writeFile(join(bench.workspace, "Dockerfile"), `FROM scratch\nENV FOR=${platform}\n`);
    const { digest } = await pushed(setup, { platform, tags: ["one"] });
    const { mediaType = "", bytes } = (await registry.getManifest("orders/web", digest)) ?? {};
    const [os, architecture, variant] = platform.split("/");
    manifests.push({ mediaType, digest, size: bytes?.length ?? 0, platform: { os, architecture, variant } });
  }
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
  const bytes = Buffer.from(JSON.stringify(index));
  await registry.putManifest("orders/web", "all", { digest: sha256(bytes), mediaType: OCI_INDEX, bytes });
  const build = async (from: string, platform?: string) => {
    bench.nextTask();
    await writeFile(join(bench.workspace, "Dockerfile"), `FROM ${host}/orders/web:${from}\nLABEL a=b\n`);
    const input = { repository: "orders/new", tags: ["1"], ...(platform ? { platform } : {}) };
    const outcome = await bench.run(buildPush, input);
    if (outcome.kind === "failed") return outcome.failure.why ?? "";
    assert.equal(outcome.kind, "succeeded", JSON.stringify(outcome));
    const { mediaType: _, bytes: manifest } = (await registry.getManifest("orders/new", "1")) ?? {};
    const { config } = JSON.parse(manifest?.toString() ?? "null");
    return JSON.parse((await registry.readBlob("orders/new", config, 1_000_000)).toString()).config.Env[1];
  };
  assert.equal(await build("all", "linux/arm"), "FOR=linux/arm/v7");
  assert.equal(await build("all", "linux/arm/v6"), "FOR=linux/arm/v6");
  assert.equal(await build("all", "linux/arm64"), "FOR=linux/arm64/v8");
  assert.match(await build("all", "linux/amd64"), /has no variant for linux\/amd64/);
  assert.match(await build("one", "linux/amd64"), /orders\/web:one is for linux\/arm64, and not for linux\/amd64/);
  assert.equal(await build("one"), "FOR=linux/arm64/v8");
});
