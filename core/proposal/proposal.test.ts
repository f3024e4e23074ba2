// Proposals from what was found: examples of each form, and what holds whatever is found.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readApp } from "../app/read-app.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";
import { testRuns } from "../test-runs.fixture.ts";
import { decideDeployments } from "./decide-deployments.ts";
import type { Application, Deployment, FoundImages } from "./found.ts";
import { fitOf, pathOf } from "./image-fit.ts";
import { withOption } from "./proposal.ts";
import { type Looked, type Proposal, proposeApp } from "./propose-app.ts";
import type { Mention, YamlFacts } from "./yaml-facts.ts";

const names = (images: readonly string[], app = "shop") => ({ app, slug: app, project: "SHOP", images });
const mention = (repository: string, file: string, name?: string): Mention => ({
  ...{ repository, file, line: 3, place: `${file}#${repository}` },
  ...(name === undefined ? {} : { name }),
});
const manifest = (file: string, ...images: readonly string[]): YamlFacts => ({
  ...{ kind: "manifest", file, namespaces: [] },
  images: images.map((one) => mention(one, file)),
});
const kustomization = (folder: string, uses: readonly string[], entries: readonly Mention[] = []): YamlFacts => ({
  ...{ kind: "kustomization", file: `${folder}/kustomization.yaml`, folder, isComponent: false },
  ...{ uses, entries, namespace: undefined },
});
const values = (file: string, images: readonly Mention[], tags: readonly Mention[] = []): YamlFacts => ({
  ...{ kind: "values", file, chart: "chart", images, tags },
});
const found = (files: readonly YamlFacts[], images: readonly string[] = ["shop"]) =>
  decideDeployments(files, names(images)).deployments.map(({ form, path, files: own, missing }) => ({
    ...{ form, at: own.length > 0 ? own.join(" ") : path, missing: missing.join(" ") },
  }));

test("a reference fits an image by its last part, and better with the name of the app", () => {
  const fit = (repository: string, image: string, images: readonly string[]) =>
    fitOf({ repository }, image, names(images));
  assert.equal(fit("harbor.example:8443/shop/shop", "shop", ["shop"]), 1);
  assert.equal(fit("registry.example/shop/shop-api", "api", ["api", "web"]), 1);
  assert.equal(fit("registry.example/shop/api", "api", ["api", "web"]), 1);
  assert.equal(fit("registry.example/other/api", "api", ["api", "web"]), 3);
  assert.equal(fit("registry.example/other/till", "api", ["api", "web"]), undefined);
  assert.deepEqual(["h.example:5000/a/b:v1", "a/b@sha256:0", "localhost/a", "b:1"].map(pathOf), [
    "a/b",
    "a/b",
    "a",
    "b",
  ]);
});

test("overlays are deployments, and the bases that they use are none", () => {
  const files = [
    kustomization("base", ["base/shop.yaml"]),
    manifest("base/shop.yaml", "shop"),
    kustomization("prod", ["base"], [mention("h.example/shop/shop", "prod/kustomization.yaml", "shop")]),
    kustomization("test", ["base"]),
    kustomization("other", ["other/other.yaml"]),
    manifest("other/other.yaml", "h.example/shop/other"),
  ];
  assert.deepEqual(found(files), [
    { form: "kustomize", at: "prod", missing: "" },
    { form: "kustomize", at: "test", missing: "" },
  ]);
});

test("of the values of a chart, files per environment are deployments, and the common file only if there is no other", () => {
  const base = values("chart/values.yaml", [mention("h.example/shop/shop", "chart/values.yaml")]);
  const tagged = { ...mention("", "chart/values-prod.yaml"), place: "chart/values.yaml#h.example/shop/shop" };
  assert.deepEqual(found([base]), [{ form: "helm", at: "chart/values.yaml", missing: "" }]);
  assert.deepEqual(found([base, values("chart/values-prod.yaml", [], [tagged])]), [
    { form: "helm", at: "chart/values-prod.yaml", missing: "" },
  ]);
});

