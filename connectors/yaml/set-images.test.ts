// What `yaml/set-images` writes in files as teams have them, byte for byte.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { type Form, setImages, type Wanted } from "./set-images.ts";

const OLD = `sha256:${"a".repeat(64)}`;
const NEW = `sha256:${"b".repeat(64)}`;
const SHORT = "b".repeat(12);
const IMAGE = { name: "orders", repository: "harbor.example/apps/orders", digest: NEW };
const REF = `${IMAGE.repository}@${NEW}`;

function set(form: Form, text: string, more: Partial<Wanted> = {}): string {
  const { files } = setImages([{ name: "f.yaml", text }], { form, images: [IMAGE], ...more });
  return files[0]?.text ?? text;
}

/** The problem of a refused edit, which names the line. */
function refusal(form: Form, text: string, more: Partial<Wanted> = {}): string {
  return refusalOf(() => set(form, text, more));
}

function refusalOf(edit: () => unknown): string {
  try {
    edit();
  } catch (error) {
    assert.ok(error instanceof GantryError && error.code === "file-invalid", String(error));
    return String(error.details.problem);
  }
  throw new Error("it was not refused");
}

type Row = readonly [what: string, text: string, edited: string, more?: Partial<Wanted>];

function table(form: Form, rows: readonly Row[]): void {
  for (const [what, text, edited, more] of rows) {
    for (const end of ["\n", "\r\n"]) {
      const [before, after] = [text, edited].map((one) => one.replaceAll("\n", end));
      assert.equal(set(form, before ?? "", more), after, what);
      assert.equal(set(form, after ?? "", more), after, `${what}: setting twice is setting once`);
    }
  }
}

