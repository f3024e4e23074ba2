// Edits of Helm values, against helm: what it renders before and after differs in the image that was set, and in nothing else.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { setImages } from "@gantry/connectors/yaml/set-images.ts";
import { parse } from "yaml";
import { helmFor } from "../../deploy/helm.fixture.ts";

const run = promisify(execFile);

const OLD = `sha256:${"a".repeat(64)}`;
const NEW = `sha256:${"b".repeat(64)}`;
const WEB = { name: "web", repository: "harbor.example/shop/web", digest: NEW };

/** Values that have only a tag get the beginning of the digest in its place. */
const SET = `${WEB.repository}:${"b".repeat(12)}@${NEW}`;

/** How charts put an image together. */
const TAG = '{{ .repository }}:{{ .tag | default "app" }}';
const DIGEST = "{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end }}";
const BOTH = "{{ .repository }}:{{ .tag }}{{ with .digest }}@{{ . }}{{ end }}";
const HOST = "{{ .registry }}/{{ .repository }}:{{ .tag }}{{ with .digest }}@{{ . }}{{ end }}";
const TEXT = "{{ . }}";

type Case = {
  readonly of: string;
  readonly values: string;
  /** Where the chart reads each image, and how it puts it together. */
  readonly images: readonly (readonly [from: string, form: string])[];
  readonly tag?: string;
  readonly at?: string;
  /** What the chart shows after the edit; the old image where it is undefined. */
  readonly after: readonly (string | undefined)[];
};

const CASES: readonly Case[] = [
  {
    of: "repository and tag, with comments behind and between",
    values: `# top\nimage: # which\n  repository: harbor.example/shop/web # where\n  # when\n  tag: "1.10" # keep\nport: 8080\n`,
    images: [[".Values.image", TAG]],
    after: [SET],
  },
  {
    of: "a new tag that YAML 1.1 takes for a number",
    values: "image:\n  tag: 1.9\n  repository: harbor.example/shop/web\n",
    images: [[".Values.image", TAG]],
    tag: "1.10",
    after: [`${WEB.repository}:1.10@${NEW}`],
  },
  {
    of: "an empty tag",
    values: "image:\n  repository: harbor.example/shop/web\n  tag:\nafter: ~\n",
    images: [[".Values.image", TAG]],
    after: [SET],
  },
  {
    of: "a digest beside a tag",
    values: `image:\n  repository: 'harbor.example/shop/web'\n  tag: v1\n  digest: ${OLD}\n`,
    images: [[".Values.image", BOTH]],
    after: [`${WEB.repository}:v1@${NEW}`],
  },
  {
    of: "a digest that is empty",
    values: 'image: {repository: harbor.example/shop/web, tag: v1, digest: ""}\n',
    images: [[".Values.image", DIGEST]],
    after: [`${WEB.repository}@${NEW}`],
  },
  {
    of: "a registry of its own, and windows line ends",
    values: "image:\r\n  registry: old.example\r\n  repository: shop/web\r\n  tag: v1\r\n  digest: ''\r\nx: 1_000\r\n",
    images: [[".Values.image", HOST]],
    after: [`${WEB.repository}:v1@${NEW}`],
  },
  {
    of: "one text in a list of containers",
    values: `sidecars:\n- name: log\n  image: busybox:1\n- {name: web, image: "harbor.example/shop/web:v1"}\n`,
    images: [
      ["(index .Values.sidecars 0).image", TEXT],
      ["(index .Values.sidecars 1).image", TEXT],
    ],
    after: [undefined, `${WEB.repository}@${NEW}`],
  },
  {
    of: "one text in a folded block",
    values: "image: >-\n  harbor.example/shop/web:v1\n# end\nmode: 0755\n",
    images: [[".Values.image", TEXT]],
    after: [`${WEB.repository}@${NEW}`],
  },
  {
    of: "an anchor whose alias follows",
    values:
      "image: &web\n  repository: harbor.example/shop/web\n  tag: v1\nmigrate:\n  image: *web\nother: {image: {repository: nginx, tag: 1}}\n",
    images: [
      [".Values.image", TAG],
      [".Values.migrate.image", TAG],
      [".Values.other.image", TAG],
    ],
    at: "image",
    after: [SET, SET, undefined],
  },
  {
    of: "a merge key that brings the pull policy",
    values:
      "common: &common {pullPolicy: Always}\nimage:\n  <<: *common\n  repository: harbor.example/shop/web\n  tag: v1\njob:\n  image: {<<: *common, repository: redis, tag: 7.0}\n",
    images: [
      [".Values.image", TAG],
      [".Values.job.image", TAG],
    ],
    after: [SET, undefined],
  },
  {
    of: "a document mark, and keys that are numbers and words",
    values:
      "---\n8080: x\non: y\nimage:\n  repository: harbor.example/shop/web\n  tag: v1\ncron: 12:30:45\nbig: 12345678901234567890\n",
    images: [[".Values.image", TAG]],
    after: [SET],
  },
  {
    of: "a block text that looks like values",
    values:
      "config: |+\n  image:\n    repository: harbor.example/shop/web\n    tag: v0\n\nimage:\n  repository: harbor.example/shop/web\n  tag: v1\n",
    images: [[".Values.image", TAG]],
    after: [SET],
  },
  {
    of: "two images of one app, of which one is set",
    values:
      "web:\n  image: {repository: harbor.example/shop/web, tag: v1}\nworker:\n  image: {repository: harbor.example/shop/web-worker, tag: v1}\n",
    images: [
      [".Values.web.image", TAG],
      [".Values.worker.image", TAG],
    ],
    after: [SET, undefined],
  },
  {
    of: "no line end at the end, and a name without a host",
    values: "image:\n  repository: shop/web\n  tag: 'v1'",
    images: [[".Values.image", TAG]],
    after: [`shop/web:${"b".repeat(12)}@${NEW}`],
  },
  {
    of: "a byte order mark, and a mapping over several lines",
    values: "\ufeffimage: {\n  repository: harbor.example/shop/web, # a\n  tag: v1\n  }\nz: !!str 1\n",
    images: [[".Values.image", TAG]],
    after: [SET],
  },
];

