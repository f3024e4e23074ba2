import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import fc from "fast-check";
import { parse } from "yaml";
import { openBench } from "../../step.fixture.ts";
import { tempDir } from "../../temp-dir.fixture.ts";
import { isInside } from "../folders.ts";
import { renderTemplate } from "../steps.ts";
import { renderFolder } from "./template.ts";
import { planFiles } from "./template-paths.ts";
import { renderText } from "./template-text.ts";

const SHIPPED = fileURLToPath(new URL("../../../pipelines/templates/", import.meta.url));

test("names, parts of names, JSON and literals are filled in", () => {
  const values = { name: "orders", image: { repository: "apps/orders" }, title: 'Orders "new"', count: 2, on: true };
  const render = (text: string) => renderText(text, { values, item: { cluster: "seoul-dp" } }).text;
  assert.equal(render("{{name}}/{{ image.repository }}:{{ count }} {{ on }}"), "orders/apps/orders:2 true");
  assert.equal(render('{"title": {{ title | json }}}'), '{"title": "Orders \\"new\\""}');
  assert.equal(render('{{ "{{" }} x }} {{ item.cluster }}'), "{{ x }} seoul-dp");
});

test("every mistake is reported with its file and line, and nothing is written", async (t) => {
  const dir = await tempDir(t);
  await write(join(dir, "from"), {
    "a.txt": "fine\n{{ nobody }}\n{{ image }}\n",
    "b/{{ gone }}.txt": "",
    "c.txt": "{{ open",
  });
  await mkdir(join(dir, "into"));
  const error = await failure(() => renderFolder(join(dir, "from"), join(dir, "into"), { image: { name: "x" } }));
  assert.deepEqual(
    error.problems.map(({ file, line, detail }) => `${file}:${line ?? "-"} ${detail}`),
    [
      "b/{{ gone }}.txt:- there is no value gone",
      "a.txt:2 there is no value nobody",
      "a.txt:3 image is a list or an object; name one of its parts",
      "c.txt:1 `{{` is not closed on this line",
    ],
  );
  assert.deepEqual(await readdir(join(dir, "into")), []);
});

test("a folder is repeated for every element, also inside another one", () => {
  const values = {
    sites: [
      { name: "seoul", clusters: ["a", "b"] },
      { name: "tokyo", clusters: ["c"] },
    ],
  };
  const plan = planFiles(["x/{{each sites}}{{item.name}}/y.yaml"], { values, item: undefined });
  assert.deepEqual(
    plan.files.map((file) => file.target),
    ["x/seoul/y.yaml", "x/tokyo/y.yaml"],
  );
  const nested = planFiles(["{{each sites}}{{item.name}}/{{each item.clusters}}{{item}}.yaml"], {
    values,
    item: undefined,
  });
  assert.deepEqual(
    nested.files.map((file) => file.target),
    ["seoul/a.yaml", "seoul/b.yaml", "tokyo/c.yaml"],
  );
});

test("two templates that become one file are a mistake, also on a disk that ignores case", () => {
  const plan = planFiles(["README.md", "{{ name }}.md"], { values: { name: "readme" }, item: undefined });
  assert.match(plan.mistakes[0]?.detail ?? "", /becomes readme\.md, and so does README\.md/);
});

test("no value makes a path leave its folder or reach .git", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.constantFrom("..", ".", "a/../..", "/etc", ".git", ".GIT", "git~1", ".git.", "a\\b", "\0", ""),
      ),
      fc.constantFrom("{{ v }}", "x/{{ v }}/y", "{{ v }}/{{ v }}", "a{{ v }}", ".{{ v }}"),
      (v, source) => {
        for (const { target } of planFiles([source], { values: { v }, item: undefined }).files) {
          assert.ok(isInside("/root", join("/root", target)) && join("/root", target) !== "/root");
          assert.ok(!target.split("/").some((part) => /^\.git[. ]*$/i.test(part)), target);
        }
      },
    ),
  );
});

test("a value is data: it is not a template, a name from the prototype is no value", () => {
  const scope = { values: { a: "{{ b }}", b: "no" }, item: undefined };
  assert.equal(renderText("{{ a }}", scope).text, "{{ b }}");
  for (const name of ["constructor", "__proto__", "a.length", "toString"]) {
    assert.equal(renderText(`{{ ${name} }}`, scope).mistakes.length, 1, name);
  }
});

test("binary files, dot files and the executable bit arrive as they were; links and .git do not", async (t) => {
  const dir = await tempDir(t);
  const from = join(dir, "from");
  await write(from, { ".gitignore": "dist/\n", "run.sh": "echo {{ name }}\n", ".git/config": "[core]\n" });
  const logo = Buffer.from([0x89, 0x50, 0, 0x7b, 0x7b, 0xff]);
  await writeFile(join(from, "logo.png"), logo);
  await chmod(join(from, "run.sh"), 0o755);
  await mkdir(join(dir, "into"));
  assert.equal(await renderFolder(from, join(dir, "into"), { name: "orders" }), 3);
  assert.deepEqual((await readdir(join(dir, "into"))).sort(), [".gitignore", "logo.png", "run.sh"]);
  assert.deepEqual(await readFile(join(dir, "into", "logo.png")), logo);
  assert.ok((await stat(join(dir, "into", "run.sh"))).mode & 0o100);
  await symlink("/etc/passwd", join(from, "secret"));
  const error = await failure(() => renderFolder(from, join(dir, "into"), { name: "orders" }));
  assert.equal(error.problems[0]?.file, "secret");
});

