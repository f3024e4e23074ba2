// The shipped CD: which images it sets in which files, and for which targets it waits.

import assert from "node:assert/strict";
import { test } from "node:test";
import { completeRecord, renamedRecord } from "@gantry/core/app/app-record.ts";
import { evaluateCondition } from "@gantry/core/expr/condition.ts";
import { render, renderText } from "@gantry/core/expr/template.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { expandJob } from "@gantry/core/pipeline/expand.ts";
import { checkParams } from "@gantry/core/pipeline/params.ts";
import type { Job } from "@gantry/core/pipeline/pipeline.ts";
import { APP, load, repository } from "./pipelines.fixture.ts";

type Found = { readonly name: string; readonly image: string; readonly digest: string; readonly ref: string };

/** What the job `check` found for the targets: the names of images at their sites, and the address for Argo CD. */
function checkOf(targets: JsonValue | undefined, found: readonly Found[] = []): JsonObject {
  const images = found.map(({ name, image, digest }) => ({ name, repository: image, digest }));
  const refs = found.map(({ ref }) => ref);
  return {
    each: (targets as readonly JsonObject[]).map((each) => ({ each, outputs: { images, refs, repoUrl: "u" } })),
  };
}

/** The scope of a task that deploys build 12, with these images. */
function buildOf(...images: readonly { name: string; digest: string }[]): JsonObject {
  const made = images.map(({ name, digest }) => ({
    name,
    repository: `apps/${name}`,
    image: `harbor/apps/${name}`,
    digest,
  }));
  return { number: 12, app: "orders", commit: "c", branch: "main", images: made, task: "t0", by: "kim", at: 1 };
}

test("CD deploys a build to every target, or to the chosen targets", () => {
  const { params: schema, jobs } = load("cd.yaml");
  const app = APP;
  const [, check, commit, deploy] = jobs;
  assert(check && commit && deploy);
  const edit = commit.steps.find((step) => step.id === "edit")?.action;
  assert(edit?.kind === "uses");
  const checked = (given: JsonObject) => {
    const { params, problems } = checkParams(schema, given, { app, task: {} });
    assert.deepEqual(problems, []);
    return { app, params };
  };
  const all = checked({});
  assert.equal(all.params.build, "", "the newest build of the release branch");
  assert.deepEqual(
    expandJob(deploy, all).map((one) => [one.key, one.site]),
    [
      ["deploy[seoul]", "seoul"],
      ["deploy[tokyo]", "tokyo"],
    ],
  );
  const [main] = expandJob(commit, all);
  assert.equal(main?.key, "commit[main]", "one commit for all targets");
  assert.deepEqual(
    render(edit.with.targets ?? null, { ...all, each: main.each, needs: { check: checkOf(app.targets) } }),
    [
      { name: "seoul", files: ["overlays/seoul-dp"], at: null, application: null },
      { name: "tokyo", files: ["overlays/tokyo-dp"], at: null, application: null },
    ],
  );
  assert.deepEqual(
    expandJob(deploy, checked({ targets: ["tokyo"] })).map((one) => one.key),
    ["deploy[tokyo]"],
  );
  assert.throws(() => expandJob(deploy, checked({ targets: ["seoul", "osaka"] })), "a target that the app lacks");
  assert.equal(renderText(commit.site, all), "seoul");
});

test("an app that was renamed goes on with the names that it has in other systems", () => {
  const { name: _, ...record } = APP;
  const app: JsonObject = { ...completeRecord("shop", renamedRecord("orders", record)), name: "shop", facts: {} };
  const [, , , deploy] = load("cd.yaml").jobs;
  const ensure = deploy?.steps.find(({ id }) => id === "app")?.action;
  assert(ensure?.kind === "uses");
  const [each = null] = app.targets as JsonObject[];
  const needs = { check: checkOf(app.targets) };
  const { app: application, project, namespace, path } = render(ensure.with, { app, each, needs }) as JsonObject;
  assert.deepEqual(
    [application, project, namespace, path],
    ["orders-seoul-dp", "orders", "orders", "overlays/seoul-dp"],
  );
});

