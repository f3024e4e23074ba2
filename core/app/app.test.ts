import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../json.ts";
import { appInput } from "./app.fixture.ts";
import { completeRecord, fieldsOf, recordOf, renamedRecord } from "./app-record.ts";
import { type AppFields, appShape } from "./app-shape.ts";
import { applyPatch, isEqual, patchBetween } from "./merge-patch.ts";
import { placesOf } from "./places.ts";
import { readApp, siteProblems } from "./read-app.ts";
import { readAppsFile } from "./read-apps-file.ts";

const fields = (changes = {}): AppFields => appShape.parse(appInput(changes));

/** What create-app wrote before apps could be adopted. */
const CREATED: JsonObject = {
  title: "Orders",
  source: {
    system: "bitbucket",
    project: "APPS",
    slug: "orders",
    url: "http://git/o",
    cloneUrl: "http://git/o.git",
    branch: "main",
  },
  yaml: {
    system: "bitbucket",
    project: "APPS",
    slug: "orders-deploy",
    url: "http://git/d",
    cloneUrl: "http://git/d.git",
    branch: "main",
  },
  jira: { key: "ORD", url: "http://jira/ORD" },
  build: { site: "seoul" },
  harbor: { project: "apps" },
  image: { name: "orders", repository: "apps/orders" },
  namespace: "orders",
  targets: [{ name: "seoul", site: "seoul", cluster: "seoul-dp", overlay: "overlays/seoul-dp" }],
};

test("an adopted app has the record that create-app would have written, and pipelines go on reading it", () => {
  const record = recordOf("orders", fields());
  assert.deepEqual(record.image, CREATED.image);
  assert.deepEqual(record.harbor, CREATED.harbor);
  assert.deepEqual(record.build, CREATED.build);
  assert.deepEqual(record.targets, CREATED.targets);
  assert.equal(record.namespace, "orders");
});

test("a record of create-app is read as an app, and changing one field keeps the rest", () => {
  const before = { ...CREATED, own: { kept: true } };
  const read = readApp("orders", applyPatch(fieldsOf(before), { title: "Order service" }));
  assert.ok(read.ok);
  const after = recordOf("orders", read.fields, before);
  assert.deepEqual(after.jira, CREATED.jira);
  assert.deepEqual(after.own, { kept: true });
  assert.deepEqual(after.image, CREATED.image);
  assert.equal(after.title, "Order service");
  assert.ok(isEqual(after, recordOf("orders", appShape.parse(fieldsOf(after)), after)));
});

test("pipelines see every field, also of a record that an older version stored", () => {
  const complete = completeRecord("orders", CREATED);
  assert.deepEqual(complete.targets, [
    {
      namespace: "orders",
      path: "overlays/seoul-dp",
      name: "seoul",
      site: "seoul",
      cluster: "seoul-dp",
      overlay: "overlays/seoul-dp",
    },
  ]);
  assert.equal((complete.yaml as JsonObject).form, "kustomize");
  assert.deepEqual(complete.images, [{ name: "orders", repository: "apps/orders" }]);
});

test("after a rename the names in other systems are the old ones", () => {
  const complete = completeRecord("shop", renamedRecord("orders", CREATED));
  assert.deepEqual([complete.argocd, complete.sonarqube], [{ project: "orders" }, { project: "orders" }]);
  assert.deepEqual(placesOf("shop", renamedRecord("orders", CREATED)), placesOf("orders", CREATED));
});

test("a place is the same, however its path is written", () => {
  const keys = (target: object): readonly string[] => {
    const { source, build, yaml } = appInput();
    const one = { name: "a", site: "seoul", cluster: "c", namespace: "n", application: "x", ...target };
    return placesOf("orders", JSON.parse(JSON.stringify({ source, build, yaml, targets: [one] }))).map(
      ({ key }) => key,
    );
  };
  for (const overlay of ["./orders/prod", "orders/./prod", "orders/prod/.", "././orders/prod/", "orders/prod/./"])
    assert.deepEqual(keys({ overlay }), keys({ overlay: "orders/prod" }), overlay);
  assert.deepEqual(keys({ overlay: "./" }), keys({ overlay: "." }));
  assert.notDeepEqual(keys({ overlay: "orders" }), keys({ overlay: "orders/prod" }));
  for (const files of [
    ["b.yaml", "./a.yaml"],
    ["a.yaml", "./b.yaml", "a.yaml"],
  ])
    assert.deepEqual(keys({ files }), keys({ files: ["a.yaml", "b.yaml"] }), files.join());
});

test("mistakes have their place, and unknown keys are refused", () => {
  const wrong = {
    ...appInput(),
    titel: "x",
    yaml: { system: "bitbucket", project: "APPS", slug: "d", form: "kustomise" },
    targets: [{ name: "seoul", site: "Seoul", cluster: "c", overlay: "../outside" }],
  };
  const read = readApp("orders", wrong);
  assert.ok(!read.ok);
  const found = read.problems.map(({ path, detail }) => `${path.join(".")}: ${detail}`);
  assert.match(found.join("\n"), /titel: unknown key titel \(did you mean title\?\)/);
  assert.match(found.join("\n"), /yaml\.form: .*did you mean kustomize\?/);
  assert.match(found.join("\n"), /targets\.0\.site: site must have/);
  assert.match(found.join("\n"), /targets\.0\.overlay: overlay must be a path inside the repository/);
});