type Rendered = { readonly images: readonly string[]; readonly values: unknown };

test("helm shows the new image after an edit of values, and nothing else changes", async (t) => {
  const helm = await helmFor(t);
  if (helm === undefined) return;
  const folder = await mkdtemp(join(tmpdir(), "gantry-values-"));
  t.after(() => rm(folder, { recursive: true }));
  for (const [index, one] of CASES.entries()) {
    const chart = join(folder, String(index));
    await writeChart(chart, one);
    const edited = setImages([{ name: "values.yaml", text: one.values }], {
      form: "helm",
      images: [{ ...WEB, ...(one.tag === undefined ? {} : { tag: one.tag }) }],
      at: one.at === undefined ? undefined : [one.at],
    });
    const before = await render(helm, chart, one.values);
    const after = await render(helm, chart, edited.files[0]?.text ?? one.values);
    assert.deepEqual(
      after.images,
      one.after.map((image, at) => image ?? before.images[at]),
      one.of,
    );
    assert.deepEqual(withoutImages(after.values), withoutImages(before.values), one.of);
  }
});

async function writeChart(chart: string, { images }: Case): Promise<void> {
  const forms = images.map(([from, form]) => `  - {{ with ${from} }}"${form}"{{ end }}`);
  const files = {
    "Chart.yaml": "apiVersion: v2\nname: demo\nversion: 0.1.0\n",
    "templates/all.yaml": `images:\n${forms.join("\n")}\nvalues: {{ .Values | toJson }}\n`,
  };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(chart, name)), { recursive: true });
    await writeFile(join(chart, name), text);
  }
}

async function render(helm: string, chart: string, values: string): Promise<Rendered> {
  await writeFile(join(chart, "values.yaml"), values);
  const { stdout } = await run(helm, ["template", "demo", chart]);
  return parse(stdout) as Rendered;
}

/** The values without what an edit of an image may change. */
function withoutImages(values: unknown): unknown {
  if (Array.isArray(values)) return values.map(withoutImages);
  if (typeof values !== "object" || values === null) return values;
  const kept = Object.entries(values).filter(([key, value]) => !(key === "image" && typeof value === "string"));
  const inner =
    "repository" in values ? kept.filter(([key]) => !["repository", "registry", "tag", "digest"].includes(key)) : kept;
  return Object.fromEntries(inner.map(([key, value]) => [key, withoutImages(value)]));
}