test("CD asks for image and clusters before it commits, and names the build in its commit", () => {
  const { params: schema, jobs } = load("cd.yaml");
  const digest = `sha256:${"a".repeat(64)}`;
  const app = { ...APP, facts: {} };
  const build = buildOf({ name: "orders", digest });
  const { params, problems } = checkParams(schema, { build: "12" }, { app, task: {} });
  assert.deepEqual(problems, []);
  const [, check, commit, deploy] = jobs;
  assert(check && commit && deploy);
  assert.deepEqual(
    expandJob(check, { app, params }).map((one) => [one.key, one.site]),
    [
      ["check[seoul]", "seoul"],
      ["check[tokyo]", "tokyo"],
    ],
  );
  assert.deepEqual(commit.needs, ["check"]);
  assert.deepEqual(
    check.steps.map(({ action }) => (action.kind === "uses" ? action.uses : "")),
    [
      "argocd/require-cluster",
      "argocd/ensure-repository",
      "argocd/require-app",
      "image/copy",
      "git/checkout",
      "yaml/set-images",
      "argocd/plan",
    ],
  );
  const copied = check.steps.find((step) => step.id === "images")?.action;
  assert(copied?.kind === "uses" && copied.uses === "image/copy");
  assert.deepEqual(render(copied.with, { app, build }), {
    from: "seoul",
    images: [{ name: "orders", repository: "apps/orders", digest }],
  });
  const names = commit.steps.map(({ action }) => (action.kind === "uses" ? action.uses : ""));
  assert(names.indexOf("image/verify-images") < names.indexOf("yaml/set-images"));
  const found = { name: "orders", image: "harbor/apps/orders", digest, ref: `harbor/apps/orders@${digest}` };
  const image = { outputs: { images: [found] } };
  const push = { outputs: { commit: "c", url: "u", branch: "main" } };
  const skipped = { outputs: {} };
  const [main] = expandJob(commit, { app, params });
  assert(main);
  const began = { image, push, merge: skipped, checkout: skipped };
  const checkedAll = checkOf(APP.targets, [found]);
  const scope = { app, build, params, task: {}, each: main.each, steps: began, needs: { check: checkedAll } };
  const pushed = commit.steps.find((step) => step.id === "push")?.action;
  assert(pushed?.kind === "uses");
  assert.equal((render(pushed.with, scope) as JsonObject).message, "Deploy orders #12 (aaaaaaaaaaaa) to seoul, tokyo");
  const back = { from: "#13", reverts: ["c0ffee"], reason: "Orders are counted twice" };
  assert.equal(
    (render(pushed.with, { ...scope, task: { rollback: back } }) as JsonObject).message,
    [
      "Roll orders back to #12 (aaaaaaaaaaaa) on seoul, tokyo\n",
      "Takes back #13.\nOrders are counted twice\nThis reverts commit c0ffee.",
    ].join("\n"),
  );
  for (const { action, when } of commit.steps)
    if (action.kind === "uses" && when === undefined) render(action.with, scope);
  const needs = { check: checkedAll, commit: { each: [{ each: main.each, outputs: render(commit.outputs, scope) }] } };
  const [each = null] = APP.targets as JsonObject[];
  const before = {
    repository: { outputs: { url: "u" } },
    images: { outputs: { images: [found] } },
    checkout: { outputs: { commit: "c" } },
    edit: { outputs: { changes: [] } },
  };
  for (const { action } of check.steps)
    if (action.kind === "uses") render(action.with, { app, build, params, each, steps: before });
  const steps = { app: { outputs: { app: "a" } } };
  for (const { action } of deploy.steps)
    if (action.kind === "uses") render(action.with, { app, build, params, task: {}, needs, each, steps });
  assert.equal(renderText(String(deploy.deploys), { each }), "seoul");
});