test("a link in the target is replaced, never written through; folders outside the workspace are refused", async (t) => {
  const bench = await openBench({ systems: [] });
  t.after(() => bench.close());
  const outside = join(bench.home, "outside.txt");
  await writeFile(outside, "untouched");
  await write(join(bench.workspace, "from"), { "a.txt": "new\n", "sub/b.txt": "new\n" });
  await mkdir(join(bench.workspace, "into"));
  await symlink(outside, join(bench.workspace, "into", "a.txt"));
  const done = await bench.run(renderTemplate, { from: "from", into: "into", values: {} });
  assert.equal(done.kind === "succeeded" && done.output.files, 2);
  assert.equal(await readFile(outside, "utf8"), "untouched");
  assert.equal(await readFile(join(bench.workspace, "into", "a.txt"), "utf8"), "new\n");

  await symlink(bench.home, join(bench.workspace, "away"));
  for (const into of ["../../home", "/tmp", "away", "away/deeper", "into/../../home"]) {
    const outcome = await bench.run(renderTemplate, { from: "from", into, values: {} });
    assert.equal(outcome.kind === "errored" && outcome.failure.code, "bad-input", into);
  }
});

test("the shipped templates render with what create-app gives them", async (t) => {
  const dir = await tempDir(t);
  const targets = ["seoul", "tokyo"].map((site) => ({
    name: site,
    site,
    cluster: `${site}-dp`,
    overlay: `overlays/${site}-dp`,
  }));
  const title = 'Orders: "the new one" \\o/';
  await mkdir(join(dir, "source"));
  await mkdir(join(dir, "yaml"));
  await renderFolder(join(SHIPPED, "web-service"), join(dir, "source"), {
    ...{ name: "orders", title, jiraKey: "ORD" },
    params: { baseImage: "library/web-base:1" },
  });
  const values: JsonObject = { name: "orders", title, namespace: "orders", image: "orders", targets };
  await renderFolder(join(SHIPPED, "web-service-deploy"), join(dir, "yaml"), values);

  const manifest = JSON.parse(await readFile(join(dir, "source", "package.json"), "utf8")) as JsonObject;
  assert.deepEqual(manifest.scripts, {
    start: "node src/main.js",
    test: "node --test --test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit --test-reporter-destination=junit.xml",
    build: "node build.js",
  });
  assert.equal(manifest.description, title);
  const overlay = await readFile(join(dir, "yaml", "overlays", "tokyo-dp", "kustomization.yaml"), "utf8");
  assert.match(overlay, /^# orders on cluster tokyo-dp/);
  assert.equal(parse(overlay).images[0].name, "orders");
  const deployment = parse(await readFile(join(dir, "yaml", "base", "deployment.yaml"), "utf8"));
  assert.equal(deployment.spec.template.spec.containers[0].image, "orders");
  assert.equal(deployment.metadata.annotations["app.kubernetes.io/description"], title);
  assert.match(
    await readFile(join(dir, "source", "Dockerfile"), "utf8"),
    /^ENTRYPOINT \["node", "\/srv\/app\/src\/main\.js"\]$/m,
  );
});

test("the app from the template passes its own tests and builds", async (t) => {
  const bench = await openBench({ systems: [] });
  t.after(() => bench.close());
  const into = bench.workspace;
  const params = { baseImage: "library/web-base:1" };
  await renderFolder(join(SHIPPED, "web-service"), into, { name: "orders", title: "Orders", jiraKey: "ORD", params });
  await write(join(into, "node_modules", "left"), { "index.js": "exports.pad = (text) => text;\n" });
  const exec = (argv: readonly string[]) =>
    import("node:child_process").then(({ spawnSync }) =>
      spawnSync(process.execPath, [...argv], { cwd: into, encoding: "utf8", env: { PATH: process.env.PATH } }),
    );
  const tests = await exec(["--test"]);
  assert.equal(tests.status, 0, tests.stdout);
  assert.match(tests.stdout, /pass 3/);
  const build = await exec(["build.js"]);
  assert.equal(build.status, 0, build.stderr);
  const started = await exec([
    "--input-type=module",
    "-e",
    'import("./dist/src/server.js").then((s) => console.log(s.answer("GET", "/").body.greeting))',
  ]);
  assert.match(started.stdout, /Hello from Orders\./);
  assert.match(await readFile(join(into, "dist/node_modules/left/index.js"), "utf8"), /pad/);
});

test("the site from the template passes its own tests and builds, and has no manifest", async (t) => {
  const into = await tempDir(t);
  await renderFolder(join(SHIPPED, "static-site"), into, {
    ...{ name: "docs", title: "Docs", jiraKey: "DOC" },
    params: { baseImage: "library/web-base:1" },
  });
  const { spawnSync } = await import("node:child_process");
  const node = (...argv: string[]) =>
    spawnSync(process.execPath, argv, { cwd: into, encoding: "utf8", env: { PATH: process.env.PATH } });
  const tests = node("--test");
  assert.equal(tests.status, 0, tests.stdout);
  assert.match(tests.stdout, /pass 3/);
  assert.equal(node("build.js").status, 0);
  assert.match(await readFile(join(into, "dist/site/index.html"), "utf8"), /<h1>docs<\/h1>/);
  await assert.rejects(readFile(join(into, "gantry-template.yaml")), { code: "ENOENT" });
});

async function write(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}

async function failure(act: () => Promise<unknown>): Promise<GantryError> {
  const error = await act().then(
    () => assert.fail("it must fail"),
    (problem: unknown) => problem,
  );
  assert.ok(error instanceof GantryError, String(error));
  return error;
}
