// Files in which several images share a value by an anchor, a merge key or a template: an edit of one image must not reach
// another one, and must not miss one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { type Form, setImages, type Wanted } from "./set-images.ts";
import { parsePath, setPath } from "./set-path.ts";

const NEW = `sha256:${"b".repeat(64)}`;
const IMAGE = { name: "orders", repository: "harbor.example/apps/orders", digest: NEW };
const REF = `${IMAGE.repository}@${NEW}`;
const TAG = `${"b".repeat(12)}@${NEW}`;
const OLD_DIGEST = `sha256:${"a".repeat(64)}`;
const OLD = `${IMAGE.repository}:v1`;

function set(form: Form, text: string, more: Partial<Wanted> = {}): string {
  const { files } = setImages([{ name: "f.yaml", text }], { form, images: [IMAGE], ...more });
  return files[0]?.text ?? text;
}

type Row = readonly [what: string, form: Form, text: string, edited: string | RegExp];

function table(rows: readonly Row[]): void {
  for (const [what, form, text, edited] of rows) {
    if (typeof edited === "string") {
      assert.equal(set(form, text), edited, what);
      assert.equal(set(form, edited), edited, `${what}: setting twice is setting once`);
    } else {
      assert.throws(
        () => set(form, text),
        (error) => {
          assert.ok(error instanceof GantryError && error.code === "file-invalid", what);
          assert.match(String(error.details.problem), edited, what);
          return true;
        },
        what,
      );
    }
  }
}

const image = (repository: string, tag: string): string =>
  `{repository: harbor.example/apps/${repository}, tag: ${tag}}`;
const quoted = `"${TAG}"`;

test("two images that are both set do not get parts of each other", () => {
  const other = { name: "api", repository: "harbor.example/apps/api", digest: `sha256:${"c".repeat(64)}` };
  const own = "repository: harbor.example/apps/orders, tag: &v v1";
  for (const [what, text] of [
    ["a tag", `a: {image: {${own}}}\nb: {image: {repository: harbor.example/apps/api, tag: *v, digest: ""}}\n`],
    [
      "a digest",
      `a: {image: {repository: harbor.example/apps/orders, digest: &v ${OLD_DIGEST}}}\nb: {image: {repository: harbor.example/apps/api, digest: *v}}\n`,
    ],
    [
      "a tag by a merge key",
      `a:\n  image: &i {${own.replace("&v ", "")}}\nb:\n  image: {<<: *i, repository: harbor.example/apps/api, digest: ""}\n`,
    ],
    [
      "a registry",
      `a: {image: {registry: &r old.example, repository: apps/orders, tag: v1}}\nb: {image: {registry: *r, repository: apps/api, tag: v2}}\n`,
    ],
  ] as const) {
    let edited = "";
    try {
      edited = set("helm", text, { images: [IMAGE, other] });
    } catch (error) {
      assert.ok(error instanceof GantryError && error.code === "file-invalid", what);
      continue;
    }
    assert.equal(set("helm", edited, { images: [IMAGE, other] }), edited, `${what}: ${edited}`);
  }
  assert.throws(
    () =>
      set("helm", `a: {image: {${own}}}\nb: {image: {repository: harbor.example/apps/api, tag: *v, digest: ""}}\n`, {
        images: [IMAGE, other],
      }),
    (error: unknown) => {
      assert.ok(error instanceof GantryError);
      assert.match(
        String(error.details.problem),
        /^line 2: b\.image: it shares a value with another image that is set too/,
      );
      return true;
    },
  );
});

test("another image that shares the value is never changed along with this one", () => {
  table([
    [
      "a tag with an anchor",
      "helm",
      `a: {image: ${image("orders", "&v v1")}}\nb: {image: ${image("other", "*v")}}\n`,
      /^line 2: b\.image: .* would change too/,
    ],
    [
      "a tag that a merge key brings",
      "helm",
      `a:\n  image: &i ${image("orders", "v1")}\nb:\n  image:\n    <<: *i\n    repository: harbor.example/apps/other\n`,
      /^line [4-6]: b\.image: .* would change too/,
    ],
    [
      "a tag through two merge keys",
      "helm",
      `a:\n  image: &i ${image("orders", "v1")}\nc: &c\n  <<: *i\n  repository: harbor.example/apps/third\nb:\n  image:\n    <<: [*c]\n    repository: harbor.example/apps/other\n`,
      /would change too/,
    ],
    [
      "imageTag by a merge key",
      "helm",
      "a: &a\n  image: harbor.example/apps/orders\n  imageTag: v1\nb:\n  <<: *a\n  image: harbor.example/apps/other\n",
      /would change too/,
    ],
    [
      "a digest of a kustomization",
      "kustomize",
      "images:\n- name: orders\n  digest: &d sha256:x\n- name: other\n  digest: *d\n",
      /^line 5: .*other.*would change too/,
    ],
    [
      "the same image at two places follows",
      "helm",
      `a: {image: &i ${image("orders", "v1")}}\nb: {image: *i}\n`,
      `a: {image: &i ${image("orders", quoted)}}\nb: {image: *i}\n`,
    ],
    [
      "what is no image follows",
      "helm",
      `image: ${image("orders", "&v v1")}\nversion: *v\n`,
      `image: ${image("orders", `&v ${quoted}`)}\nversion: *v\n`,
    ],
  ]);
});

