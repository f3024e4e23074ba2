import assert from "node:assert/strict";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { explain, GantryError } from "@gantry/core/errors.ts";
import fc from "fast-check";
import { tempDir } from "../temp-dir.fixture.ts";
import { DEFAULT_PATH } from "./dockerfile/interpret.ts";
import { assemble, type Files, look, writeFiles } from "./image.fixture.ts";

async function inFolder(t: TestContext, files: Files) {
  const dir = await tempDir(t);
  const context = join(dir, "context");
  const scratch = join(dir, "scratch");
  await mkdir(scratch);
  await mkdir(context);
  await writeFiles(context, files);
  return { context, scratch };
}

const pathsOf = (layer: readonly { path: string }[] | undefined): string[] => (layer ?? []).map(({ path }) => path);

test("lays files out as COPY does", async (t) => {
  const place = await inFolder(t, {
    "app/main.js": "main",
    "app/bin/run": "x:#!/bin/sh\n",
    "app/empty/": "",
    "app/link.js": "->main.js",
    "conf/a.conf": "a",
    "conf/b.conf": "b",
    "conf/c.txt": "c",
    current: "->app",
  });
  const { layers } = await look(
    await assemble(
      [
        "FROM scratch",
        "WORKDIR /srv/app",
        "COPY app .",
        "COPY app/main.js renamed.js",
        "COPY conf/*.conf /etc/",
        "COPY current/main.js app/link.js /links/",
        "COPY --chown=10:20 --chmod=600 conf/* /links/",
        "COPY <<one <<two /text/",
        "1 $HOME",
        "one",
        "2",
        "two",
      ].join("\n"),
      place,
    ),
  );
  assert.deepEqual(layers.map(pathsOf), [
    ["srv/", "srv/app/"],
    ["srv/app/bin/", "srv/app/bin/run", "srv/app/empty/", "srv/app/link.js", "srv/app/main.js"],
    ["srv/app/renamed.js"],
    ["etc/", "etc/a.conf", "etc/b.conf"],
    ["links/", "links/link.js", "links/main.js"],
    ["links/a.conf", "links/b.conf", "links/c.txt"],
    ["text/", "text/one", "text/two"],
  ]);
  const files = layers.flat();
  const find = (path: string) => files.find((one) => one.path === path);
  assert.deepEqual([find("srv/app/bin/run")?.mode, find("srv/app/main.js")?.mode], ["755", "644"]);
  assert.deepEqual([find("srv/app/link.js")?.type, find("srv/app/link.js")?.text], ["symlink", "main.js"]);
  assert.deepEqual(
    [find("links/link.js")?.type, find("links/link.js")?.text],
    ["file", "main"],
    "a link that is named is followed",
  );
  assert.deepEqual([find("links/a.conf")?.owner, find("links/a.conf")?.mode], ["10:20", "600"]);
  assert.equal(find("text/one")?.text, "1 \n");
});

test("an owner is written as it is given, however large its number is, and so is a mode without rights", async (t) => {
  const place = await inFolder(t, { a: "1" });
  const owners = ["262143", "262144", "1000620000:0", "0:2097152", "2147483647"];
  const text = owners.map((owner) => `COPY --chown=${owner} --chmod=000 a /a\n`).join("");
  const { layers } = await look(await assemble(`FROM scratch\n${text}`, place));
  assert.deepEqual(
    layers.flat().map(({ owner, mode }) => [owner, mode]),
    owners.map((owner) => [owner.includes(":") ? owner : `${owner}:${owner}`, "0"]),
  );
  await assert.rejects(
    assemble("FROM scratch\nCOPY --chown=2147483648 a /a\n", place),
    (error) => error instanceof GantryError && /knows no user "2147483648"/.test(String(error.details.problem)),
  );
});

test("variables may have the names that every JavaScript object has", async (t) => {
  const place = await inFolder(t, {});
  const names = ["constructor", "toString", "__proto__", "hasOwnProperty"];
  for (const name of names) {
    const text = `ARG ${name}=scratch\nFROM $${name}\nLABEL unset=$${name}\nARG ${name}=5\nLABEL a=$${name}\n`;
    const { config } = await look(await assemble(text, place));
    assert.deepEqual(config.config.Labels, { a: "5", unset: "" }, name);
    const without = `FROM \${${name}:-scratch}\nARG ${name}\nLABEL a=\${${name}:-none}\n`;
    assert.equal((await look(await assemble(without, place))).config.config.Labels.a, "none", name);
  }
});

