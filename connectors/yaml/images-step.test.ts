import assert from "node:assert/strict";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { startLabHost } from "../git/lab.fixture.ts";
import { checkout, commitPush } from "../git/steps.ts";
import { openBench, type StepBench } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { benchWith } from "./bench.fixture.ts";
import { yamlSetImages } from "./images-step.ts";
import { kustomizeSetImage } from "./steps.ts";

const OLD = `sha256:${"a".repeat(64)}`;
const NEW = `sha256:${"b".repeat(64)}`;
const IMAGE = { name: "orders", repository: "harbor.example/apps/orders", digest: NEW };
const REF = `${IMAGE.repository}@${NEW}`;

const read = (bench: StepBench, path: string): Promise<string> => readFile(join(bench.workspace, path), "utf8");

const POD = (image: string) =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: orders}\nspec:\n  containers:\n  - name: a\n    image: ${image} # c\n`;

test("kustomize overlays get byte for byte what kustomize/set-image writes, named by folder or by file", async (t) => {
  const overlay = `# c\nimages:\n- name: orders\n  newTag: v1 # old\nresources: [../base]\n`;
  const bench = await benchWith(t, {
    "one/seoul/kustomization.yaml": overlay,
    "one/tokyo/kustomization.yml": overlay,
    "two/seoul/kustomization.yaml": overlay,
    "component.yaml": "kind: Component\nimages: []\n",
  });
  const { name, repository, digest } = IMAGE;
  await bench.run(kustomizeSetImage, {
    files: ["two/seoul/kustomization.yaml"],
    image: name,
    newName: repository,
    digest,
  });
  const input = { images: [IMAGE], targets: [{ files: ["one/seoul", "one/tokyo"] }, { files: ["component.yaml"] }] };
  const outcome = await bench.run(yamlSetImages, input);
  const change = { place: "images[name=orders]", image: "orders", old: "", new: REF };
  const files = ["one/seoul/kustomization.yaml", "one/tokyo/kustomization.yml", "component.yaml"];
  assert.deepEqual(outcome, {
    kind: "succeeded",
    output: { changed: true, files, changes: files.map((file) => ({ file, ...change })) },
  });
  assert.equal(await read(bench, "one/seoul/kustomization.yaml"), await read(bench, "two/seoul/kustomization.yaml"));
  const again = await bench.run(yamlSetImages, input);
  assert.deepEqual(again, { kind: "succeeded", output: { changed: false, files: [], changes: [] } });
});

test("an overlay gets no entry for an image of the app that it does not use", async (t) => {
  const worker = { name: "worker", repository: "harbor.example/apps/worker", digest: NEW };
  const own = (resource: string): string => `images:\n- name: orders\n  newTag: v1\nresources: [${resource}]\n`;
  const bench = await benchWith(t, {
    "api/kustomization.yaml": own("../base-api"),
    "base-api/kustomization.yaml": "resources: [pod.yaml]\n",
    "base-api/pod.yaml": POD("orders"),
    "both/kustomization.yaml": own("../base-both"),
    "base-both/kustomization.yml": "resources: [pod.yaml]\npatches: [{ path: more.yaml }]\n",
    "base-both/pod.yaml": POD("orders"),
    "base-both/more.yaml": POD('"worker:v1"'),
    "remote/kustomization.yaml": own("https://example.com/base"),
    "charts/kustomization.yaml": `${own("pod.yaml")}helmCharts: [{ name: x }]\n`,
    "charts/pod.yaml": POD("orders"),
  });
  const folders = ["api", "both", "remote", "charts"];
  const input = { images: [IMAGE, worker], targets: folders.map((one) => ({ files: [one] })) };
  const outcome = await bench.run(yamlSetImages, input);
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  const texts = await Promise.all(folders.map((one) => read(bench, `${one}/kustomization.yaml`)));
  assert.deepEqual(
    texts.map((text) => text.includes("worker")),
    [false, true, true, true],
    "where nobody can say what it uses, the entry is added",
  );
});