const pod = (containers: string, extra = ""): string =>
  `apiVersion: v1\nkind: Pod\n${extra}spec:\n  containers:\n${containers}`;
const one = (text: string): string => `  - name: a\n    image: ${text}\n`;

test("containers that get their image from elsewhere in the file are not missed", () => {
  table([
    [
      "image by a merge key",
      "plain",
      pod(`${one(OLD)}  - name: b\n    <<: *c\n`, `x: &c\n  image: ${OLD}\n`),
      pod(`${one(REF)}  - name: b\n    <<: *c\n    image: ${REF}\n`, `x: &c\n  image: ${OLD}\n`),
    ],
    [
      "a container by an alias",
      "plain",
      pod(`${one(OLD)}  - *c\n`, `x: &c\n  name: b\n  image: ${OLD}\n`),
      /alias \*c/,
    ],
    [
      "all containers by an alias",
      "plain",
      `apiVersion: v1\nkind: Pod\nx: &c\n- name: b\n  image: ${OLD}\nspec:\n  initContainers:\n${one(OLD)}  containers: *c\n`,
      /alias \*c/,
    ],
    [
      "a pod by an alias",
      "plain",
      `apiVersion: v1\nkind: List\nx: &c\n  containers: [{name: b, image: "${OLD}"}]\nitems:\n- ${pod(one(OLD)).trimEnd().replaceAll("\n", "\n  ")}\n- {apiVersion: v1, kind: Pod, spec: *c}\n`,
      `apiVersion: v1\nkind: List\nx: &c\n  containers: [{name: b, image: "${REF}"}]\nitems:\n- ${pod(one(REF)).trimEnd().replaceAll("\n", "\n  ")}\n- {apiVersion: v1, kind: Pod, spec: *c}\n`,
    ],
    [
      "a container that another one is made of",
      "plain",
      pod(`  - &c\n    name: a\n    image: ${OLD}\n  - <<: *c\n    name: b\n`),
      pod(`  - &c\n    name: a\n    image: ${REF}\n  - <<: *c\n    name: b\n`),
    ],
    [
      "a merged image that is hidden",
      "plain",
      pod(`  - <<: *c\n    name: b\n    image: ${OLD}\n`, `x: &c\n  image: other/x:1\n`),
      pod(`  - <<: *c\n    name: b\n    image: ${REF}\n`, `x: &c\n  image: other/x:1\n`),
    ],
    [
      "containers that two pods share",
      "plain",
      `${pod(one(OLD)).replace("containers:", "containers: &c")}  initContainers: *c\n`,
      `${pod(one(REF)).replace("containers:", "containers: &c")}  initContainers: *c\n`,
    ],
  ]);
});

const app = (helm: string, extra = ""): string =>
  `kind: Application\nmetadata: {name: x}\n${extra}spec:\n  source:\n    helm:\n${helm}`;

test("an Argo CD application whose values stand elsewhere, or twice, is not half edited", () => {
  const parameters = (first: string, second: string): string =>
    app(
      `      parameters:\n      - {name: image.repository, value: harbor.example/apps/orders}\n      - {name: image.tag, value: ${first}}\n      - {name: image.tag, value: ${second}}\n`,
    );
  table([
    [
      "a parameter that is there twice: the last one counts",
      "argocd",
      parameters("v1", "v2"),
      parameters("v1", quoted),
    ],
    [
      "an object by an alias, before which the text has no meaning",
      "argocd",
      app(`      valuesObject: *v\n      values: |\n        image: ${OLD}\n`, `x: &v\n  image: ${OLD}\n`),
      /^line 8: .*alias \*v/,
    ],
    [
      "helm by an alias, beside images of kustomize",
      "argocd",
      `kind: Application\nmetadata: {name: x}\nx: &h\n  parameters: [{name: image, value: "${OLD}"}]\nspec:\n  sources:\n  - helm: *h\n  - kustomize: {images: ["${OLD}"]}\n`,
      /^line 7: several places name the image .*x: image .*kustomize/,
    ],
    [
      "helm by a merge key",
      "argocd",
      `kind: Application\nmetadata: {name: x}\nx: &h\n  helm: {parameters: [{name: image, value: "${OLD}"}]}\nspec:\n  source:\n    <<: *h\n    kustomize: {images: ["${OLD}"]}\n`,
      /^line 7: several places name the image .*x: image .*kustomize/,
    ],
    [
      "values that two sources share",
      "argocd",
      `kind: Application\nmetadata: {name: x}\nspec:\n  sources:\n  - helm:\n      values: &v |\n        image: ${OLD}\n  - helm:\n      values: *v\n`,
      `kind: Application\nmetadata: {name: x}\nspec:\n  sources:\n  - helm:\n      values: &v |\n        image: ${REF}\n  - helm:\n      values: *v\n`,
    ],
  ]);
});