test("what no layer can hold is refused", async (t) => {
  const place = await inFolder(t, { "a/n/f": "1", "b/n": "2", n: "3", ".wh.x": "4" });
  const refused: readonly (readonly [text: string, problem: RegExp])[] = [
    ["COPY a b /x/", /makes both a file and a directory of \/x\/n/],
    ["COPY b a /x/", /makes both a file and a directory of \/x\/n/],
    ["COPY n a /x/", /makes both a file and a directory of \/x\/n/],
    ["COPY .wh.x /", /copies \/\.wh\.x, a name that deletes files/],
  ];
  for (const [text, problem] of refused) {
    await assert.rejects(
      assemble(`FROM scratch\n${text}\n`, place),
      (error) => error instanceof GantryError && problem.test(String(error.details.problem)),
      text,
    );
  }
  await writeFile(Buffer.concat([Buffer.from(`${place.context}/b/`), Buffer.from([0xff])]), "");
  await assert.rejects(
    assemble("FROM scratch\nCOPY n /\n", place),
    (error) =>
      error instanceof GantryError && /the name of b\/\uFFFD .* is not UTF-8/.test(String(error.details.problem)),
  );
  await writeFile(join(place.context, ".dockerignore"), "b");
  await assemble("FROM scratch\nCOPY n /\n", place);
});

test("a heredoc loses its backslashes as BuildKit takes them, and a quoted one keeps all", async (t) => {
  const place = await inFolder(t, {});
  const body = "a\\nb \\$c \\\\ \"q\" '$V' end\\\nnext";
  for (const head of ["", "# escape=`\n"]) {
    const text = `${head}FROM scratch\nENV V=1\nCOPY <<EOF <<"RAW" /d/\n${body}\nEOF\n${body}\nRAW\n`;
    const { layers } = await look(await assemble(text, place));
    const textOf = (path: string) => layers.flat().find((one) => one.path === path)?.text;
    assert.equal(textOf("d/EOF"), "anb $c \\ \"q\" '1' end\nnext\n");
    assert.equal(textOf("d/RAW"), `${body}\n`);
  }
});

test("one variable may hold several ports, or none", async (t) => {
  const place = await inFolder(t, {});
  const { config } = await look(await assemble('FROM scratch\nENV P="80 443/udp"\nEXPOSE $P $NONE 8080\n', place));
  assert.deepEqual(Object.keys(config.config.ExposedPorts), ["80/tcp", "443/udp", "8080/tcp"]);
});

test("writes the config that the Dockerfile asks for", async (t) => {
  const place = await inFolder(t, {});
  const { config, manifest } = await look(
    await assemble(
      [
        "FROM scratch",
        "ARG PORT=8080",
        "ENV A=1 PATH=/bin",
        'ENV B="$A two" PATH=$PATH:/x',
        "LABEL who=me",
        "EXPOSE $PORT 90-91/udp",
        "WORKDIR /srv",
        "WORKDIR app",
        "USER 1000:1000",
        'VOLUME ["/data"]',
        "STOPSIGNAL SIGINT",
        "HEALTHCHECK --interval=1m30s --retries=2 CMD curl -f x",
        "CMD serve $A",
        'ENTRYPOINT ["/bin/web"]',
        "ONBUILD COPY . .",
        "MAINTAINER team",
      ].join("\n"),
      { ...place, labels: { "org.opencontainers.image.revision": "abc", z: "1" }, buildArgs: { PORT: "9090" } },
    ),
  );
  assert.deepEqual(config.config, {
    Labels: { "org.opencontainers.image.revision": "abc", who: "me", z: "1" },
    ExposedPorts: { "9090/tcp": {}, "90/udp": {}, "91/udp": {} },
    WorkingDir: "/srv/app",
    User: "1000:1000",
    Volumes: { "/data": {} },
    StopSignal: "SIGINT",
    Healthcheck: { Test: ["CMD-SHELL", "curl -f x"], Interval: 90e9, Retries: 2 },
    Cmd: ["/bin/sh", "-c", "serve $A"],
    Entrypoint: ["/bin/web"],
    OnBuild: ["COPY . ."],
    Env: ["PATH=/bin:/x", "A=1", "B=1 two"],
  });
  assert.deepEqual(
    [config.created, config.author, config.os, config.architecture],
    ["1970-01-01T00:00:00Z", "team", "linux", "amd64"],
  );
  const filled = config.history.filter((one: { empty_layer?: boolean }) => !one.empty_layer).length;
  assert.equal(filled, config.rootfs.diff_ids.length);
  assert.equal(manifest.layers.length, config.rootfs.diff_ids.length);
  assert.deepEqual(manifest.annotations, { "org.opencontainers.image.revision": "abc" });
});

test("honours .dockerignore, and the one of the Dockerfile before it", async (t) => {
  const files = { a: "", "b.log": "", "keep.log": "", "node_modules/x/y": "", "node_modules/keep": "" };
  const ignore = "*.log\n!keep.log\nnode_modules\n!node_modules/keep\n.dockerignore\n";
  const place = await inFolder(t, { ...files, ".dockerignore": ignore });
  const build = async () => pathsOf((await look(await assemble("FROM scratch\nCOPY . /", place))).layers[0]);
  assert.deepEqual(await build(), ["a", "keep.log", "node_modules/", "node_modules/keep"]);
  await writeFile(join(place.context, "Dockerfile.dockerignore"), "*\n!a\n");
  assert.deepEqual(await build(), ["a"]);
});

