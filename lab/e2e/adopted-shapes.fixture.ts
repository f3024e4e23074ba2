// Repositories of several shapes, each with its app: what CI and CD have to do with them, and what they must leave alone.

import assert from "node:assert/strict";
import type { AppInput } from "@gantry/core/app/app-shape.ts";
import type { Build } from "@gantry/core/build/build.ts";
import { BASE, type Field, type Files } from "./adopted.fixture.ts";

export type Shape = {
  readonly title: string;
  readonly name: string;
  readonly source: Files;
  readonly yaml: Files;
  readonly app: AppInput;
  /** The names of the images, and where the files have them: `$image` stands for what CD writes. */
  readonly after: (image: (name: string, site: string) => string) => Files;
  /** A change of the targets, and the files of the yaml repository that it needs. */
  readonly move: { readonly patch: object; readonly targets: readonly string[]; readonly files?: Files };
  /** Names of the Argo CD applications by site: after CD, and after the change. */
  readonly applications: { readonly seoul: readonly string[]; readonly tokyo: readonly string[] };
  readonly before?: (field: Field) => Promise<void>;
};

export const repository = (slug: string) => ({ system: "bitbucket", project: "APPS", slug });

export const deployment = (
  name: string,
  image: string,
  more = "",
): string => `# Owned by the team ${name}. Do not reformat!
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}   # one line, on purpose
spec:
    replicas: 1
    selector: {matchLabels: {app: ${name}}}
    template:
        metadata: {labels: {app: ${name}}}
        spec:
            containers:
            -   name: ${name}
                image: ${image}   # set by CD
${more}`;

const CHART = "apiVersion: v2\nname: ledger\nversion: 0.1.0\n";
const ledgerValues = (site: string, image: string): string =>
  `# ${site}\nimage:\n  repository: ${image}\n  tag: "1"   # CD sets this\nreplicas: 2\n`;

const mavenWithHelm: Shape = {
  title: "a Maven service with Helm values",
  name: "ledger",
  source: {
    // Of this packaging, Maven downloads nothing.
    "pom.xml":
      '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>g</groupId><artifactId>ledger</artifactId><version>1</version><packaging>pom</packaging></project>\n',
    Dockerfile: `${BASE}COPY pom.xml /srv/pom.xml\n`,
  },
  yaml: {
    "ledger/Chart.yaml": CHART,
    "ledger/values.yaml": "replicas: 1\nimage: {repository: none, tag: none}\n",
    "ledger/templates/deployment.yaml": deployment(
      "ledger",
      '"{{ .Values.image.repository }}:{{ .Values.image.tag }}"',
    ),
    "ledger/values-seoul.yaml": ledgerValues("Seoul", "registry.example/apps/ledger"),
    "ledger/values-tokyo.yaml": ledgerValues("Tokyo", "registry.example/apps/ledger"),
  },
  app: {
    title: "Ledger",
    source: repository("ledger"),
    build: { site: "seoul" },
    yaml: { ...repository("ledger-charts"), form: "helm" },
    targets: [{ name: "seoul", site: "seoul", cluster: "seoul-dp", files: ["ledger/values-seoul.yaml"] }],
  },
  after: (image) => {
    const [repositoryOf = "", digest = ""] = image("ledger", "seoul").split("@");
    const tag = `${digest.slice("sha256:".length).slice(0, 12)}@${digest}`;
    const text = ledgerValues("Seoul", repositoryOf).replace('"1"', `"${tag}"`);
    return { "ledger/values-seoul.yaml": text };
  },
  move: {
    patch: {
      targets: [
        { name: "seoul", site: "seoul", cluster: "seoul-dp", files: ["ledger/values-seoul.yaml"] },
        { name: "tokyo", site: "tokyo", cluster: "tokyo-dp", files: ["ledger/values-tokyo.yaml"] },
      ],
    },
    targets: ["seoul", "tokyo"],
  },
  applications: { seoul: ["ledger-seoul-dp"], tokyo: ["ledger-tokyo-dp"] },
};

const goImage = (name: string) => ({
  name,
  repository: `apps/tills-${name}`,
  context: name,
  dockerfile: "Dockerfile",
});
const GO = "package main\n\nfunc main() {}\n";
const overlay = (images: readonly string[]): string =>
  `# The till of the shop\nresources: [../../base]\nnamespace: tills\nimages:\n${images.join("")}# end\n`;
const goTarget = { name: "seoul", site: "seoul", cluster: "seoul-dp", overlay: "tills/seoul" };