test("CD of an app with several images verifies, sets and awaits each; other forms name their files", () => {
  const { params: schema, jobs } = load("cd.yaml");
  const [api, worker] = [`sha256:${"a".repeat(64)}`, `sha256:${"b".repeat(64)}`];
  const app = {
    ...APP,
    yaml: { ...repository("orders-deploy"), form: "helm" },
    images: [
      { name: "api", repository: "apps/api" },
      { name: "worker", repository: "apps/worker" },
    ],
    targets: [
      {
        name: "seoul",
        site: "seoul",
        cluster: "seoul-dp",
        path: "chart",
        files: ["seoul.yaml"],
        at: { api: "api.image" },
      },
    ],
  };
  const build = buildOf({ name: "api", digest: api ?? "" }, { name: "worker", digest: worker ?? "" });
  const { params, problems } = checkParams(schema, {}, { app, task: {} });
  assert.deepEqual(problems, []);
  const commit = jobs[2];
  assert(commit);
  const input = (id: string, scope: JsonObject): JsonObject => {
    const action = commit.steps.find((step) => step.id === id)?.action;
    assert(action?.kind === "uses");
    return render(action.with, scope) as JsonObject;
  };
  const [main, ...others] = expandJob(commit, { app, params });
  assert(main && others.length === 0);
  const verified = input("image", { app, build, params, task: {}, each: main.each });
  assert.deepEqual(verified.images, [
    { name: "api", repository: "apps/api", digest: api },
    { name: "worker", repository: "apps/worker", digest: worker },
  ]);
  const images = [api, worker].map((digest, index) => {
    const image = `harbor/apps/${index === 0 ? "api" : "worker"}`;
    return { name: index === 0 ? "api" : "worker", image, digest, ref: `${image}@${digest}` };
  });
  const own = images.map((one) => ({ ...one, image: `own/${one.name}`, ref: `own/${one.name}@${one.digest}` }));
  const needs = { check: checkOf(app.targets, own) };
  const scope = { app, build, params, task: {}, each: main.each, steps: { image: { outputs: { images } } }, needs };
  assert.deepEqual(input("edit", scope), {
    form: "helm",
    images: images.map(({ name, image, digest }) => ({ name, repository: image, digest })),
    targets: [{ name: "seoul", files: ["seoul.yaml"], at: { api: "api.image" }, application: null }],
    imagesAt: [
      { target: "seoul", images: own.map(({ name, image, digest }) => ({ name, repository: image, digest })) },
    ],
  });
  const push = input("push", scope);
  assert.equal(push.message, "Deploy orders #12 (api aaaaaaaaaaaa, worker bbbbbbbbbbbb) to seoul");
  assert.deepEqual(push.trailers, { Image: images.map(({ ref }) => ref).join(", ") });
});

test("CD commits once for all targets on the usual branch, and once for each target with a branch of its own", () => {
  const { params: schema, jobs } = load("cd.yaml");
  const targets = ["seoul", "tokyo", "osaka", "live"].map((name) => ({
    name,
    site: name,
    cluster: name,
    overlay: ".",
  }));
  const app = { ...APP, targets: targets.map((one) => (one.name === "live" ? { ...one, branch: "live" } : one)) };
  const { params, problems } = checkParams(schema, { targets: ["tokyo", "live", "seoul"] }, { app, task: {} });
  assert.deepEqual(problems, []);
  const [, , commit, deploy] = jobs;
  assert(commit && deploy);
  const commits = expandJob(commit, { app, params });
  assert.deepEqual(
    commits.map(({ key, each }) => {
      const { branch, targets: own } = each as { branch: string; targets: { name: string }[] };
      return [key, branch, own.map(({ name }) => name)];
    }),
    [
      ["commit[main]", "main", ["tokyo", "seoul"]],
      ["commit[live]", "live", ["live"]],
    ],
  );
  const needs = {
    commit: { each: commits.map(({ key, each }) => ({ each, outputs: { commit: key, images: ["i"], image: "i" } })) },
  };
  const sync = deploy.steps.find((step) => step.id === "sync")?.action;
  assert(sync?.kind === "uses");
  const revisions = expandJob(deploy, { app, params }).map(({ each }) => {
    const scope = { app, params, needs, each, task: {}, steps: { app: { outputs: { app: "a" } } } };
    return (render(sync.with, scope) as JsonObject).revision;
  });
  assert.deepEqual(revisions, ["commit[main]", "commit[live]", "commit[main]"]);
});