test("manifests are put together in the folder that has all images of the app", () => {
  const each = (env: string) => [
    manifest(`${env}/api/api.yaml`, "shop-api"),
    manifest(`${env}/web/web.yaml`, "shop-web"),
  ];
  assert.deepEqual(found([...each("prod"), ...each("test")], ["api", "web"]), [
    { form: "plain", at: "prod/api/api.yaml prod/web/web.yaml", missing: "" },
    { form: "plain", at: "test/api/api.yaml test/web/web.yaml", missing: "" },
  ]);
  assert.deepEqual(found([manifest("prod/api.yaml", "shop-api")], ["api", "web"]), [
    { form: "plain", at: "prod/api.yaml", missing: "web" },
  ]);
});

test("an image of another app with the same name counts only where the app has no better one", () => {
  const files = [manifest("shop/all.yaml", "h.example/shop/api"), manifest("till/all.yaml", "h.example/till/api")];
  assert.deepEqual(
    found(files, ["api", "web"]).map(({ at }) => at),
    ["shop/all.yaml"],
  );
});

const oneDeployment = (more: Partial<Deployment> = {}): Deployment => ({
  ...{ form: "kustomize", path: "run", files: [], missing: [], unclear: [] },
  images: [
    { image: "shop", repository: "shop/shop", file: "run/kustomization.yaml", line: 3, place: "images[name=shop]" },
  ],
  ...more,
});
const oneApplication = (more: Partial<Application> = {}): Application => ({
  ...{ name: "shop-live", project: "shop", severalSources: false, autoSync: true },
  sources: [{ path: "run", targetRevision: "HEAD", valueFiles: [] }],
  ...{ cluster: "seoul-dp", namespace: "shop" },
  ...more,
});
const lookedAt = (
  deployments: readonly Deployment[],
  applications: readonly Application[],
  more: Partial<Looked> = {},
): Looked => ({
  request: {
    ...{ name: "shop", site: "seoul", source: { system: "git", project: "SHOP", slug: "shop" } },
    yaml: { system: "git", project: "SHOP", slug: "deploy" },
  },
  ...{ buildSites: [], environments: [], branches: { source: "main", yaml: "main", isGiven: false } },
  images: {
    ...{ folder: ".", folderFrom: "", leftOut: [], isCut: false },
    images: [{ name: "shop", context: ".", dockerfile: "Dockerfile", file: "Dockerfile", isGuess: false }],
  },
  yaml: { deployments: [...deployments], others: [], problems: [], isCut: false },
  sites: [{ site: "seoul", applications: [...applications], clusters: ["in-cluster", "seoul-dp"] }],
  ...{ unasked: [], ...more },
});

test("environments that are branches are targets with a branch", () => {
  const on = (name: string, branch: string) =>
    oneApplication({ name, namespace: name, sources: [{ path: "./run/", targetRevision: branch, valueFiles: [] }] });
  const { app } = proposeApp(lookedAt([oneDeployment()], [on("shop-test", "test"), on("shop-prod", "main")]));
  assert.deepEqual(
    listAt(app.targets).map(({ application, branch, overlay }) => [application, branch, overlay]),
    [
      ["shop-test", "test", "run"],
      ["shop-prod", undefined, "run"],
    ],
  );
});

test("a chart is deployed by the application that names its value file, also in another source", () => {
  const chart = (file: string) => oneDeployment({ form: "helm", path: "chart", files: [file] });
  const deployments = [chart("chart/values-prod.yaml"), chart("envs/test.yaml")];
  const withFiles = (name: string, ...valueFiles: readonly string[]) =>
    oneApplication({ name, namespace: name, sources: [{ path: "chart", valueFiles: [...valueFiles] }] });
  const { app } = proposeApp(
    lookedAt(deployments, [
      withFiles("prod", "values.yaml", "values-prod.yaml"),
      withFiles("test", "$values/envs/test.yaml"),
    ]),
  );
  assert.deepEqual(
    listAt(app.targets).map(({ application, files, path: at, environment }) => [application, files, at, environment]),
    [
      ["prod", ["chart/values-prod.yaml"], undefined, "prod"],
      ["test", ["envs/test.yaml"], "chart", "test"],
    ],
  );
});