test("a template or a mapping in the place of a text is not replaced", () => {
  const set_ = (tag: string): string =>
    `kind: ApplicationSet\nmetadata: {name: x}\nspec:\n  template:\n    spec:\n      source:\n        helm:\n          values: |\n            image:\n              repository: harbor.example/apps/orders\n              tag: ${tag}\n`;
  table([
    ["a template in quotes", "argocd", set_("'{{ tag }}'"), /^line 11: .*template.*\{\{ tag \}\}/],
    ["a template without quotes", "argocd", set_("{{ tag }}"), /^line 11: .*template/],
    [
      "a tag for each stage",
      "helm",
      "image:\n  repository: harbor.example/apps/orders\n  tag: {live: v1, test: v2}\n",
      /^line 3: /,
    ],
    ["a list of tags", "helm", "image:\n  repository: harbor.example/apps/orders\n  tag: [v1]\n", /^line 3: /],
    ["a chart's own file", "plain", pod('  - name: orders\n    image: "{{ .Values.image }}"\n'), /^line 6: .*template/],
    [
      "a template beside the image stays",
      "helm",
      `image: ${OLD}\nhost: {{ host }}\n`,
      `image: ${REF}\nhost: {{ host }}\n`,
    ],
  ]);
});

test("a registry keeps the slash at its end, which its chart counts on", () => {
  const values = (registry: string, tag: string): string =>
    `image:\n  registry: ${registry}\n  repository: apps/orders\n  tag: ${tag}\n`;
  table([
    ["the same registry", "helm", values("harbor.example/", "v1"), values("harbor.example/", TAG)],
    ["another registry", "helm", values("docker.io/", "v1"), values("harbor.example/", TAG)],
    [
      "a registry for all images",
      "helm",
      `global: {imageRegistry: harbor.example/}\n${values("docker.io", "v1")}`,
      `global: {imageRegistry: harbor.example/}\n${values("docker.io", TAG)}`,
    ],
  ]);
});

test("yaml/edit sees what merge keys of merged mappings bring, and names behind aliases", () => {
  const refused: readonly (readonly [text: string, path: string, problem: RegExp])[] = [
    ["a: &a {x: {y: 1, z: 2}}\nb: &b\n  <<: *a\nc:\n  <<: *b\n", "c.x.y", /^line 5: x comes from the merge key <</],
    [
      "a: &a {x: {y: 1, z: 2}}\nb: &b\n  <<: [*a]\nc:\n  <<: [{}, *b]\n",
      "c.x.y",
      /^line 5: x comes from the merge key/,
    ],
    ["n: &n web\nl:\n- name: *n\n  v: 1\n- name: web\n  v: 2\n", "l[name=web].v", /^line 5: l has several elements/],
    [
      "n: &n {name: web}\nl:\n- <<: *n\n  v: 1\n- name: web\n  v: 2\n",
      "l[name=web].v",
      /^line 5: l has several elements/,
    ],
  ];
  for (const [text, path, problem] of refused) {
    assert.throws(
      () => setPath("f.yaml", text, parsePath(path) ?? [], 5),
      (error) => error instanceof GantryError && problem.test(String(error.details.problem)),
      text,
    );
  }
  const text = "n: &n web\nl:\n- name: *n\n  v: 1\n- name: api\n  v: 2\n";
  assert.equal(setPath("f.yaml", text, parsePath("l[name=web].v") ?? [], 5).text, text.replace("v: 1", "v: 5"));
});

test("a file in which readers see different line ends is refused, with the line", () => {
  const edit = (text: string): string => setPath("f.yaml", text, ["a"], "x").text;
  for (const end of ["\r", "\u0085", "\u2028", "\u2029"])
    for (const text of [`a: 1 # c${end}b: 2\n`, `# c${end}a: 1\n`, `b: "x${end}y"\na: 1\n`, `b: |\n  x${end}a: 1\n`])
      assert.throws(
        () => edit(text),
        (error) =>
          error instanceof GantryError &&
          /^line [1-9]\d*: the character U\+.* ends the line/.test(String(error.details.problem)),
        JSON.stringify(text),
      );
  assert.equal(edit('a: 1\r\nb: "\\u2028\\r"\r\n'), 'a: x\r\nb: "\\u2028\\r"\r\n');
  assert.equal(edit('{"a": 1, "b": "\u2028"}'), '{"a": "x", "b": "\u2028"}');
});