test("copies between stages that begin from scratch, and skips stages that are not needed", async (t) => {
  const place = await inFolder(t, { "src/main.js": "x:m", "test.js": "t" });
  const { layers, config } = await look(
    await assemble(
      [
        "FROM scratch AS built",
        "ENV STAGE=built",
        "COPY src /out/",
        "FROM built AS more",
        "COPY test.js /out/",
        "FROM node:24 AS unneeded",
        "RUN false",
        "FROM scratch",
        "COPY --from=more --chown=5 /out /srv",
      ].join("\n"),
      place,
    ),
  );
  assert.deepEqual(layers.map(pathsOf), [["srv/", "srv/main.js", "srv/test.js"]]);
  assert.deepEqual([layers[0]?.[1]?.mode, layers[0]?.[1]?.owner], ["755", "5:5"]);
  assert.deepEqual(config.config.Env, [DEFAULT_PATH]);
});

test("finds users in the accounts that the image has", async (t) => {
  const files = { "etc/passwd": "web:x:7:8::/:/x\n", "etc/group": "web:x:8:\nops:x:9:\n", a: "a" };
  const place = await inFolder(t, files);
  const text =
    "FROM scratch\nCOPY etc /etc\nCOPY --chown=web a /one\nCOPY --chown=web:ops a /two\nCOPY --chown=5 a /three";
  const { layers } = await look(await assemble(text, place));
  assert.deepEqual(
    layers.slice(1).map(([file]) => file?.owner),
    ["7:8", "7:9", "5:5"],
  );
});

test("an image with ONBUILD instructions needs a real builder", async (t) => {
  const place = await inFolder(t, {});
  const build = assemble("FROM scratch AS a\nONBUILD COPY x /\nFROM a\nUSER x\n", place);
  await assert.rejects(build, (error) => error instanceof GantryError && error.code === "no-builder");
});

test("no path and no link leads out of the context", async (t) => {
  const place = await inFolder(t, {
    in: "inside",
    out: "->../secret",
    abs: "->/in",
    folder: "->..",
    loop: "->loop",
    "tree/out": "->../../secret",
  });
  await writeFile(join(place.context, "..", "secret"), "secret");
  const refused = async (source: string): Promise<string> => {
    try {
      await look(await assemble(`FROM scratch\nCOPY ${source} /x/`, place));
    } catch (error) {
      if (error instanceof GantryError && error.code === "dockerfile-invalid") return explain(error).why;
      throw error;
    }
    return assert.fail(`${source} was copied`);
  };
  for (const source of ["out", "../secret", "../../secret", "folder/secret", "loop", "/secret"]) {
    assert.match(await refused(source), /^line 2: COPY: there is no ".*" in the build context/, source);
  }
  const { layers } = await look(await assemble("FROM scratch\nCOPY ../in abs /x/\nCOPY tree /tree", place));
  assert.deepEqual(
    layers.map((layer) => layer.map(({ path, text }) => `${path}=${text}`)),
    [
      ["x/=", "x/abs=inside", "x/in=inside"],
      ["tree/=", "tree/out=../../secret"],
    ],
  );
});

test("keeps long and foreign names", async (t) => {
  const long = `${"d".repeat(90)}/${"e".repeat(120)}/파일 이름.txt`;
  const place = await inFolder(t, { [long]: "x" });
  const { layers } = await look(await assemble("FROM scratch\nCOPY . /", place));
  assert.equal(layers[0]?.at(-1)?.path, long);
});

test("property: neither the order, the dates, the folder nor the umask of the files change the digest; their content does", async (t) => {
  const { context, scratch } = await inFolder(t, {});
  const part = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,5}[a-z0-9]$/);
  const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => `files/${parts.join("/")}`);
  const text = fc.tuple(fc.boolean(), fc.string()).map(([x, s]) => (x ? `x:${s}` : `f:${s}`));
  const digestFor = async (entries: readonly (readonly [string, string])[], dated: Date): Promise<string> => {
    const folder = await mkdtemp(join(context, "run-"));
    await mkdir(join(folder, "files"));
    await writeFiles(folder, Object.fromEntries(entries), dated);
    const image = await assemble('FROM scratch\nCOPY files /srv/\nCMD ["x"]', { context: folder, scratch });
    return (await look(image)).digest;
  };
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(path, text, { minKeys: 1, maxKeys: 6, noNullPrototype: true }),
      fc.integer({ min: 1, max: 2_000_000_000 }),
      async (files, seconds) => {
        // A name that is a folder in one entry and a file in another cannot be written.
        const names = Object.keys(files);
        fc.pre(!names.some((one) => names.some((other) => other.startsWith(`${one}/`))));
        const entries = Object.entries(files);
        const first = await digestFor(entries, new Date());
        assert.equal(await digestFor([...entries].reverse(), new Date(seconds * 1000)), first);
        const [name = "", content = ""] = entries[0] ?? [];
        assert.notEqual(await digestFor([...entries, [name, `${content}!`]], new Date()), first);
      },
    ),
    { numRuns: 25 },
  );
});