const goMonorepo: Shape = {
  title: "a Go monorepo with two images, and a kustomize repository shared with another app",
  name: "tills",
  source: {
    "services/go.mod": "module example.com/tills\n\ngo 1.21\n",
    "services/api/main.go": GO,
    "services/api/Dockerfile": `${BASE}COPY main.go /srv/main.go\n`,
    "services/worker/main.go": GO,
    "services/worker/Dockerfile": `${BASE}COPY main.go /srv/main.go\n`,
  },
  yaml: {
    "base/kustomization.yaml": "resources: [api.yaml, worker.yaml]\n",
    "base/api.yaml": deployment("api", "tills-api"),
    "base/worker.yaml": deployment("worker", "tills-worker"),
    "tills/seoul/kustomization.yaml": overlay([
      "- {name: tills-api, newName: registry.example/apps/tills-api, newTag: v1}   # api\n",
      "- name: tills-worker   # worker\n  newName: registry.example/apps/tills-worker\n  newTag: v1\n",
    ]),
    "other/seoul/kustomization.yaml":
      "resources: [other.yaml]\nimages:\n- {name: other, newName: registry.example/apps/other, newTag: v9}\n",
    "other/seoul/other.yaml": deployment("other", "other"),
  },
  app: {
    title: "Tills",
    source: { ...repository("tills"), folder: "services" },
    build: { site: "seoul" },
    images: [goImage("api"), goImage("worker")],
    yaml: { ...repository("shop-yaml"), form: "kustomize" },
    targets: [goTarget],
  },
  after: (image) => {
    const [api = "", apiDigest = ""] = image("api", "seoul").split("@");
    const [worker = "", workerDigest = ""] = image("worker", "seoul").split("@");
    return {
      "tills/seoul/kustomization.yaml": overlay([
        `- {name: tills-api, newName: "${api}", digest: "${apiDigest}"}   # api\n`,
        `- name: tills-worker   # worker\n  newName: ${worker}\n  digest: ${workerDigest}\n`,
      ]),
    };
  },
  move: {
    patch: {
      targets: [goTarget, { ...goTarget, name: "tokyo", site: "tokyo", cluster: "tokyo-dp", overlay: "tills/tokyo" }],
    },
    targets: ["seoul", "tokyo"],
    files: {
      "tills/tokyo/kustomization.yaml": overlay([
        "- {name: tills-api, newName: registry.example/apps/tills-api, newTag: v1}\n",
        "- {name: tills-worker, newName: registry.example/apps/tills-worker, newTag: v1}\n",
      ]),
    },
  },
  applications: { seoul: ["tills-seoul-dp"], tokyo: ["tills-tokyo-dp"] },
};

const SERVICE =
  "---\n# The address of the mailer\napiVersion: v1\nkind: Service\nmetadata:\n  name: mailer\nspec:\n  ports: [{port: 80}]\n";
const pythonPlain: Shape = {
  title: "Python with a Dockerfile alone, and plain manifests",
  name: "mailer",
  source: { "app.py": 'print("hi")\n', Dockerfile: `${BASE}COPY app.py /srv/app.py\n` },
  yaml: {
    "mailer/mailer.yaml": deployment("mailer", "registry.example/apps/mailer:1", SERVICE),
    "live/mailer.yaml": deployment("mailer", "registry.example/apps/mailer:1"),
  },
  app: {
    title: "Mailer",
    source: repository("mailer"),
    build: { site: "seoul" },
    yaml: { ...repository("mailer-manifests"), form: "plain" },
    targets: [{ name: "seoul", site: "seoul", cluster: "seoul-dp", files: ["mailer/mailer.yaml"] }],
  },
  after: (image) => ({ "mailer/mailer.yaml": deployment("mailer", image("mailer", "seoul"), SERVICE) }),
  move: {
    // The manifests move to another folder: the same application follows.
    patch: { targets: [{ name: "seoul", site: "seoul", cluster: "seoul-dp", files: ["live/mailer.yaml"] }] },
    targets: ["seoul"],
  },
  applications: { seoul: ["mailer-seoul-dp"], tokyo: [] },
};

const nodeTarget = {
  name: "seoul",
  site: "seoul",
  cluster: "seoul-dp",
  overlay: "live",
  namespace: "storefront",
  application: "storefront-live",
};
const storefront = (image: string): string =>
  `# live\nresources:\n  - web.yaml\nimages:\n  - name: web # the shop\n${image}`;