test("an entry that is added has the name that the manifests use, and without one nothing is written", async (t) => {
  const bench = await benchWith(t, {
    "old/kustomization.yaml": "resources: [pod.yaml]\n",
    "old/pod.yaml": POD("registry.old/apps/orders:v1"),
    "short/kustomization.yaml": "resources: [pod.yaml]\n",
    "short/pod.yaml": POD("orders:v1"),
    "custom/kustomization.yaml": "resources: [thing.yaml]\nconfigurations: [fields.yaml]\n",
    "custom/thing.yaml": "apiVersion: x/v1\nkind: Thing\nspec: { container: orders }\n",
    "nowhere/kustomization.yaml": `resources: [thing.yaml]\nimages:\n- name: orders\n  digest: ${OLD}\n`,
    "nowhere/thing.yaml": "apiVersion: x/v1\nkind: Thing\nspec: { image: orders }\n",
    "left/kustomization.yaml": `resources: [pod.yaml]\nimages:\n- name: orders\n  digest: ${OLD}\n`,
    "left/pod.yaml": POD("apps/orders:v1"),
    "other/kustomization.yaml": "resources: [pod.yaml]\n",
    "other/pod.yaml": POD("nginx:1.27"),
  });
  const set = (folder: string) => bench.run(yamlSetImages, { images: [IMAGE], targets: [{ files: [folder] }] });
  for (const [folder, name] of Object.entries({ old: "registry.old/apps/orders", short: "orders", custom: "orders" })) {
    const outcome = await set(folder);
    assert.equal(outcome.kind, "succeeded", JSON.stringify(outcome));
    assert.match(await read(bench, `${folder}/kustomization.yaml`), new RegExp(`name: ${name}\n`));
  }
  await set("left");
  assert.match(
    await read(bench, "left/kustomization.yaml"),
    /name: apps\/orders\n/,
    "an entry without effect was left",
  );
  assert.deepEqual(await set("left"), { kind: "succeeded", output: { changed: false, files: [], changes: [] } });
  const refused = await set("other");
  assert.ok(refused.kind === "failed", JSON.stringify(refused));
  assert.match(JSON.stringify(refused), /No manifest that it uses has the image orders or .*they name nginx\./);
  const nowhere = await set("nowhere");
  assert.match(JSON.stringify(nowhere), /No manifest that it uses has the image orders .*they name no image\./);
  assert.equal(await read(bench, "other/kustomization.yaml"), "resources: [pod.yaml]\n");
});

/** The names of the entries that a deployment leaves in `top/kustomization.yaml`, each with what it sets. */
async function entriesAfter(t: TestContext, files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const bench = await benchWith(t, files);
  const outcome = await bench.run(yamlSetImages, { images: [IMAGE], targets: [{ files: ["top"] }] });
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  const written: unknown = parse(await read(bench, "top/kustomization.yaml"));
  const { images } = z.object({ images: z.array(z.record(z.string(), z.string())) }).parse(written);
  return images.map(({ name, newName, digest }) => `${name} = ${newName}@${digest}`);
}

describe("the image of a manifest is found however it is written", () => {
  const ways = {
    "on the next line": "image:\n      registry.old/apps/orders:v1",
    "as a folded text": "image: >-\n      registry.old/apps/orders:v1",
    "as a block text": "image: |-\n      registry.old/apps/orders:v1",
    "behind an anchor": "image: &one registry.old/apps/orders:v1",
    "with a tag of YAML": "image: !!str registry.old/apps/orders:v1",
    "with a key of its own line": "? image\n    : registry.old/apps/orders:v1",
    "with a space before the colon": "image : registry.old/apps/orders:v1",
    "with a tag that a build fills in": "image: registry.old/apps/orders:{VERSION}",
  };
  for (const [way, image] of Object.entries(ways))
    test(way, async (t) => {
      const pod = `apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n  - name: a\n    ${image}\n`;
      const files = { "top/kustomization.yaml": "resources: [pod.yaml]\n", "top/pod.yaml": pod };
      assert.deepEqual(await entriesAfter(t, files), [`registry.old/apps/orders = ${REF}`]);
    });

  test("behind an alias", async (t) => {
    const pod =
      "apiVersion: v1\nkind: Pod\nmetadata: {name: x, annotations: {a: &i registry.old/apps/orders:v1}}\nspec: {containers: [{name: a, image: *i}]}\n";
    const files = { "top/kustomization.yaml": "resources: [pod.yaml]\n", "top/pod.yaml": pod };
    assert.deepEqual(await entriesAfter(t, files), [`registry.old/apps/orders = ${REF}`]);
  });

  test("as the image of a volume, and not in texts, ephemeral containers or definitions of kinds", async (t) => {
    const pod = `apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  ephemeralContainers: [{name: e, image: two/apps/orders}]\n  volumes: [{name: v, image: {reference: "registry.old/apps/orders:v1"}}]\n  containers: [{name: a, image: nginx}]\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: y}\ndata:\n  a: |\n    image: orders\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: z}\nspec: {containers: [{image: orders}]}\n`;
    const files = { "top/kustomization.yaml": "resources: [pod.yaml]\n", "top/pod.yaml": pod };
    assert.deepEqual(await entriesAfter(t, files), [`registry.old/apps/orders = ${REF}`]);
  });
});