test("an image that the files call by another name alone gets that name, which CD looks for", () => {
  const entry = { file: "run/kustomization.yaml", line: 3, place: "images[0]" };
  const images = [
    { image: "api", repository: "shop-api", ...entry },
    { image: "web", repository: "shop/shop-web", ...entry },
  ];
  const built = ["api", "web"].map((name) => ({
    ...{ name, context: name, dockerfile: "Dockerfile", file: `${name}/Dockerfile`, isGuess: false },
  }));
  const looked = lookedAt([oneDeployment({ images })], []);
  const { app, found: notes } = proposeApp({ ...looked, images: { ...looked.images, images: built } });
  assert.deepEqual(
    listAt(app.images).map(({ name, repository }) => [name, repository]),
    [
      ["shop-api", undefined],
      ["web", "shop/shop-web"],
    ],
  );
  assert.deepEqual(
    notes.filter(({ pointer }) => pointer === "/images/0/name"),
    [{ pointer: "/images/0/name", from: "the files call it so", file: "run/kustomization.yaml", line: 3 }],
  );
});

test("of several sites that could build an app, one where it runs is proposed", () => {
  const elsewhere = lookedAt([oneDeployment()], [oneApplication()], { buildSites: ["busan", "seoul"] });
  const { app, open } = proposeApp({ ...elsewhere, request: { ...elsewhere.request, site: "busan" } });
  assert.deepEqual(app.build, { site: "seoul" });
  assert.deepEqual(
    open.map(({ pointer, options }) => [pointer, options]),
    [["/build/site", ["seoul", "busan"]]],
  );
});

test("an application of another app is not proposed, and neither is a second one where it deploys", () => {
  const [deployment] = decideDeployments(
    [manifest("run/shop.yaml", "h.example/shop/shop")],
    names(["shop"]),
  ).deployments;
  assert.ok(deployment);
  const both = [oneApplication(), oneApplication({ name: "ink-live", namespace: "ink" })];
  const look = (applications: readonly Application[]) => {
    const looked = lookedAt([deployment], applications);
    return proposeApp({ ...looked, sites: looked.sites.map((one) => ({ ...one, ofOthers: ["ink-live"] })) });
  };
  const beside = look(both);
  assert.deepEqual(
    targetsOf(beside).map(({ application }) => application),
    ["shop-live"],
  );
  assert.deepEqual(beside.warnings, [
    "The Argo CD application ink-live at seoul, which belongs to another app, deploys run/shop.yaml, too.",
  ]);
  const alone = look(both.slice(1));
  assert.deepEqual(targetsOf(alone), []);
  assert.deepEqual(
    alone.open.map(({ kind, pointer }) => `${kind} ${pointer}`),
    ["missing /targets"],
  );
});

test("another context of an image is offered with the Dockerfile below it", () => {
  const looked = lookedAt([], []);
  const image = {
    name: "api",
    context: ".",
    dockerfile: "api/Dockerfile",
    file: "services/api/Dockerfile",
    isGuess: true,
  };
  const proposal = proposeApp({ ...looked, images: { ...looked.images, folder: "services", images: [image] } });
  const open = proposal.open.find(({ pointer }) => pointer === "/images/0");
  assert.deepEqual(open?.options, [
    { context: ".", dockerfile: "api/Dockerfile" },
    { context: "api", dockerfile: "Dockerfile" },
  ]);
});

test("what CD could not do with an application, and what could not be asked, is a warning", () => {
  const several = oneApplication({ severalSources: true });
  const unasked = [{ site: "tokyo", problem: "It does not answer." }];
  const { warnings, open } = proposeApp(
    lookedAt([oneDeployment({ form: "plain", files: ["run/a.yaml"], missing: ["web"] })], [several], { unasked }),
  );
  assert.match(warnings.join("\n"), /run\/a\.yaml does not name the image web: CD would end with an error/);
  assert.match(warnings.join("\n"), /shop-live at seoul has several sources, which CD refuses/);
  assert.match(warnings.join("\n"), /The Argo CD of tokyo could not be asked for applications: It does not answer\./);
  assert.deepEqual(open, []);
});

test("a kustomization that does not name an image gets an entry that nothing uses, and the warning says so", () => {
  const { warnings } = proposeApp(lookedAt([oneDeployment({ form: "kustomize", missing: ["web"] })], []));
  const [warning = ""] = warnings.filter((one) => one.includes("does not name the image web"));
  assert.match(warning, /CD adds an entry only if a base uses it/);
  assert.match(warning, /can be an app of its own/);
  assert.doesNotMatch(warning, /error/);
});