test("Helm values get the image where they name it, in every usual shape", () => {
  table("helm", [
    [
      "a new chart",
      'replicaCount: 1\nimage:\n  repository: harbor.example/apps/orders # ours\n  pullPolicy: IfNotPresent\n  # defaults to the app version\n  tag: "1.0" # old\n',
      `replicaCount: 1\nimage:\n  repository: harbor.example/apps/orders # ours\n  pullPolicy: IfNotPresent\n  # defaults to the app version\n  tag: "${SHORT}@${NEW}" # old\n`,
    ],
    [
      "Bitnami's kind",
      `global:\n  imageRegistry: ""\nimage:\n  registry: harbor.example\n  repository: apps/orders\n  tag: 1.2.3-debian-12-r0\n  digest: ""\n  pullPolicy: IfNotPresent\n`,
      `global:\n  imageRegistry: ""\nimage:\n  registry: harbor.example\n  repository: apps/orders\n  tag: 1.2.3-debian-12-r0\n  digest: "${NEW}"\n  pullPolicy: IfNotPresent\n`,
    ],
    [
      "a registry that changes",
      `image: {registry: docker.io, repository: apps/orders, digest: '${OLD}'}\n`,
      `image: {registry: harbor.example, repository: apps/orders, digest: '${NEW}'}\n`,
    ],
    [
      "a registry for all images",
      `global:\n  imageRegistry: harbor.example\nimage:\n  registry: docker.io\n  repository: apps/orders\n  tag: v1\n  digest: ${OLD}\n`,
      `global:\n  imageRegistry: harbor.example\nimage:\n  registry: docker.io\n  repository: apps/orders\n  tag: v1\n  digest: ${NEW}\n`,
    ],
    ["one text", "image: harbor.example/apps/orders:v1 # c\n", `image: ${REF} # c\n`],
    ["one text with a digest", `web:\n  image: "harbor.example/apps/orders:v1@${OLD}"\n`, `web:\n  image: "${REF}"\n`],
    [
      "a text beside a tag",
      "image: harbor.example/apps/orders\nimageTag: v1\nimagePullPolicy: Always\n",
      `image: harbor.example/apps/orders\nimageTag: ${SHORT}@${NEW}\nimagePullPolicy: Always\n`,
    ],
    [
      "a subchart among others",
      "orders:\n  web:\n    image:\n      repository: harbor.example/apps/orders\n      tag:\npostgresql:\n  image:\n    repository: bitnami/postgresql\n    tag: 16\n",
      `orders:\n  web:\n    image:\n      repository: harbor.example/apps/orders\n      tag: ${SHORT}@${NEW}\npostgresql:\n  image:\n    repository: bitnami/postgresql\n    tag: 16\n`,
    ],
    [
      "a list",
      "jobs:\n- name: a\n  image: other/x:1\n- name: b\n  image: harbor.example/apps/orders:1\n",
      `jobs:\n- name: a\n  image: other/x:1\n- name: b\n  image: ${REF}\n`,
    ],
    [
      "a repository in another registry",
      "image:\n  repository: old.example:5000/apps/orders\n  tag: 1\n",
      `image:\n  repository: harbor.example/apps/orders\n  tag: ${SHORT}@${NEW}\n`,
    ],
    [
      "a repository without a registry, which the chart adds",
      "image:\n  repository: apps/orders\n  tag: 1\n",
      `image:\n  repository: apps/orders\n  tag: ${SHORT}@${NEW}\n`,
    ],
    [
      "no tag",
      "image:\n  repository: harbor.example/apps/orders\n",
      `image:\n  repository: harbor.example/apps/orders\n  tag: ${SHORT}@${NEW}\n`,
    ],
    [
      "a digest without its kind",
      `image: {registry: harbor.example, repository: apps/orders, tag: "", sha: ""}\n`,
      `image: {registry: harbor.example, repository: apps/orders, tag: "", sha: "${"b".repeat(64)}"}\n`,
    ],
    [
      "a repository in two parts",
      "image:\n  repository: old.example/apps\n  name: orders\n  tag: v1\n",
      `image:\n  repository: harbor.example/apps\n  name: orders\n  tag: ${SHORT}@${NEW}\n`,
    ],
    [
      "a repository beside another name",
      "image:\n  repository: harbor.example/apps/orders\n  name: web\n  tag: v1\n",
      `image:\n  repository: harbor.example/apps/orders\n  name: web\n  tag: ${SHORT}@${NEW}\n`,
    ],
    [
      "a variable",
      "env:\n  WORKER: harbor.example/apps/orders:1\n  PULL: harbor.example/apps/orders\n",
      `env:\n  WORKER: ${REF}\n  PULL: harbor.example/apps/orders\n`,
    ],
    [
      "an anchor",
      "x-image: &i\n  repository: harbor.example/apps/orders\n  tag: &t v1\nweb:\n  image: *i\nworker: {image: *i, version: *t}\n",
      `x-image: &i\n  repository: harbor.example/apps/orders\n  tag: &t ${SHORT}@${NEW}\nweb:\n  image: *i\nworker: {image: *i, version: *t}\n`,
    ],
    [
      "a tag that is given",
      "image:\n  repository: harbor.example/apps/orders\n  tag: v1\n  digest: \n",
      `image:\n  repository: harbor.example/apps/orders\n  tag: v2\n  digest: ${NEW} \n`,
      { images: [{ ...IMAGE, tag: "v2" }] },
    ],
    [
      "a place that is named",
      "web:\n  image: {repository: harbor.example/apps/orders, tag: v1}\nworker:\n  image: {repository: harbor.example/apps/orders, tag: v1}\n",
      `web:\n  image: {repository: harbor.example/apps/orders, tag: v1}\nworker:\n  image: {repository: harbor.example/apps/orders, tag: "${SHORT}@${NEW}"}\n`,
      { at: ["worker.image"] },
    ],
    [
      "only a tag, at a place that is named",
      "image:\n  tag: v1\n",
      `image:\n  tag: ${SHORT}@${NEW}\n`,
      { at: ["image.tag"] },
    ],
  ]);
});