describe("an entry has the name that reaches the kustomization", () => {
  const base = (image: string, entries: string) => ({
    "base/kustomization.yaml": `resources: [pod.yaml]\n${entries}`,
    "base/pod.yaml": POD(image),
  });

  test("where an entry of the base has renamed it", async (t) => {
    const files = {
      ...base("orders:v1", "images: [{name: orders, newName: registry.old/apps/orders, newTag: v1}]\n"),
      "top/kustomization.yaml": "resources: [../base]\n",
    };
    assert.deepEqual(await entriesAfter(t, files), [`registry.old/apps/orders = ${REF}`]);
  });

  test("where a component has renamed it", async (t) => {
    const files = {
      ...base("orders:v1", ""),
      "part/kustomization.yaml":
        "kind: Component\npatches: [{patch: '[{op: add, path: /metadata/labels, value: {}}]', target: {kind: Pod}}]\nimages: [{name: orders, newName: registry.old/apps/orders}]\n",
      "top/kustomization.yaml": "resources: [../base]\ncomponents: [../part]\n",
    };
    assert.deepEqual(await entriesAfter(t, files), [`registry.old/apps/orders = ${REF}`]);
  });

  test("where a patch in the file sets it", async (t) => {
    const files = {
      ...base("nginx", ""),
      "top/kustomization.yaml":
        "resources: [../base]\npatches:\n- target: {kind: Pod}\n  patch: |-\n    - op: replace\n      path: /spec/containers/0/image\n      value: registry.old/apps/orders:v1\n",
    };
    assert.deepEqual(await entriesAfter(t, files), [`registry.old/apps/orders = ${REF}`]);
  });

  test("where an entry for another name has no effect, and names the repository", async (t) => {
    const files = {
      ...base(`${IMAGE.repository}:v1`, ""),
      "top/kustomization.yaml": `resources: [../base]\nimages: [{name: orders, newName: ${IMAGE.repository}, digest: "${OLD}"}]\n`,
    };
    assert.deepEqual(await entriesAfter(t, files), [`orders = ${REF}`, `${IMAGE.repository} = ${REF}`]);
  });
});

test("a target whose site has its own registry gets the name that the image has there", async (t) => {
  const overlay = "images:\n- name: orders\n  newTag: v1\n";
  const bench = await benchWith(t, {
    "seoul/kustomization.yaml": overlay,
    "tokyo/kustomization.yaml": overlay,
    "edge/kustomization.yaml": overlay,
  });
  const outcome = await bench.run(yamlSetImages, {
    images: [IMAGE],
    targets: ["seoul", "tokyo", "edge"].map((name) => ({ name, files: [name] })),
    imagesAt: [
      { target: "tokyo", images: [{ ...IMAGE, repository: "tokyo.example/apps/orders" }] },
      { target: "edge", images: [] },
    ],
  });
  assert.ok(outcome.kind === "succeeded");
  assert.deepEqual(
    outcome.output.changes.map((one) => one.new),
    [REF, `tokyo.example/apps/orders@${NEW}`, REF],
  );
});

test("two targets in one file of Helm values are set one after the other", async (t) => {
  const text = `seoul: {image: "${IMAGE.repository}:v1"}\ntokyo: {image: "${IMAGE.repository}:v1"}\n`;
  const bench = await benchWith(t, { "values.yaml": text });
  const targets = ["seoul.image", "tokyo.image"].map((at) => ({ files: ["values.yaml"], at }));
  const outcome = await bench.run(yamlSetImages, { form: "helm", images: [IMAGE], targets });
  assert.ok(outcome.kind === "succeeded");
  assert.deepEqual(outcome.output.changes, [
    { file: "values.yaml", place: "seoul.image", image: "orders", old: `${IMAGE.repository}:v1`, new: REF },
    { file: "values.yaml", place: "tokyo.image", image: "orders", old: `${IMAGE.repository}:v1`, new: REF },
  ]);
  assert.deepEqual(outcome.output.files, ["values.yaml"]);
  assert.equal(await read(bench, "values.yaml"), text.replaceAll(`${IMAGE.repository}:v1`, REF));
  assert.match(bench.lines.join("\n"), /values\.yaml: seoul\.image: .* → harbor\.example/);
});

test("a folder of manifests is read as a whole; other files in it stay as they are", async (t) => {
  const bench = await benchWith(t, {
    "k8s/web.yaml": POD(`${IMAGE.repository}:v1`),
    "k8s/jobs/night.yml": `# first\n---\n${POD(`${IMAGE.repository}@${OLD}`)}`,
    "k8s/other.yaml": POD("busybox:1"),
    "k8s/broken.yaml": "a: [\n",
    "k8s/.hidden.yaml": POD(`${IMAGE.repository}:v1`),
    "k8s/notes.md": "image: x",
  });
  await symlink("web.yaml", join(bench.workspace, "k8s/linked.yaml"));
  const outcome = await bench.run(yamlSetImages, { form: "plain", images: [IMAGE], targets: [{ files: ["k8s"] }] });
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  assert.deepEqual(outcome.output.files, ["k8s/jobs/night.yml", "k8s/web.yaml"]);
  assert.equal(await read(bench, "k8s/jobs/night.yml"), `# first\n---\n${POD(REF)}`);
  assert.equal(await read(bench, "k8s/.hidden.yaml"), POD(`${IMAGE.repository}:v1`));
});