const nodeWithApplication: Shape = {
  title: "a Node app whose Argo CD application exists already with auto-sync",
  name: "storefront",
  source: {
    "package.json": '{"name":"storefront","version":"1.0.0","private":true,"scripts":{"test":"true"}}\n',
    Dockerfile: `${BASE}COPY package.json /srv/package.json\n`,
  },
  yaml: {
    "live/kustomization.yaml": storefront("    newName: registry.example/apps/storefront\n    newTag: '1'\n"),
    "live/web.yaml": deployment("web", "web"),
    "next/kustomization.yaml": storefront("    newName: registry.example/apps/storefront\n    newTag: '1'\n"),
    "next/web.yaml": deployment("web", "web"),
  },
  app: {
    title: "Storefront",
    source: repository("storefront"),
    build: { site: "seoul" },
    yaml: { ...repository("storefront-yaml"), form: "kustomize" },
    targets: [nodeTarget],
  },
  after: (image) => {
    const [name = "", digest = ""] = image("storefront", "seoul").split("@");
    return { "live/kustomization.yaml": storefront(`    newName: ${name}\n    digest: ${digest}\n`) };
  },
  move: {
    patch: {
      targets: [
        nodeTarget,
        { ...nodeTarget, name: "next", overlay: "next", application: "storefront-next", namespace: "storefront" },
      ],
    },
    targets: ["seoul", "next"],
  },
  applications: { seoul: ["storefront-live", "storefront-next"], tokyo: [] },
  before: (field) =>
    field.argo("seoul").makeApp("storefront-live", "storefront", {
      source: { repoURL: field.cloneUrl("storefront-yaml"), path: "live", targetRevision: "HEAD" },
      destination: { server: "https://seoul-dp.lab.invalid", namespace: "storefront" },
      syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ["CreateNamespace=true"] },
    }),
};

export const SHAPES: readonly Shape[] = [mavenWithHelm, goMonorepo, pythonPlain, nodeWithApplication];

/** The whole life of an adopted app: as a person would expect it, with nothing duplicated and every comment kept. */
export async function liveWith(field: Field, shape: Shape): Promise<void> {
  const { name, app } = shape;
  const yaml = app.yaml.slug;
  await field.makeRepository(name, shape.source);
  await field.makeRepository(yaml, shape.yaml);
  await shape.before?.(field);
  await field.adopt(name, app);
  assert.deepEqual(await field.contents(yaml), { files: shape.yaml, commits: 1 }, "adopting writes nothing");

  const expected = (build: Build): Files => {
    const image = (wanted: string): string => {
      const found = build.images.find((one) => one.name === wanted);
      return `${found?.image}@${found?.digest}`;
    };
    return { ...shape.yaml, ...shape.after(image) };
  };
  const first = await field.ci(name);
  await field.cd(name);
  assert.deepEqual(await field.contents(yaml), { files: expected(first), commits: 2 });
  assert.deepEqual(await applicationsOf(field, app), [shape.applications.seoul.slice(0, 1), []]);

  await field.push(name, { NOTICE: "a new version\n", ...changedBy(shape) });
  const second = await field.ci(name);
  assert.notDeepEqual(second.images, first.images, "the images changed");
  await field.cd(name);
  assert.deepEqual(await field.contents(yaml), { files: expected(second), commits: 3 });
  assert.deepEqual(await applicationsOf(field, app), [shape.applications.seoul.slice(0, 1), []]);

  if (shape.move.files) await field.push(yaml, shape.move.files);
  await field.change(name, shape.move.patch);
  await field.cd(name);
  const moved = await field.contents(yaml);
  for (const site of ["seoul", "tokyo"]) await field.argo(site).writes();
  await field.cd(name);
  assert.deepEqual(await field.contents(yaml), moved, "a repeated CD commits nothing");
  for (const site of ["seoul", "tokyo"])
    assert.deepEqual(await field.argo(site).writes(), [], `a repeated CD changes nothing in Argo CD at ${site}`);
  const stored = (await field.argo("seoul").registered())[field.cloneUrl(yaml)] ?? {};
  assert.deepEqual([stored.username, stored.password], [field.reader?.username, field.reader?.secret]);
  assert.equal(await field.pushAnswer(yaml, stored), 403, "what Argo CD stores may not push");
  const { seoul, tokyo } = shape.applications;
  assert.deepEqual(await applicationsOf(field, app), [seoul, tokyo]);
  for (const site of ["seoul", "tokyo"])
    for (const one of await field.argo(site).apps(projectOf(shape)))
      for (const { digest } of second.images)
        assert.ok(
          one.status.summary?.images?.some((image) => image.endsWith(digest)),
          `${one.metadata.name} runs ${JSON.stringify(one.status.summary)}`,
        );

  await field.forget(name);
  assert.deepEqual(await field.contents(yaml), moved);
  assert.deepEqual(await applicationsOf(field, app), [seoul, tokyo], "forgetting changes nothing outside");
}

/** Each image gets another layer. */
function changedBy({ source }: Shape): Files {
  const copied = Object.entries(source).filter(([path]) => /(?:main\.go|app\.py|pom\.xml|package\.json)$/.test(path));
  return Object.fromEntries(copied.map(([path, text]) => [path, `${text}\n`]));
}

function projectOf({ name, app }: Shape): string {
  return app.argocd?.project ?? name;
}

async function applicationsOf(field: Field, app: AppInput): Promise<readonly (readonly string[])[]> {
  const project = app.argocd?.project ?? app.source.slug;
  return Promise.all(
    ["seoul", "tokyo"].map(async (site) =>
      (await field.argo(site).apps(project)).map(({ metadata }) => metadata.name).toSorted(),
    ),
  );
}