test("CD pushes to a branch of the task and waits for the pull request where the record says so", () => {
  const { jobs } = load("cd.yaml");
  const [, , commit] = jobs;
  assert(commit);
  const app = { ...APP, yaml: { ...repository("orders-deploy"), push: "pull-request" } };
  const image = { outputs: { images: [{ name: "orders", image: "i", digest: "sha256:1", ref: "i@sha256:1" }] } };
  const each = { name: "main", branch: "main", targets: [{ name: "seoul" }] };
  const steps = {
    image,
    push: { outputs: { branch: "gantry/orders/t1/main", commit: "c0ffee" } },
    request: { outputs: { id: 7 } },
  };
  const scope = {
    app,
    build: buildOf({ name: "orders", digest: "sha256:1" }),
    task: { id: "t1", url: "http://t1" },
    each,
    steps,
  };
  const input = (id: string): JsonObject => {
    const action = commit.steps.find((step) => step.id === id)?.action;
    assert(action?.kind === "uses");
    return render(action.with, scope) as JsonObject;
  };
  assert.equal(input("push").branch, "gantry/orders/t1/main");
  const { repository: where, ...request } = input("request");
  assert.deepEqual(request, {
    from: "gantry/orders/t1/main",
    to: "main",
    title: "Deploy orders to seoul",
    description: "i@sha256:1 http://t1",
    supersedes: "gantry/orders/",
  });
  assert.deepEqual(input("merge"), { repository: where, id: 7, merge: "person", commit: "c0ffee", to: request.to });
  const outputs = (found: JsonObject): JsonObject =>
    render(commit.outputs, { ...scope, steps: { ...steps, ...found } }) as JsonObject;
  const nothing = { outputs: {} };
  const checkout = { outputs: { commit: "tip", url: "u" } };
  const pushed = { outputs: { commit: "pushed", url: "u" } };
  assert.equal(
    outputs({ merge: { outputs: { commit: "merged", url: "u" } }, push: pushed, checkout }).commit,
    "merged",
  );
  assert.equal(outputs({ merge: nothing, push: pushed, checkout }).commit, "pushed");
  assert.equal(outputs({ merge: nothing, push: nothing, checkout }).commit, "tip");
});

test("CD reports to the commit of the source when it starts, and how it ended", () => {
  const { params: schema, jobs, finally: last } = load("cd.yaml");
  const { params } = checkParams(schema, {}, { app: APP, task: {} });
  const build = { ...buildOf(), commit: "c0ffee" };
  const reported = (job: Job | undefined, status: string): JsonValue => {
    const action = job?.steps[0]?.action;
    assert(job && action?.kind === "uses" && action.uses === "git/set-commit-status");
    const scope = { app: APP, params, build, status };
    assert(evaluateCondition(job.when ?? "true", scope), "it runs however the task ends");
    return render(action.with, scope);
  };
  const status = { repository: APP.source, commit: "c0ffee", name: "gantry/cd/orders" };
  const start = reported(jobs[0], "succeeded");
  const { system, project, slug } = APP.source as JsonObject;
  const expected = { ...status, repository: { system, project, slug } };
  assert.deepEqual(start, { ...expected, state: "running", description: "Deploying to seoul, tokyo" });
  for (const [state, description] of [
    ["succeeded", "Deployed to seoul, tokyo"],
    ["failed", "Not deployed to seoul, tokyo"],
    ["canceled", "Canceled while deploying to seoul, tokyo"],
  ] as const)
    assert.deepEqual(
      reported(
        last.find(({ id }) => id === "report"),
        state,
      ),
      { ...expected, state, description },
    );
});