test("a global registry is not that of a repository that has its own", () => {
  const of = (repository: string, registry: string, tag: string) =>
    `global:\n  imageRegistry: ${registry}\nweb:\n  image: ${repository}\n  tag: ${tag}\n`;
  const whole = of("harbor.example/apps/orders", "harbor.example", `"${SHORT}@${NEW}"`);
  assert.equal(
    set("helm", of("docker.io/apps/orders", "harbor.example", "v1")).replace(/tag: (?!")(.*)/, 'tag: "$1"'),
    whole,
  );
  assert.equal(
    set("helm", of("docker.io/apps/orders", "mirror.example", "v1")).replace(/tag: (?!")(.*)/, 'tag: "$1"'),
    whole.replace("Registry: harbor", "Registry: mirror"),
  );
  assert.match(refusal("helm", of("apps/orders", "mirror.example", "v1")), /global.imageRegistry is mirror.example/);
});

test("a repository that has its own registry keeps it, so that no other one comes before it", () => {
  const of = (registry: string, repository: string, tag: string) =>
    `image:\n  registry: ${registry}\n  repository: ${repository}\n  tag: ${tag}\nglobal:\n  imageRegistry: mirror.example\n`;
  const whole = "harbor.example/apps/orders";
  for (const none of ['""', "null", "~"]) {
    assert.equal(set("helm", of(none, "docker.io/apps/orders", "v1")), of(none, whole, `${SHORT}@${NEW}`));
    assert.equal(set("helm", of(none, whole, "v1")), of(none, whole, `${SHORT}@${NEW}`));
  }
  assert.match(
    refusal("helm", of("quay.io", "docker.io/apps/orders", "v1"), { at: ["image"] }),
    /global.imageRegistry is mirror.example, and the image is in harbor.example; change it by hand/,
  );
});

test("values of one target in several files: the tag of an environment follows that of the base", () => {
  const files = [
    { name: "values.yaml", text: "image:\n  repository: harbor.example/apps/orders\n  tag: v1\n" },
    { name: "live.yaml", text: "replicas: 3\nimage:\n  tag: v2 # live\n" },
    { name: "other.yaml", text: "web:\n  image:\n    tag: v3\n" },
  ];
  const done = setImages(files, { form: "helm", images: [IMAGE] });
  assert.deepEqual(
    done.files.map(({ text }) => text),
    [
      `image:\n  repository: harbor.example/apps/orders\n  tag: ${SHORT}@${NEW}\n`,
      `replicas: 3\nimage:\n  tag: ${SHORT}@${NEW} # live\n`,
    ],
  );
});

describe("values of one target in several files name the image when Helm has put them together", () => {
  const base = "image:\n  registry: harbor.example\n  repository: apps/orders\n  tag: v1\n  digest: ''\n";
  const tag = `${SHORT}@${NEW}`;
  const set = (...texts: readonly string[]): readonly string[] => {
    const files = texts.map((text, index) => ({ name: `${index}.yaml`, text }));
    const done = setImages(files, { form: "helm", images: [IMAGE] });
    return files.map(({ name, text }) => done.files.find((one) => one.name === name)?.text ?? text);
  };

  test("a tag of an environment has no second digest", () => {
    const [common, live] = set(base, "image:\n  tag: v2\n");
    assert.deepEqual([common, live], [base.replace("''", `'${NEW}'`), "image:\n  tag: v2\n"]);
  });
  test("a registry of an environment", () => {
    const [, live] = set(base, "image:\n  registry: mirror.example\n");
    assert.equal(live, "image:\n  registry: harbor.example\n");
  });
  test("a repository of an environment", () => {
    const plain = "web:\n  repository: harbor.example/apps/orders\n  tag: v1\n";
    const live = "web:\n  repository: mirror.example/apps/orders\n  tag: v2\n";
    assert.deepEqual(set(plain, live), [plain, `web:\n  repository: harbor.example/apps/orders\n  tag: ${tag}\n`]);
  });
  test("a tag below a key that is not called image", () => {
    const plain = "web:\n  repository: harbor.example/apps/orders\n  tag: v1\n";
    assert.deepEqual(set(plain, "web:\n  tag: v2\n"), [plain.replace("v1", tag), `web:\n  tag: ${tag}\n`]);
  });
  test("one text of an environment", () => {
    const image = (version: string): string => `image: harbor.example/apps/orders${version}\n`;
    assert.deepEqual(set(image(":v1"), image(":v2")), [image(":v1"), image(`@${NEW}`)]);
  });
  test("a list of an environment replaces the whole list", () => {
    const jobs = (version: string): string =>
      `jobs:\n  - name: a\n    image:\n      repository: harbor.example/apps/orders\n      tag: ${version}\n`;
    assert.deepEqual(set(jobs("v1"), jobs("v2")), [jobs("v1"), jobs(tag)]);
    assert.match(
      refusalOf(() => set(jobs("v1"), "jobs:\n  - name: a\n")),
      /no place names the image/,
    );
  });
  test("a registry for all images in another file", () => {
    const global = "global:\n  imageRegistry: mirror.example\n";
    assert.match(
      refusalOf(() => set(base, global)),
      /global.imageRegistry is mirror.example, and the image is in harbor.example/,
    );
  });
  test("an empty list of an environment replaces the whole list", () => {
    const jobs = "jobs:\n  - image: harbor.example/apps/orders:v1\n";
    assert.match(
      refusalOf(() => set(jobs, "jobs: []\n")),
      /no place names the image/,
    );
  });
  test("one text, with a registry for all images", () => {
    const global = (registry: string): string => `global:\n  imageRegistry: ${registry}\n`;
    const image = (text: string): string => `image: ${text}\n`;
    assert.deepEqual(set(image("apps/orders:v1"), global("harbor.example"))[0], image(`apps/orders@${NEW}`));
    assert.deepEqual(set(image("orders:v1"), global("harbor.example/"))[0], image(`apps/orders@${NEW}`));
    assert.deepEqual(
      set(image("docker.io/apps/orders:v1"), global("mirror.example"))[0],
      image(`${IMAGE.repository}@${NEW}`),
    );
    assert.match(
      refusalOf(() => set(image("apps/orders:v1"), global("mirror.example"))),
      /^line 1: image: global.imageRegistry is mirror.example, and the image is in harbor.example; change it by hand$/,
    );
  });
});

describe("an image that an alias stands for, where a later file of values replaces a part", () => {
  const image = "{ repository: harbor.example/apps/orders, tag: v1 }";
  const base = `web:\n  image: &a ${image}\nzz:\n  image: *a\n`;
  const edit = (files: readonly string[], at?: readonly string[]): readonly string[] => {
    const named = files.map((text, index) => ({ name: `${index}.yaml`, text }));
    const done = setImages(named, { form: "helm", images: [IMAGE], at });
    return named.map(({ name, text }) => done.files.find((one) => one.name === name)?.text ?? text);
  };
  const both = ["web.image", "zz.image"];

  test("at the alias: its own parts are set, and those of the anchor with the anchor", () => {
    const live = (tag: string): string => `zz:\n  image:\n    tag: ${tag}\n`;
    assert.match(
      refusalOf(() => edit([base, live("v2")])),
      /^line 2: several places name the image orders: web.image .*, zz.image .*; say which with `at`$/,
    );
    assert.deepEqual(edit([base, live("v2")], both), [
      base.replace("v1", `"${SHORT}@${NEW}"`),
      live(`${SHORT}@${NEW}`),
    ]);
  });
  for (const [what, live] of [
    ["its repository", "web:\n  image: { repository: mirror.example/apps/orders }\n"],
    ["its tag", "web:\n  image: { tag: v2 }\n"],
    ["all of it", "web:\n  image: { repository: harbor.example/apps/orders, tag: v2 }\n"],
    ["it with one text", "web:\n  image: harbor.example/apps/orders:v2\n"],
  ] as const)
    test(`at the anchor, ${what}: the image of the alias is not missed`, () => {
      assert.match(
        refusalOf(() => edit([base, live], both)),
        /^line 4: zz.image: it is the alias \*a; edit the place that has &a$/,
      );
      assert.throws(() => edit([base, live]), /cannot be used/);
    });
  test("a tag that is missing beside the anchor does not come from the later file", () => {
    const bare = "web:\n  image: &a { repository: docker.io/apps/orders }\nzz:\n  image: *a\n";
    assert.throws(() => edit([bare, "web:\n  image: { tag: v2 }\n"]), /cannot be used/);
  });
  test("aliases of what is no image do not matter", () => {
    const values = `web:\n  resources: &r { limits: { cpu: 1 } }\nzz:\n  resources: *r\nimage: ${image}\n`;
    const live = "zz:\n  resources: { limits: { cpu: 2 } }\n";
    assert.deepEqual(edit([values, live]), [values.replace("v1", `"${SHORT}@${NEW}"`), live]);
  });
});

test("a name that a merge key brings is the name of the image, too", () => {
  const values = (tag: string): string =>
    `aImage: &a\n  name: harbor.example/apps/orders\n  tag: ${tag}\nb:\n  image:\n    <<: *a\n    tag: v2\n`;
  assert.match(refusal("helm", values("v1")), /several places name the image orders: aImage .*, b\.image /);
});

test("Helm values that do not say which place is meant are refused with the candidates", () => {
  const twice =
    "web:\n  image: {repository: harbor.example/apps/orders, tag: v1}\nworker:\n  image: {repository: harbor.example/apps/orders, tag: v2}\n";
  assert.equal(
    refusal("helm", twice),
    "line 2: several places name the image orders: web.image (harbor.example/apps/orders:v1, f.yaml:2), worker.image (harbor.example/apps/orders:v2, f.yaml:4); say which with `at`",
  );
  assert.equal(
    refusal("helm", "image:\n  repository: other/x\n  tag: 1\n"),
    "no place names the image harbor.example/apps/orders; the files name image (other/x:1, f.yaml:2)",
  );
  assert.match(refusal("helm", twice, { at: ["web"] }), /^nothing at web names an image; the files name web.image /);
  assert.match(refusal("helm", "a: 1\n"), /the files name no image$/);
  assert.match(
    refusal("helm", "t: &t v1\nimage:\n  repository: harbor.example/apps/orders\n  tag: *t\n"),
    /^line 4: image: it is the alias \*t; edit the place that has &t$/,
  );
  assert.match(
    refusal("helm", "global: {imageRegistry: mirror.example}\nimage: {repository: apps/orders, digest: ''}\n"),
    /^line 2: image: global\.imageRegistry is mirror\.example, and the image is in harbor\.example/,
  );
  assert.match(refusal("helm", "a: 1\n---\nb: 2\n"), /^line 2: the file holds several documents/);
});

const POD = (image: string) =>
  `  template:\n    spec:\n      containers:\n      - name: orders # main\n        image: ${image}\n`;

test("plain manifests get the image in every kind that makes pods", () => {
  const workload = (kind: string, image: string): string =>
    `apiVersion: apps/v1\nkind: ${kind}\nmetadata: {name: orders}\nspec:\n${POD(image)}`;
  const cron = (image: string): string =>
    `apiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: nightly\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          initContainers:\n          - {name: wait, image: "busybox:1"}\n          containers:\n          - {name: run, image: "${image}"}\n`;
  const old = "harbor.example/apps/orders:v1";
  table("plain", [
    ...[
      "Deployment",
      "StatefulSet",
      "DaemonSet",
      "ReplicaSet",
      "Job",
      "Rollout",
      "ReplicationController",
      "Service",
    ].map((kind): Row => [kind, workload(kind, `${old} # c`), workload(kind, `${REF} # c`)]),
    ["CronJob", cron(old), cron(REF)],
    [
      "Pod",
      `apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: '${old}'}]}\n`,
      `apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: '${REF}'}]}\n`,
    ],
    [
      "several documents",
      `# one\n---\napiVersion: v1\nkind: ConfigMap\ndata:\n  containers: "x"\n  image: ${old}\n---\n${workload("Deployment", old)}---\n${cron(old)}---\n# end\n`,
      `# one\n---\napiVersion: v1\nkind: ConfigMap\ndata:\n  containers: "x"\n  image: ${old}\n---\n${workload("Deployment", REF)}---\n${cron(REF)}---\n# end\n`,
    ],
    [
      "a list of objects",
      `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: p}\n  spec:\n    initContainers:\n    - image: ${old}\n      name: init\n- apiVersion: v1\n  kind: Service\n`,
      `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: p}\n  spec:\n    initContainers:\n    - image: ${REF}\n      name: init\n- apiVersion: v1\n  kind: Service\n`,
    ],
    ["by container name", workload("Deployment", "PLACEHOLDER"), workload("Deployment", REF)],
    ["by image name", workload("Deployment", "orders:dev"), workload("Deployment", REF)],
    [
      "a custom resource with the same image is left alone",
      `apiVersion: x.example/v1\nkind: Backup\nspec:\n  image: ${old}\n---\n${workload("Deployment", old)}`,
      `apiVersion: x.example/v1\nkind: Backup\nspec:\n  image: ${old}\n---\n${workload("Deployment", REF)}`,
    ],
    [
      "one workload of several",
      `${workload("Deployment", old)}---\n${workload("StatefulSet", old)}`,
      `${workload("Deployment", old)}---\n${workload("StatefulSet", REF)}`,
      { at: ["StatefulSet/orders"] },
    ],
  ]);
  assert.match(
    refusal("plain", `${workload("Deployment", "a/x:1")}---\n${workload("Job", "b/y:1")}`),
    /^line 9: several places name the image orders: Deployment\/orders\/orders \(a\/x:1, f\.yaml:9\), Job\/orders\/orders /,
  );
});

test("an Argo CD application gets the image in its inline values", () => {
  const app = (spec: string): string =>
    `apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: orders-seoul\nspec:\n  project: orders\n${spec}`;
  const text = (tag: string, digest = "") =>
    `  source:\n    helm:\n      releaseName: orders\n      values: |\n        # values\n        image:\n          repository: harbor.example/apps/orders   # ours\n          tag: ${tag} # c\n${digest}\n        replicas: 2\n    path: chart # after\n`;
  table("argocd", [
    ["a text", app(text("v1")), app(text(`${SHORT}@${NEW}`))],
    [
      "a text with a digest",
      app(text("v1", `          digest: ${OLD}\n`)),
      app(text("v1", `          digest: ${NEW}\n`)),
    ],
    [
      "a text without a line end",
      app("  source:\n    helm:\n      values: |-\n        image: harbor.example/apps/orders:v1\n"),
      app(`  source:\n    helm:\n      values: |-\n        image: ${REF}\n`),
    ],
    [
      "an object",
      app(
        "  source:\n    helm:\n      valuesObject:\n        image: {repository: harbor.example/apps/orders, tag: v1}\n",
      ),
      app(
        `  source:\n    helm:\n      valuesObject:\n        image: {repository: harbor.example/apps/orders, tag: "${SHORT}@${NEW}"}\n`,
      ),
    ],
    [
      "parameters",
      app(
        "  source:\n    helm:\n      parameters:\n      - name: image.repository\n        value: harbor.example/apps/orders\n      - name: image.tag\n        value: v1\n        forceString: true\n",
      ),
      app(
        `  source:\n    helm:\n      parameters:\n      - name: image.repository\n        value: harbor.example/apps/orders\n      - name: image.tag\n        value: ${SHORT}@${NEW}\n        forceString: true\n`,
      ),
    ],
    [
      "a parameter that hides the tag of the values",
      app(`${text("v1")}`.replace("      values", "      parameters: [{name: image.tag, value: v3}]\n      values")),
      app(
        `${text("v1")}`.replace(
          "      values",
          `      parameters: [{name: image.tag, value: "${SHORT}@${NEW}"}]\n      values`,
        ),
      ),
    ],
    [
      "kustomize images",
      app(
        "  source:\n    kustomize:\n      images:\n      - web=harbor.example/apps/web:v1 # other\n      - orders=harbor.example/apps/orders:v1 # ours\n",
      ),
      app(
        `  source:\n    kustomize:\n      images:\n      - web=harbor.example/apps/web:v1 # other\n      - orders=${REF} # ours\n`,
      ),
    ],
    [
      "kustomize images without an old name",
      app("  source:\n    kustomize:\n      images: ['harbor.example/apps/orders:v1']\n"),
      app(`  source:\n    kustomize:\n      images: ['${REF}']\n`),
    ],
    [
      "several sources",
      app(
        "  sources:\n  - repoURL: https://git.example/values\n    ref: values\n  - chart: orders\n    helm:\n      values: |\n        image: harbor.example/apps/orders:v1\n      valueFiles:\n      - $values/x.yaml\n",
      ),
      app(
        `  sources:\n  - repoURL: https://git.example/values\n    ref: values\n  - chart: orders\n    helm:\n      values: |\n        image: ${REF}\n      valueFiles:\n      - $values/x.yaml\n`,
      ),
    ],
    [
      "one application of two",
      `${app("  source:\n    helm: {parameters: [{name: image, value: 'harbor.example/apps/orders:v1'}]}\n")}---\n${app("  source:\n    helm: {parameters: [{name: image, value: 'harbor.example/apps/orders:v1'}]}\n").replace("seoul", "tokyo")}`,
      `${app("  source:\n    helm: {parameters: [{name: image, value: 'harbor.example/apps/orders:v1'}]}\n")}---\n${app(`  source:\n    helm: {parameters: [{name: image, value: '${REF}'}]}\n`).replace("seoul", "tokyo")}`,
      { application: "orders-tokyo" },
    ],
    [
      "a text that a parameter replaces by a mapping",
      app(
        "  source:\n    helm:\n      valuesObject: {web: {image: 'harbor.example/apps/orders:v1'}}\n      parameters:\n      - {name: web.image.repository, value: apps/orders}\n      - {name: web.image.tag, value: v1}\n",
      ),
      app(
        `  source:\n    helm:\n      valuesObject: {web: {image: 'harbor.example/apps/orders:v1'}}\n      parameters:\n      - {name: web.image.repository, value: apps/orders}\n      - {name: web.image.tag, value: "${SHORT}@${NEW}"}\n`,
      ),
    ],
    [
      "a set of applications",
      app("  source:\n    helm:\n      values: |\n        image: harbor.example/apps/orders:v1\n")
        .replace("kind: Application", "kind: ApplicationSet")
        .replace(
          /spec:\n[\s\S]*$/,
          "spec:\n  template:\n    spec:\n      source:\n        helm:\n          values: |\n            image: harbor.example/apps/orders:v1\n",
        ),
      app("")
        .replace("kind: Application", "kind: ApplicationSet")
        .replace(
          /spec:\n[\s\S]*$/,
          `spec:\n  template:\n    spec:\n      source:\n        helm:\n          values: |\n            image: ${REF}\n`,
        ),
    ],
  ]);
  assert.match(
    refusal(
      "argocd",
      app(
        "  source:\n    helm:\n      values: |\n        a: 1\n        t: &t v1\n        image:\n          repository: harbor.example/apps/orders\n          tag: *t\n",
      ),
    ),
    /^line 14: orders-seoul: image: it is the alias \*t/,
  );
  assert.match(refusal("argocd", app("  source:\n    helm:\n      values: |\n        a: [\n")), /^line 10|^line 11/);
});

test("several images are set in one go, and each goes to its own place", () => {
  const images = [IMAGE, { name: "worker", repository: "harbor.example/apps/worker", digest: OLD }];
  const text = "web: {image: harbor.example/apps/orders}\nworker: {image: harbor.example/apps/worker}\n";
  assert.equal(
    set("helm", text, { images }),
    `web: {image: "${REF}"}\nworker: {image: "harbor.example/apps/worker@${OLD}"}\n`,
  );
  const same = "a: {image: x/y}\nb: {image: x/y}\n";
  assert.equal(
    set("helm", same, { images, at: { orders: ["b.image"], worker: ["a.image"] } }),
    `a: {image: "harbor.example/apps/worker@${OLD}"}\nb: {image: "${REF}"}\n`,
  );
  assert.match(refusal("helm", same, { images, at: { orders: ["b.image"], worker: ["b.image"] } }), /both looked for/);
  assert.equal(
    set("kustomize", "images:\n- name: orders\n  newTag: v1 # c\n", { images }),
    `images:\n- name: orders\n  digest: ${NEW} # c\n  newName: harbor.example/apps/orders\n- name: worker\n  newName: harbor.example/apps/worker\n  digest: ${OLD}\n`,
  );
});

test("kustomize entries get the image that they name, whatever the base calls it", () => {
  const other = { name: "web", repository: "harbor.example/apps/web", digest: OLD };
  const done = `newName: harbor.example/apps/orders\n    digest: ${NEW}`;
  table("kustomize", [
    [
      "by the new name, in another registry",
      "images:\n  - name: shop # base\n    newName: old.example/apps/orders\n    newTag: v1\n  - name: x\n    newName: old.example/apps/x\n",
      `images:\n  - name: shop # base\n    ${done}\n  - name: x\n    newName: old.example/apps/x\n`,
    ],
    [
      "by the name of the image, and every other entry of the same repository",
      "images:\n  - name: orders\n    newTag: v1\n  - name: worker\n    newName: harbor.example/apps/orders\n    newTag: v1\n",
      `images:\n  - name: orders\n    digest: ${NEW}\n    newName: harbor.example/apps/orders\n  - name: worker\n    ${done}\n`,
    ],
    [
      "by a name that is the repository",
      "images:\n  - name: old.example/apps/orders\n    newTag: v1\n",
      `images:\n  - name: old.example/apps/orders\n    digest: ${NEW}\n    newName: harbor.example/apps/orders\n`,
    ],
    [
      "not the entry of another image of the app",
      `images:\n  - name: web\n    newName: harbor.example/apps/orders\n    digest: ${OLD}\n`,
      `images:\n  - name: web\n    newName: harbor.example/apps/web\n    digest: ${OLD}\n  - name: orders\n    ${done}\n`,
      { images: [IMAGE, other] },
    ],
  ]);
});

test("a kustomize entry that two images of the app fit is refused, because the later one would replace the other", () => {
  const text = "images:\n  - name: harbor.example/apps/orders\n    newTag: v1\n";
  const worker = { name: "worker", repository: IMAGE.repository, digest: OLD };
  const problem = refusal("kustomize", text, { images: [IMAGE, worker] });
  assert.match(
    problem,
    /line 2: images\[name=harbor\.example\/apps\/orders\]: orders and worker are both looked for here/,
  );
  assert.match(problem, /as the app names its images/);
  const named =
    "images:\n  - name: orders\n    newName: harbor.example/apps/orders\n  - name: worker\n    newName: harbor.example/apps/orders\n";
  const edited = set("kustomize", named, { images: [IMAGE, worker] });
  assert.match(
    edited,
    new RegExp(
      `name: orders\\n    newName: \\S+\\n    digest: ${NEW}\\n  - name: worker\\n    newName: \\S+\\n    digest: ${OLD}\\n`,
    ),
  );
});