test("the fields of a target fit the form of the yaml", () => {
  const helm = { system: "bitbucket", project: "APPS", slug: "d", form: "helm" as const };
  const target = { name: "seoul", site: "seoul", cluster: "c" };
  const missing = readApp("orders", appInput({ yaml: helm, targets: [{ ...target, overlay: "x" }] }));
  assert.ok(!missing.ok);
  assert.deepEqual(
    missing.problems.map(({ path }) => path.join(".")),
    ["targets.0.files", "targets.0.overlay"],
  );
  const fits = readApp(
    "orders",
    appInput({ yaml: helm, targets: [{ ...target, files: ["prod/values.yaml"], at: "image" }] }),
  );
  assert.ok(fits.ok);
  const [one] = completeRecord("orders", recordOf("orders", fits.fields)).targets as readonly JsonObject[];
  assert.equal(one?.path, "prod");
  const argocd = { ...helm, form: "argocd" as const };
  const nameless = readApp("orders", appInput({ yaml: argocd, targets: [{ ...target, files: ["apps"] }] }));
  assert.ok(!nameless.ok);
  assert.deepEqual(
    nameless.problems.map(({ path }) => path.join(".")),
    ["targets.0.application"],
  );
});

test("two targets of an app cannot be the same place", () => {
  const target = { site: "seoul", cluster: "seoul-dp", overlay: "overlays/seoul-dp" };
  const read = readApp(
    "orders",
    appInput({
      targets: [
        { ...target, name: "a" },
        { ...target, name: "b" },
      ],
    }),
  );
  assert.ok(!read.ok);
  assert.equal(read.problems.length, 2);
});

test("a site that no runner serves is not known", () => {
  const [problem] = siteProblems(fields({ build: { site: "seul" } }), { sites: ["seoul", "tokyo"] });
  assert.match(problem?.detail ?? "", /there is no site seul \(did you mean seoul\?\); known sites: seoul, tokyo/);
});

test("the patch between two apps makes one of the other", () => {
  const from = { title: "a", source: { branch: "main", folder: "x" }, team: "t" };
  const to = { title: "b", source: { branch: "main" }, labels: { a: "b" } };
  const patch = patchBetween(from, to);
  assert.deepEqual(patch, { title: "b", source: { folder: null }, labels: { a: "b" }, team: null });
  assert.ok(isEqual(applyPatch(from, patch), to));
  assert.deepEqual(patchBetween(to, to), {});
});

test("apps.yaml is read as a whole, and each mistake has file, line and field", () => {
  const text = [
    "apps:",
    "  - name: orders",
    "    title: Orders",
    "    source: { system: bitbucket, project: APPS, slug: orders }",
    "    build: { site: seoul }",
    "    yaml: { system: bitbucket, project: APPS, slug: deploy }",
    "    targets:",
    "      - { name: seoul, site: seoul, cluster: c, overlay: o, namespace: shared }",
    "  - name: Shop",
    "    titel: Shop",
  ].join("\n");
  const read = readAppsFile(text, "apps.yaml");
  assert.ok(!read.ok);
  const found = read.problems.map(({ file, line, column, detail }) => `${file}:${line}:${column} ${detail}`);
  assert.match(found[0] ?? "", /^apps\.yaml:9:11 apps\.1: name must have at most 63 lower case letters/);
  assert.ok(
    found.some((one) => one.startsWith("apps.yaml:10:5 apps.1: unknown key titel")),
    found.join("\n"),
  );
});

test("two apps of a file cannot have the same place", () => {
  const one = (name: string): string =>
    [
      `  - name: ${name}`,
      "    title: x",
      "    source: { system: bitbucket, project: APPS, slug: orders }",
      "    build: { site: seoul }",
      "    yaml: { system: bitbucket, project: APPS, slug: deploy }",
      "    targets: [{ name: seoul, site: seoul, cluster: c, overlay: o, namespace: shared }]",
    ].join("\n");
  const read = readAppsFile(`apps:\n${one("orders")}\n${one("shop")}`, "apps.yaml");
  assert.ok(!read.ok);
  assert.match(read.problems[0]?.detail ?? "", /is that of the app orders already/);
});

test("names that lead to the same repository or Jira project as others are refused", () => {
  const source = (more: object) => ({ source: { system: "bitbucket", project: "APPS", slug: "orders", ...more } });
  const others = [
    source({ slug: "orders.git" }),
    source({ slug: "orders.GIT" }),
    ...["APPS ", "APPS/", "APPS//SUB", "./APPS", "X/../APPS"].map((project) => source({ project })),
    { jira: { key: " ORD" } },
  ];
  for (const one of others)
    assert.equal(appShape.safeParse(appInput(one as never)).success, false, JSON.stringify(one));
  for (const project of ["~kim", "APPS", "acme/APPS", "group/sub.group/deep"])
    assert.equal(appShape.safeParse(appInput(source({ project }) as never)).success, true, project);
});