test("what cannot be done is the user's mistake, and nothing of that target is written", async (t) => {
  const text = POD("busybox:1");
  const bench = await benchWith(t, { "a.yaml": POD(`${IMAGE.repository}:v1`), "b.yaml": text });
  const images = [IMAGE, { name: "worker", repository: "harbor.example/apps/worker", digest: NEW }];
  const outcome = await bench.run(yamlSetImages, { form: "plain", images, targets: [{ files: ["a.yaml", "b.yaml"] }] });
  assert.ok(outcome.kind === "failed" && outcome.failure.code === "file-invalid", JSON.stringify(outcome));
  assert.match(outcome.failure.why ?? "", /no place names the image harbor\.example\/apps\/worker/i);
  assert.equal(await read(bench, "a.yaml"), POD(`${IMAGE.repository}:v1`));
  for (const bad of [
    { targets: [{ files: ["../a.yaml"] }] },
    { images: [IMAGE, IMAGE] },
    { images: [{ ...IMAGE, repository: `${IMAGE.repository}@${OLD}` }] },
    { form: "jsonnet" },
    { images: [{ ...IMAGE, digest: "v1" }] },
  ]) {
    const refused = await bench.run(yamlSetImages, { images, targets: [{ files: ["a.yaml"] }], ...bad });
    assert.ok(refused.kind === "errored" && refused.failure.code === "bad-input", JSON.stringify(bad));
  }
  for (const [file, problem] of [
    ["absent.yaml", /does not exist/],
    ["linked.yaml", /symbolic link/],
  ] as const) {
    await symlink("a.yaml", join(bench.workspace, "linked.yaml")).catch(() => undefined);
    const refused = await bench.run(yamlSetImages, { form: "plain", images: [IMAGE], targets: [{ files: [file] }] });
    assert.ok(refused.kind === "failed" && problem.test(refused.failure.why ?? ""), file);
  }
});

test("the plan names each change in words", async (t) => {
  const bench = await benchWith(t, {});
  assert.deepEqual(
    await bench.plan(yamlSetImages, { form: "helm", images: [IMAGE], targets: [{ files: ["v.yaml"] }] }),
    [`set orders to ${REF} in v.yaml`],
  );
});

test("several images of several targets are one commit, and a second deployment of them is none", async (t) => {
  const dir = await tempDir(t);
  const line = (name: string, version: string): string =>
    `${name}: {image: "harbor.example/apps/${name}${version}"} # ${name}\n`;
  for (const site of ["seoul", "tokyo"]) {
    await mkdir(join(dir, site));
    await writeFile(join(dir, site, "values.yaml"), line("orders", ":v1") + line("worker", ":v1"));
  }
  const lab = await startLabHost("github", await tempDir(t));
  t.after(() => lab.server.close());
  await lab.seed("deploy", dir);
  const bench = await openBench({ systems: [lab.system] });
  t.after(() => bench.close());
  const repository = { project: lab.project, slug: "deploy" };
  const images = [IMAGE, { ...IMAGE, name: "worker", repository: "harbor.example/apps/worker" }];
  const deploy = async (directory: string) => {
    bench.nextTask();
    await bench.run(checkout, { repository, ref: "main", directory });
    const targets = [{ files: ["seoul"] }, { files: ["tokyo/values.yaml"] }];
    const edited = await bench.run(yamlSetImages, { form: "helm", images, targets, directory });
    const pushed = await bench.run(commitPush, { repository, directory, branch: "main", message: "Deploy" });
    assert.ok(edited.kind === "succeeded" && pushed.kind === "succeeded", JSON.stringify([edited, pushed]));
    return { edited: edited.output, pushed: pushed.output };
  };
  const first = await deploy("one");
  assert.equal(first.edited.changes.length, 4);
  assert.deepEqual([first.edited.changed, first.pushed.changed], [true, true]);
  assert.equal(await read(bench, "one/seoul/values.yaml"), line("orders", `@${NEW}`) + line("worker", `@${NEW}`));
  const second = await deploy("two");
  assert.deepEqual([second.edited.changed, second.pushed.changed], [false, false]);
  assert.equal(second.pushed.commit, first.pushed.commit);
});
