import assert from "node:assert/strict";
import { readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { testRuns } from "@gantry/core/test-runs.fixture.ts";
import fc from "fast-check";
import { parseDocument } from "yaml";
import { benchWith } from "./bench.fixture.ts";
import { setImage } from "./set-image.ts";
import { parsePath, setPath } from "./set-path.ts";
import { kustomizeSetImage, yamlEdit } from "./steps.ts";

const OLD = `sha256:${"a".repeat(64)}`;
const NEW = `sha256:${"b".repeat(64)}`;
const edit = { image: "web", newName: "harbor.example/apps/orders", digest: NEW };

const OVERLAY = `# Seoul
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization


resources:
- ../../base   # the base

images:
  # written by the pipeline
  - name: "web"
    newTag: 'v1'  # replaced

  - name: sidecar  # not ours
    newTag: "2"
namespace: orders # last
`;

test("an image is set in every overlay, and nothing else of the files changes", async (t) => {
  const bench = await benchWith(t, {
    "deploy/overlays/seoul/kustomization.yaml": OVERLAY,
    "deploy/overlays/tokyo/kustomization.yaml": `images:\n- digest: ${OLD}\n  name: web\n`,
  });
  const input = {
    files: ["overlays/seoul/kustomization.yaml", "overlays/tokyo/kustomization.yaml"],
    directory: "deploy",
    ...edit,
  };
  const first = await bench.run(kustomizeSetImage, input);
  assert.deepEqual(first, {
    kind: "succeeded",
    output: { changed: input.files, previous: { "overlays/tokyo/kustomization.yaml": OLD } },
  });
  assert.equal(
    await readFile(join(bench.workspace, "deploy/overlays/seoul/kustomization.yaml"), "utf8"),
    OVERLAY.replace(
      "newTag: 'v1'  # replaced\n",
      `digest: ${NEW}  # replaced\n    newName: harbor.example/apps/orders\n`,
    ),
  );
  assert.equal(
    await readFile(join(bench.workspace, "deploy/overlays/tokyo/kustomization.yaml"), "utf8"),
    `images:\n- digest: ${NEW}\n  name: web\n  newName: harbor.example/apps/orders\n`,
  );
  const second = await bench.run(kustomizeSetImage, input);
  assert.ok(second.kind === "succeeded");
  assert.deepEqual(second.output.changed, []);
});

test("an entry is made where there is none", () => {
  assert.equal(
    setImage("k.yaml", "resources: [a.yaml] # one", edit).text,
    `resources: [a.yaml] # one\nimages:\n  - name: web\n    newName: harbor.example/apps/orders\n    digest: ${NEW}\n`,
  );
  const other = "images:\n- name: other\n  newTag: x # keep\n# tail\n";
  assert.equal(
    setImage("k.yaml", other, edit).text,
    `images:\n- name: other\n  newTag: x # keep\n- name: web\n  newName: harbor.example/apps/orders\n  digest: ${NEW}\n# tail\n`,
  );
  for (const text of [
    "images: []\n",
    "images:\n",
    "images: [{name: web, newTag: v1}]\n",
    "images: [{name: other}] # c\n",
  ]) {
    const value = parseDocument(setImage("k.yaml", text, edit).text).toJS() as { images: { name: string }[] };
    assert.deepEqual(value.images.at(-1), { name: "web", newName: edit.newName, digest: NEW }, text);
  }
});

test("a path that leaves the directory is refused before anything runs", async (t) => {
  const bench = await benchWith(t, {});
  for (const file of ["../secret.yaml", "/etc/passwd", "a/../../b.yaml", "a\\b"]) {
    const outcome = await bench.run(kustomizeSetImage, { ...edit, files: [file] });
    assert.ok(outcome.kind === "errored" && outcome.failure.code === "bad-input", file);
  }
});

test("a symbolic link is refused, as a file and as a folder on the way", async (t) => {
  const bench = await benchWith(t, { "real/kustomization.yaml": OVERLAY });
  await symlink("real", join(bench.workspace, "linked"));
  await symlink("real/kustomization.yaml", join(bench.workspace, "k.yaml"));
  for (const [directory, file] of [
    ["linked", "kustomization.yaml"],
    [".", "linked/kustomization.yaml"],
    [".", "k.yaml"],
  ]) {
    const outcome = await bench.run(kustomizeSetImage, { ...edit, directory, files: [file] });
    assert.ok(outcome.kind === "failed", file);
    assert.match(outcome.failure.why ?? "", /symbolic link/);
  }
});

test("a mistake in a file is the user's, and is named by file and line", async (t) => {
  const bench = await benchWith(t, {
    "broken.yaml": "a: 1\nb: [1\nc: 2\n",
    "twice.yaml": "images:\n- name: web\n- name: web\n",
    "wrong.yaml": "kind: Deployment\n",
    "two.yaml": "a: 1\n---\nb: 2\n",
    "bomb.yaml": bomb(),
  });
  for (const [file, line] of [
    ["broken.yaml", 3],
    ["twice.yaml", 3],
    ["wrong.yaml", undefined],
    ["two.yaml", 2],
    ["bomb.yaml", 7],
  ] as const) {
    const outcome = await bench.run(kustomizeSetImage, { ...edit, files: [file] });
    assert.ok(outcome.kind === "failed", file);
    assert.equal(outcome.failure.code, "file-invalid");
    assert.equal(outcome.failure.problems?.[0]?.file, file);
    assert.equal(outcome.failure.problems?.[0]?.line, line, file);
  }
  const missing = await bench.run(kustomizeSetImage, { ...edit, files: ["absent.yaml"] });
  assert.ok(missing.kind === "failed" && /does not exist/.test(missing.failure.why ?? ""));
});

test("yaml/edit sets a value by name, by index, by selector and by quoted key", async (t) => {
  const text = `spec:\n    replicas: 1 # two in production\n    containers:\n    - name: web   # main\n      image: 'a'\n    - name: log\nlabels:\n    app.kubernetes.io/name: x\n`;
  const bench = await benchWith(t, { "d.yaml": text });
  const input = {
    files: ["d.yaml"],
    set: [
      { path: "spec.replicas", value: 2 },
      { path: "spec.containers[name=web].image", value: "b" },
      { path: "spec.containers[1].image", value: "c" },
      { path: 'labels["app.kubernetes.io/name"]', value: "y" },
      { path: "spec.strategy.type", value: "Recreate" },
    ],
  };
  assert.equal((await bench.run(yamlEdit, input)).kind, "succeeded");
  assert.equal(
    await readFile(join(bench.workspace, "d.yaml"), "utf8"),
    `spec:\n    replicas: 2 # two in production\n    containers:\n    - name: web   # main\n      image: 'b'\n    - name: log\n      image: c\n    strategy:\n      type: Recreate\nlabels:\n    app.kubernetes.io/name: "y"\n`,
  );
  assert.deepEqual(await bench.run(yamlEdit, input), { kind: "succeeded", output: { changed: [] } });
  const absent = await bench.run(yamlEdit, {
    files: ["d.yaml"],
    set: [{ path: "spec.containers[name=db].image", value: 1 }],
  });
  assert.ok(absent.kind === "failed" && /no element with name db/.test(absent.failure.why ?? ""));
});

test("yaml/edit chooses one of several documents, and refuses numbers that would lose digits", async (t) => {
  const text =
    "kind: Service\nmetadata: {name: web}\n---\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1}\n";
  const bench = await benchWith(t, { "d.yaml": text });
  const edits = (set: object) => bench.run(yamlEdit, { files: ["d.yaml"], set: [set] });
  const path = "spec.replicas";
  assert.equal((await edits({ path, value: 2, document: { kind: "Deployment", name: "web" } })).kind, "succeeded");
  assert.equal(await readFile(join(bench.workspace, "d.yaml"), "utf8"), text.replace("replicas: 1", "replicas: 2"));
  const unclear = await edits({ path, value: 2 });
  assert.ok(unclear.kind === "failed" && unclear.failure.problems?.[0]?.line === 3);
  for (const bad of [
    { path, value: 2 ** 53 },
    { path, value: 2, document: {} },
    { path, value: 2, document: { x: "y" } },
  ]) {
    const outcome = await edits(bad);
    assert.ok(outcome.kind === "errored" && outcome.failure.code === "bad-input", JSON.stringify(bad));
  }
});

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
const comment = fc.option(
  word.map((text) => `# ${text}`),
  { nil: "" },
);
const blank = fc.constantFrom("", "\n", "\n\n");
const quote = fc.constantFrom(
  (v: string) => v,
  (v: string) => `"${v}"`,
  (v: string) => `'${v}'`,
);
const otherEntry = fc.record({ name: word.filter((name) => name !== "web"), tag: word, comment, quote, blank });
const overlay = fc
  .record({
    head: comment,
    entries: fc.array(otherEntry, { maxLength: 3 }),
    at: fc.nat(3),
    tail: comment,
    blank,
    indent: fc.constantFrom("", "  ", "    "),
    kind: fc.constantFrom("newTag", "digest", "none", "both"),
    mine: comment,
    quote,
    crlf: fc.boolean(),
  })
  .map((x) => {
    const digest = `digest: ${x.quote(OLD)} ${x.mine}`;
    const tag = `newTag: ${x.quote("v1")} ${x.mine}`;
    const fields = { newTag: [tag], digest: [digest], none: [], both: [digest, tag] }[x.kind];
    const mine = [`- name: ${x.quote("web")}`, ...fields.map((field) => `  ${field}`)];
    const others = x.entries.map((e) => [
      `- name: ${e.quote(e.name)} ${e.comment}`,
      `  newTag: ${e.quote(e.tag)}${e.blank}`,
    ]);
    const items = others
      .toSpliced(Math.min(x.at, others.length), 0, mine)
      .flat()
      .map((line) => `${x.indent}${line}`);
    const text = [
      x.head,
      "resources:",
      "- ../base",
      x.blank,
      `images: ${x.head}`,
      ...items,
      x.tail,
      "namespace: n",
      "",
    ].join("\n");
    return x.crlf ? text.replaceAll("\n", "\r\n") : text;
  });

test("for any overlay: comments, order and blank lines survive, and editing twice is editing once", () => {
  fc.assert(
    fc.property(overlay, (text) => {
      const once = setImage("k.yaml", text, edit);
      const comments = (source: string) => source.match(/#.*/g) ?? [];
      assert.deepEqual(comments(once.text), comments(text));
      const untouched = (source: string) =>
        source
          .split("\n")
          .filter((line) => !/digest: |newName: |newTag: ["']?v1\b/.test(line))
          .map((line) => line.replace(/^ +(?=#|\r?$)/, ""));
      const [before, after] = [untouched(text), untouched(once.text)];
      let at = 0;
      for (const line of after) if (line === before[at]) at += 1;
      assert.equal(at, before.length, `lost: ${before[at]}\n${once.text}`);
      const images = (parseDocument(once.text).toJS() as { images: { name: string }[] }).images;
      assert.deepEqual(Object.entries(images.find((one) => one.name === "web") ?? {}).sort(), [
        ["digest", NEW],
        ["name", "web"],
        ["newName", edit.newName],
      ]);
      assert.deepEqual(setImage("k.yaml", once.text, edit).text, once.text);
      assert.equal(setImage("k.yaml", once.text, edit).changed, false);
    }),
    { numRuns: testRuns(300) },
  );
});

test("for any value at any new or old place: it is there afterwards, comments survive, twice is once", () => {
  const text = "# a\nx: 1 # b\ny:\n  # c\n  z: 'q' # d\n  l: [1, 2] # e\n\n# f\n";
  fc.assert(
    fc.property(
      fc.constantFrom("x", "y.z", "y.l[0]", "y.new", "n", "n.m.o", "y.l"),
      fc.jsonValue({ maxDepth: 2 }),
      (place, value) => {
        const path = parsePath(place);
        assert.ok(path);
        const once = setPath("f.yaml", text, path, value as never).text;
        for (const mark of ["# a", "# c", "# f"]) assert.ok(once.includes(mark), once);
        const keys = path.map((part) => (typeof part === "object" ? part.key : part));
        const found = keys.reduce<unknown>(
          (inner, key) => (inner as Record<string, unknown>)[key],
          parseDocument(once).toJS(),
        );
        assert.deepEqual(JSON.parse(JSON.stringify(found)), JSON.parse(JSON.stringify(value)));
        assert.equal(setPath("f.yaml", once, path, value as never).text, once);
      },
    ),
    { numRuns: testRuns(300) },
  );
});

function bomb(): string {
  const rows = Array.from({ length: 9 }, (_, i) => `k${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(", ")}]`);
  return `k0: &a0 [x, x]\n${rows.join("\n")}\n`;
}