test("a cluster that Argo CD does not name is missing, and one of several is unclear", () => {
  const nameless = oneApplication({ cluster: undefined, server: "https://elsewhere.example" });
  const [missing] = proposeApp(lookedAt([oneDeployment()], [nameless])).open;
  assert.deepEqual([missing?.kind, missing?.pointer], ["missing", "/targets/0/cluster"]);
  const sites = [{ site: "seoul", applications: [], clusters: ["b", "a", "in-cluster"] }];
  const { app, open } = proposeApp(lookedAt([oneDeployment()], [], { sites }));
  assert.deepEqual(listAt(app.targets)[0]?.cluster, "a");
  const [unclear] = open;
  assert.ok(unclear);
  assert.deepEqual(listAt(withOption(app, unclear, unclear.options[1] ?? "").targets)[0]?.cluster, "b");
});

// What holds whatever is found.

const word = fc.constantFrom("shop", "api", "web", "seoul", "prod", "base", "values", "x", "seoul-dp");
const path = fc.array(word, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const reference = fc.constantFrom("shop", "h.example/shop/shop", "h.example/other/api", "Shop/UPPER", "shop-web");
const someMention = (file: string) =>
  reference.map((repository): Mention => ({ repository, file, line: 1, place: repository, name: repository }));
const someFile: fc.Arbitrary<YamlFacts> = fc.oneof(
  path.chain((folder) =>
    fc.record({
      ...{ kind: fc.constant("kustomization" as const), file: fc.constant(`${folder}/kustomization.yaml`) },
      ...{ folder: fc.constant(folder), isComponent: fc.boolean(), uses: fc.array(path, { maxLength: 3 }) },
      entries: fc.array(someMention(`${folder}/kustomization.yaml`), { maxLength: 3 }),
      namespace: fc.option(fc.constantFrom("shop", "Not A Name"), { nil: undefined }),
    }),
  ),
  path.chain((file) =>
    fc.record({
      ...{ kind: fc.constant("manifest" as const), file: fc.constant(`${file}.yaml`) },
      images: fc.array(someMention(`${file}.yaml`), { maxLength: 3 }),
      namespaces: fc.array(word, { maxLength: 2 }),
    }),
  ),
  path.chain((file) =>
    fc.record({
      ...{ kind: fc.constant("values" as const), file: fc.constant(`${file}.yaml`) },
      chart: fc.option(fc.constant("shop"), { nil: undefined }),
      ...{ images: fc.array(someMention(`${file}.yaml`), { maxLength: 3 }), tags: fc.constant([]) },
    }),
  ),
  path.chain((file) =>
    fc.record({
      ...{ kind: fc.constant("application" as const), file: fc.constant(`${file}.yaml`) },
      images: fc.array(someMention(`${file}.yaml`), { maxLength: 3 }),
      is: fc.record({
        name: word,
        cluster: fc.option(word, { nil: undefined }),
        namespace: fc.option(word, { nil: undefined }),
      }),
    }),
  ),
);
const someImages: fc.Arbitrary<FoundImages> = fc
  .uniqueArray(fc.constantFrom("shop", "api", "web"), { maxLength: 3 })
  .map((all) => ({
    ...{ folder: ".", folderFrom: "", leftOut: [], isCut: false },
    images: all.map((name) => ({
      name,
      context: name,
      dockerfile: "Dockerfile",
      file: `${name}/Dockerfile`,
      isGuess: false,
    })),
  }));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const someApplication: fc.Arbitrary<Application> = fc.record({
  ...{ name: fc.constantFrom("a", "b", "shop", "shop-seoul-dp"), project: fc.constantFrom("shop", "p") },
  sources: fc.array(
    fc.record({
      path: maybe(path),
      targetRevision: maybe(fc.constantFrom("HEAD", "main", "prod")),
      valueFiles: fc.array(path, { maxLength: 1 }),
    }),
    { minLength: 1, maxLength: 2 },
  ),
  ...{ severalSources: fc.boolean(), autoSync: fc.boolean() },
  ...{
    cluster: maybe(fc.constantFrom("seoul-dp", "x")),
    server: maybe(fc.constant("https://x")),
    namespace: maybe(word),
  },
});
const someLook: fc.Arbitrary<Looked> = fc
  .record({
    files: fc.array(someFile, { maxLength: 8 }),
    images: someImages,
    sites: fc.uniqueArray(
      fc.record({
        site: fc.constantFrom("seoul", "tokyo"),
        applications: fc.uniqueArray(someApplication, { maxLength: 4, selector: ({ name }) => name }),
        clusters: fc.uniqueArray(fc.constantFrom("seoul-dp", "tokyo-dp", "in-cluster", "x"), { maxLength: 3 }),
      }),
      { maxLength: 2, selector: ({ site }) => site },
    ),
  })
  .map(({ files, images, sites }) => {
    const called = images.images.length > 0 ? images.images.map(({ name }) => name) : ["shop"];
    const unique = [...new Map(files.map((one) => [one.file, one])).values()];
    return {
      request: {
        ...{ name: "shop", site: "seoul", source: { system: "git", project: "SHOP", slug: "shop" } },
        yaml: { system: "git", project: "SHOP", slug: "deploy" },
      },
      ...{
        buildSites: ["seoul", "tokyo"],
        environments: [],
        branches: { source: "main", yaml: "main", isGiven: false },
      },
      ...{ images, sites, unasked: [], yaml: { ...decideDeployments(unique, names(called)), problems: [] } },
    };
  });

const targetsOf = ({ app }: Proposal): readonly JsonObject[] => listAt(app.targets);
const listAt = (value: JsonValue | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? (value as readonly JsonValue[]).filter(isJsonObject) : [];

test("a proposal without anything missing or unclear can be adopted", () => {
  fc.assert(
    fc.property(someLook, (looked) => {
      const proposal = proposeApp(looked);
      const isDecided = proposal.open.every(({ kind, pointer }) => kind === "optional" || pointer === "/build/site");
      if (!isDecided) return;
      const read = readApp("shop", proposal.app);
      assert.ok(read.ok, JSON.stringify([proposal.app, read]));
    }),
    { numRuns: testRuns(1_200) },
  );
});

test("no target is proposed twice, and none beside an application that deploys the same there", () => {
  fc.assert(
    fc.property(someLook, (looked) => {
      const targets = targetsOf(proposeApp(looked));
      const named = targets.flatMap(({ site, application }) =>
        application === undefined ? [] : [`${site} ${application}`],
      );
      const labels = targets.map(({ name }) => name);
      assert.equal(new Set(labels).size, labels.length);
      for (const target of targets.filter(({ application }) => application === undefined)) {
        const rival = overlayOf(target, looked);
        assert.equal(rival, undefined, JSON.stringify([target, rival, named]));
      }
    }),
    { numRuns: testRuns(1_200) },
  );
});

/** An application of the site over the folder of a kustomize or plain target. */
function overlayOf(target: JsonObject, { sites, yaml }: Looked): Application | undefined {
  const deployment = yaml.deployments.find(
    (one: Deployment) =>
      one.path === (target.overlay ?? target.path) && (one.form === "kustomize" || one.form === "plain"),
  );
  if (!deployment) return undefined;
  return sites
    .flatMap(({ applications }) => applications)
    .find(({ sources }) => sources.some((one) => one.path === deployment.path));
}

test("every value that is told to be found, and every place to decide, is in the app or can be put there", () => {
  fc.assert(
    fc.property(someLook, (looked) => {
      const { app, found: told, open } = proposeApp(looked);
      for (const { pointer } of told) assert.notEqual(valueAt(app, pointer), undefined, pointer);
      for (const one of open.filter(({ kind }) => kind !== "missing"))
        for (const option of one.options) {
          const changed = withOption(app, one, option);
          assert.ok(isJsonObject(changed));
          const at = valueAt(changed, one.pointer.replace(/-$/, String(listAt(app.targets).length)));
          assert.ok(at !== undefined, one.pointer);
        }
    }),
    { numRuns: testRuns(1_200) },
  );
});

function valueAt(value: JsonValue, pointer: string): JsonValue | undefined {
  let at: JsonValue | undefined = value;
  for (const part of pointer.split("/").slice(1))
    at = Array.isArray(at) ? (at as readonly JsonValue[])[Number(part)] : isJsonObject(at) ? at[part] : undefined;
  return at;
}
