// A policy at work, over HTTP: labels, sites, denies, own roles, pages, and what views say that the caller may do.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import type { PipelineView, TaskView } from "@gantry/wire/agent/views.ts";
import { startTestPortal, type TestPortal } from "../portal.fixture.ts";

const POLICY = `
teams:
  payments: []
roles:
  token-keeper: { extends: viewer, verbs: [manage-tokens, manage-people] }
  caretaker: { extends: viewer, verbs: [resolve, rerun] }
  deployer: { extends: viewer, verbs: [run-cd] }
bindings:
  - { role: developer, people: [gold], apps: ["label:tier=gold"] }
  - { role: developer, people: [team], apps: ["team:payments"] }
  - { role: developer, people: [seoul-only], apps: [orders], sites: [seoul] }
  - { role: viewer, people: [seoul-only], apps: [orders] }
  - { role: caretaker, people: [caretaker] }
  - { role: deployer, people: [deployer], apps: [orders] }
  - { role: developer, people: [no-cd] }
  - { role: viewer, people: [many], apps: ["many-*"] }
  - { role: token-keeper, people: [tokens] }
  - { role: developer, people: [future], apps: [orders] }
  - { role: viewer, groups: [web], apps: [dull] }
  - { role: developer, people: [not-tokyo], apps: [pier] }
  - { role: developer, people: [not-at-tokyo], apps: [pier, pond, "quay*"] }
  - { role: developer, people: [not-at-tokyo, seoul-only], apps: [jetty], sites: [seoul] }
  - { role: approver, people: [not-at-tokyo], apps: [jetty] }
  - { role: developer, people: [not-prod], apps: ["mill*"] }
  - { role: operator, groups: [sre], apps: ["mill*"], sites: ["*/prod-*", seoul] }
deny:
  - { verbs: [run-cd, start-task], people: [not-tokyo], sites: [tokyo] }
  - { verbs: [view-pipelines], people: [not-tokyo], pipelines: ["secret-*"] }
  - { verbs: [run-cd], people: [no-cd], reason: Deployments are frozen }
  - { verbs: ["*"], people: [not-at-tokyo], sites: [tokyo] }
  - { verbs: [run-cd, start-task, rerun, create-app, change-app], people: [not-prod], sites: ["*/prod-*"], reason: Production is for the SRE }
`;
const TARGETS = [
  { name: "seoul", site: "seoul" },
  { name: "tokyo", site: "tokyo" },
];
const CD: Partial<PipelineView> = {
  name: "cd",
  params: { type: "object", properties: { targets: { type: "array", "x-ui": "target" } } },
  jobs: [
    { id: "commit", title: "Commit", needs: [], site: "${{ app.build.site }}", steps: [] },
    { id: "deploy", title: "Deploy", needs: [], site: "${{ each.site }}", steps: [] },
  ],
};

let portal: TestPortal;
const tokens = new Map<string, string>();

before(async () => {
  portal = await startTestPortal({}, { policy: POLICY });
  portal.agent.addPipeline(CD);
  portal.agent.addApp({ name: "orders", record: { targets: TARGETS, build: { site: "seoul" } } });
  portal.agent.addApp({ name: "pier", record: { targets: TARGETS, build: { site: "seoul" } } });
  portal.agent.addApp({ name: "shiny", record: { labels: { tier: "gold" }, team: "payments" } });
  portal.agent.addApp({ name: "dull", record: { labels: { tier: "tin" } } });
  for (const name of [
    "gold",
    "team",
    "seoul-only",
    "caretaker",
    "deployer",
    "no-cd",
    "many",
    "tokens",
    "not-tokyo",
    "not-at-tokyo",
    "not-prod",
  ]) {
    const answer = await portal.ask("/v1/tokens", { method: "POST", json: { name, role: "none" } });
    tokens.set(name, ((await answer.json()) as { token: string }).token);
  }
});
after(() => portal.close());

const get = (who: string, path: string): Promise<Response> => portal.ask(path, { token: tokens.get(who) ?? null });
const post = (who: string, path: string, json: object): Promise<Response> =>
  portal.ask(path, {
    method: "POST",
    token: tokens.get(who) ?? null,
    headers: { "idempotency-key": crypto.randomUUID() },
    json,
  });
type Problem = { readonly code: string; readonly detail: string; readonly todo: string };
const problemOf = async (answer: Promise<Response>): Promise<Problem> => (await (await answer).json()) as Problem;

test("a binding on a label or a team holds for the apps whose record has it", async () => {
  for (const who of ["gold", "team"]) {
    assert.equal((await get(who, "/v1/apps/shiny")).status, 200, who);
    assert.equal((await get(who, "/v1/apps/dull")).status, 404, who);
    assert.equal((await get(who, "/v1/apps/missing")).status, 404, who);
    const { items } = (await (await get(who, "/v1/apps")).json()) as { items: { name: string }[] };
    assert.deepEqual(
      items.map(({ name }) => name),
      ["shiny"],
    );
    assert.equal((await post(who, "/v1/apps/shiny/ci", {})).status, 202);
  }
});

test("a right at one site runs work there and nowhere else", async () => {
  const cd = (targets?: readonly string[]): Promise<Response> =>
    post("seoul-only", "/v1/apps/orders/cd", { params: targets ? { targets } : {} });
  assert.equal((await cd(["seoul"])).status, 202);
  for (const targets of [["tokyo"], ["seoul", "tokyo"], ["unknown"], undefined])
    assert.equal((await cd(targets)).status, 403, String(targets));
  const start = { pipeline: "cd", app: "orders", params: { targets: ["tokyo"] } };
  assert.equal((await post("seoul-only", "/v1/tasks", start)).status, 403);
});

test("a rerun is refused where the pipeline or the app of now would run it at a denied site", async () => {
  const job = (site: string): TaskView["jobs"][number] => ({
    ...{ key: "deploy", id: "deploy", title: "Deploy", site, labels: [], needs: [], final: false },
    ...{ state: "succeeded", attempt: 1, attempts: [], outputs: {}, steps: [], effects: [] },
  });
  const rerun = async (task: Parameters<TestPortal["agent"]["addTask"]>[0], body: object = {}): Promise<number> =>
    (
      await post(
        "not-tokyo",
        `/v1/tasks/${portal.agent.addTask({ pipeline: "cd", app: "pier", ...task }).id}/rerun`,
        body,
      )
    ).status;
  portal.agent.addPipeline({
    ...CD,
    name: "moved",
    jobs: [{ id: "a", title: "", needs: [], site: "tokyo", steps: [] }],
  });
  portal.agent.addPipeline({
    ...CD,
    name: "stays",
    jobs: [{ id: "a", title: "", needs: [], site: "seoul", steps: [] }],
  });
  assert.equal(await rerun({ pipeline: "moved", jobs: [job("seoul")] }, { definition: "newest" }), 403);
  assert.equal(await rerun({ pipeline: "stays", jobs: [job("tokyo")] }), 403);
  assert.equal(await rerun({ params: { targets: ["tokyo"] }, jobs: [job("seoul")] }), 403, "a target has moved");
  assert.equal(await rerun({ params: { targets: ["seoul"] }, jobs: [job("seoul")] }), 202);
  assert.equal(await rerun({ pipeline: "stays", jobs: [job("seoul")] }), 202);
  const edited = { params: { targets: ["tokyo"] } };
  assert.equal(await rerun({ params: { targets: ["seoul"] }, jobs: [job("seoul")] }, edited), 403, "with other params");
});

test("a question about a pipeline that the caller may not see has the answer of one that does not exist", async () => {
  portal.agent.addPipeline({ name: "secret-plan" });
  for (const verb of ["start-task", "run-cd", "rerun", "view", "create-app"]) {
    const ask = async (name: string): Promise<string> => {
      const answer = await get("not-tokyo", `/v1/access/can?verb=${verb}&app=pier&pipeline=${name}`);
      const { request: _, ...body } = (await answer.json()) as Record<string, unknown>;
      return `${answer.status} ${JSON.stringify(body)}`.replaceAll(name, "NAME").replaceAll(/"requestId":"[^"]*"/g, "");
    };
    assert.equal(await ask("secret-plan"), await ask("secret-none"), verb);
    assert.match(await ask("secret-plan"), /^404 /, verb);
  }
});

test("a deny of CD holds for its button, for any start, and for a rerun", async () => {
  const { id } = portal.agent.addTask({ pipeline: "cd" });
  for (const answer of [
    post("no-cd", "/v1/apps/orders/cd", {}),
    post("no-cd", "/v1/tasks", { pipeline: "cd", app: "orders" }),
    post("no-cd", `/v1/tasks/${id}/rerun`, {}),
  ]) {
    const { code, detail } = await problemOf(answer);
    assert.deepEqual([code, detail], ["forbidden", "A rule of the policy denies it: Deployments are frozen."]);
  }
  assert.equal((await post("no-cd", "/v1/apps/orders/ci", {})).status, 202);
});

test("an own role has its verbs and no other: marking a job as done and starting what a rerun starts are apart", async () => {
  const { id } = portal.agent.addTask();
  const resolve = (answer: string): Promise<Response> =>
    post("caretaker", `/v1/tasks/${id}/resolve`, { job: "build", answer });
  assert.equal((await resolve("run-again")).status, 202);
  const refused = await problemOf(resolve("mark-done"));
  assert.equal(refused.code, "forbidden");
  assert.equal(refused.todo, "Needs the role developer on this app: ask future, no-cd.");
  assert.equal((await post("caretaker", `/v1/tasks/${id}/rerun`, {})).status, 403);
});

test("views say what the caller may do, and what the rest needs", async () => {
  const { id } = portal.agent.addTask();
  for (const path of ["/v1/apps/orders", `/v1/tasks/${id}`]) {
    const { may, mayNot } = (await (await get("caretaker", path)).json()) as {
      may: string[];
      mayNot: Record<string, string>;
    };
    assert.ok(may.includes("resolve") && may.includes("view-logs") && !may.includes("run-cd"), path);
    assert.match(mayNot["run-cd"] ?? "", /^Needs the role developer on this app: ask /);
  }
  const seoul = (await (await get("seoul-only", "/v1/apps/orders")).json()) as { may: string[] };
  assert.ok(seoul.may.includes("run-cd"), "it is allowed at one of the targets");
  const admin = (await (await portal.ask(`/v1/tasks/${id}`)).json()) as { may: string[]; mayNot: object };
  assert.ok(admin.may.includes("approve"));
  assert.deepEqual(admin.mayNot, {});
});

test("pages of tasks are full and complete, with any task-agent and with many apps", async (t) => {
  const expected: string[] = [];
  const list = async (): Promise<string[]> => {
    const found: string[] = [];
    for (let cursor = ""; ; ) {
      const answer = await get("many", `/v1/tasks?limit=4${cursor}`);
      const page = (await answer.json()) as { items: { id: string }[]; nextCursor?: string };
      found.push(...page.items.map((item) => item.id));
      if (page.nextCursor === undefined) return found;
      assert.equal(page.items.length, 4);
      cursor = `&cursor=${page.nextCursor}`;
    }
  };
  for (let n = 0; n < 30; n += 1) {
    portal.agent.addTask({ id: `foreign-${n}`, app: "orders" });
    if (n % 3 === 0) expected.unshift(portal.agent.addTask({ id: `own-${n}`, app: "many-0" }).id);
  }
  portal.agent.addApp({ name: "many-0" });
  assert.deepEqual(await list(), expected);
  assert.ok(portal.agent.requests.some((one) => one.includes("apps=many-0")));
  portal.agent.setAppsQuery(false);
  assert.deepEqual(await list(), expected, "an older task-agent");
  portal.agent.setAppsQuery(true);
  for (let n = 1; n < 25; n += 1) portal.agent.addApp({ name: `many-${n}` });
  expected.unshift(portal.agent.addTask({ id: "own-30", app: "many-24" }).id);
  await t.waitFor(async () => assert.deepEqual(await list(), expected, "a new app"), { timeout: 60_000 });
  const before = portal.agent.requests.length;
  assert.deepEqual(await list(), expected, "many apps");
  assert.ok(!portal.agent.requests.slice(before).some((one) => one.includes("apps=")));
});

test("an app's own pipeline that deploys needs the right to run CD, whatever starts it", async () => {
  const own = (app: string, name: string, uses: string): void =>
    portal.agent.addPipeline({
      name: `${app}.${name}`,
      origin: "app",
      ...(name === "ci" ? { action: "ci" as const } : {}),
      jobs: [{ id: "a", title: "", needs: [], site: "seoul", steps: [{ id: "s", title: "", uses }] }],
    });
  portal.agent.addApp({ name: "sly", record: { targets: TARGETS, build: { site: "seoul" } } });
  own("sly", "ci", "argocd/sync");
  own("sly", "release", "git/commit-push");
  const { id } = portal.agent.addTask({ pipeline: "sly.ci", app: "sly" });
  const starts = (): Promise<Response>[] => [
    post("no-cd", "/v1/apps/sly/ci", {}),
    post("no-cd", "/v1/tasks", { pipeline: "sly.ci", app: "sly" }),
    post("no-cd", "/v1/tasks", { pipeline: "sly.release", app: "sly" }),
    post("no-cd", `/v1/tasks/${id}/rerun`, {}),
  ];
  for (const answer of starts()) {
    const { code, detail } = await problemOf(answer);
    assert.deepEqual([code, detail], ["forbidden", "A rule of the policy denies it: Deployments are frozen."]);
  }
  for (const uses of ["image/build-push", "git/checkout"]) {
    own("sly", "ci", uses);
    own("sly", "release", uses);
    for (const answer of starts()) assert.equal((await answer).status, 202, uses);
  }
  const job: TaskView["jobs"][number] = {
    ...{ key: "a", id: "a", title: "", site: "seoul", labels: [], needs: [], final: false },
    ...{ state: "succeeded", attempt: 1, attempts: [], outputs: {}, effects: [] },
    steps: [{ id: "s", title: "", uses: "argocd/sync", state: "succeeded", tries: 1, outputs: {} }],
  };
  const old = portal.agent.addTask({ pipeline: "sly.ci", app: "sly", jobs: [job] });
  const again = await post("no-cd", `/v1/tasks/${old.id}/rerun`, { definition: "pinned" });
  assert.equal(again.status, 403, "the file of then deploys");
});

test("builds of all apps: full pages of what may be seen, of one app, of one branch", async () => {
  for (const [number, name] of ["orders", "many-0", "orders", "many-0", "many-1", "orders"].entries())
    portal.agent.addBuild(name, { number, branch: number < 2 ? "old" : "main", at: `2026-11-2${number}T07:00:00Z` });
  const list = async (ask: (path: string) => Promise<Response>, query: string): Promise<readonly string[]> => {
    const found: string[] = [];
    for (let cursor = ""; ; ) {
      const answer = await ask(`/v1/builds?limit=2${query}${cursor}`);
      const page = (await answer.json()) as { items: { app: string; number: number }[]; nextCursor?: string };
      found.push(...page.items.map(({ app, number }) => `${app} #${number}`));
      if (page.nextCursor === undefined) return found;
      assert.equal(page.items.length, 2);
      cursor = `&cursor=${page.nextCursor}`;
    }
  };
  const asMany = (path: string): Promise<Response> => get("many", path);
  assert.deepEqual(await list(asMany, ""), ["many-1 #4", "many-0 #3", "many-0 #1"]);
  assert.deepEqual(await list(asMany, "&app=many-0"), ["many-0 #3", "many-0 #1"]);
  assert.deepEqual(await list(asMany, "&branch=old"), ["many-0 #1"]);
  for (const app of ["orders", "unknown"]) assert.deepEqual(await list(asMany, `&app=${app}`), [], app);
  assert.deepEqual(await list(portal.ask, "&branch=old"), ["many-0 #1", "orders #0"]);
});

test("nobody makes a token or an account that has more than they have themselves", async () => {
  const create = async (role: string, name: string): Promise<number> =>
    (await post("tokens", "/v1/tokens", { name, role })).status;
  assert.equal(await create("viewer", "robot"), 201);
  assert.equal(await create("developer", "robot-2"), 403, "a wider role");
  assert.equal(await create("none", "future"), 403, "a name to which the policy gives more");
  const admin = await portal.ask("/v1/tokens", { method: "POST", json: { name: "future", role: "none" } });
  assert.equal(admin.status, 201);
  const rotated = await post("tokens", "/v1/tokens/future/rotate", {});
  assert.equal(rotated.status, 403, "taking it over");
  const person = (json: object): Promise<Response> => post("tokens", "/v1/people", json);
  assert.equal((await person({ name: "ben", role: "viewer" })).status, 201);
  assert.equal((await person({ name: "gus", role: "viewer", groups: ["web"] })).status, 403, "a group with more");
});

test("nobody gives an app what belongs to an app that they may not change", async () => {
  const repository = (slug: string): object => ({ system: "git", project: "APPS", slug });
  const vault = { source: repository("vault"), yaml: repository("vault-deploy"), image: { repository: "apps/vault" } };
  portal.agent.addApp({ name: "vault", record: { ...vault, jira: { key: "VLT" } } as never });
  portal.agent.addApp({ name: "mole", record: { labels: { tier: "gold" }, source: repository("mole") } as never });
  portal.agent.addApp({ name: "friend", record: { labels: { tier: "gold" }, source: repository("friend") } as never });
  const patch = (json: object, dryRun = false): Promise<Response> =>
    portal.ask(`/v1/apps/mole${dryRun ? "?dryRun=true" : ""}`, {
      method: "PATCH",
      token: tokens.get("gold") ?? null,
      headers: { "if-match": "*" },
      json,
    });
  for (const json of [
    { source: repository("vault") },
    { source: repository("VAULT-Deploy") },
    { yaml: repository("vault-deploy") },
    { images: [{ name: "mole", repository: "apps/vault" }] },
    { jira: { key: "VLT" } },
    { sonarqube: { project: "vault:feature" } },
  ])
    for (const dryRun of [true, false]) {
      const answer = await patch(json, dryRun);
      const problem = (await answer.json()) as Problem;
      assert.deepEqual([answer.status, problem.code], [403, "forbidden"], JSON.stringify([json, problem]));
      assert.match(problem.detail, /belongs to an app that you may not change/);
    }
  assert.equal((await patch({ source: repository("friend") })).status, 200, "both apps are theirs");
  assert.equal((await patch({ yaml: repository("mole-deploy") })).status, 200);
});

test("nobody who may not override policies takes an app out of what an environment demands", async () => {
  portal.agent.setDefinitions({ environments: ["prod"] });
  const source = { system: "git", project: "APPS", slug: "till", branch: "main" };
  const prod = { name: "prod", environment: "prod", site: "seoul", cluster: "seoul-a", namespace: "till" };
  const dev = { name: "dev", environment: "dev", site: "seoul", cluster: "seoul-a", namespace: "till-dev" };
  const shadow = { ...prod, name: "shadow", environment: undefined };
  const record = { labels: { tier: "gold" }, source, targets: [prod, dev] };
  const add = (): unknown => portal.agent.addApp({ name: "till", record: JSON.parse(JSON.stringify(record)) });
  const change = (who: string | undefined, method: string, path: string, json?: object): Promise<Response> =>
    portal.ask(`/v1/apps/till${path}`, {
      method,
      ...(who === undefined ? {} : { token: tokens.get(who) ?? null }),
      headers: { "if-match": "*" },
      ...(json ? { json } : {}),
    });
  const attacks: readonly (readonly [method: string, path: string, json?: object])[] = [
    ...[
      { targets: [{ ...prod, environment: undefined }, dev] },
      { targets: [{ ...prod, environment: "dev" }, dev] },
      { targets: [dev] },
      { targets: [{ ...prod, namespace: "elsewhere" }, dev] },
      { targets: [prod, dev, shadow] },
      { targets: [prod, { ...dev, namespace: "till" }] },
      { source: { ...source, branch: "mine" } },
      { source: { ...source, slug: "mine" } },
    ].flatMap((json) => ["", "?dryRun=true"].map((query) => ["PATCH", query, json] as const)),
    ["DELETE", "?undo=false"],
  ];
  for (const [method, path, json] of attacks) {
    add();
    const before = JSON.stringify(await (await change(undefined, "GET", "")).json());
    const answer = await change("gold", method, path, json);
    const what = JSON.stringify([method, path, json]);
    assert.equal(answer.status, 403, what);
    const { code, detail, todo } = (await answer.json()) as Problem;
    assert.equal(code, "forbidden", what);
    assert.match(detail, /what the environment prod demands of till/, what);
    assert.match(todo, /Needs the role operator on this app: ask/, what);
    assert.equal(JSON.stringify(await (await change(undefined, "GET", "")).json()), before, what);
    assert.ok((await change(undefined, method, path, json)).ok, `an administrator may: ${what}`);
  }
  for (const json of [
    { title: "Till" },
    { targets: [{ ...prod, name: "production" }, dev] },
    { targets: [prod, { ...dev, environment: undefined }] },
    { targets: [prod] },
    { targets: [prod, dev, { ...dev, name: "prod-2", environment: "prod", namespace: "till-2" }] },
    { targets: [{ ...dev, environment: "prod" }, prod] },
  ]) {
    add();
    assert.equal((await change("gold", "PATCH", "", json)).status, 200, JSON.stringify(json));
  }
  portal.agent.setDefinitions({ environments: [] });
  add();
  const unnamed = { source: { ...source, branch: "mine" }, targets: [dev] };
  assert.equal((await change("gold", "PATCH", "", unnamed)).status, 200, "no file names the environment");
  assert.equal((await change("gold", "DELETE", "?undo=false")).status, 204);
});

test("nobody who may not override policies deploys where an environment demands something, by another target or app", async () => {
  portal.agent.setDefinitions({ environments: ["prod", "test"] });
  const repository = (slug: string): object => ({ system: "git", project: "APPS", slug, branch: "main" });
  const [source, yaml] = [repository("quay-4"), repository("quay-4-deploy")];
  const at = (name: string, more: object): object => ({
    ...{ name, environment: name, site: "seoul", cluster: "seoul-a", namespace: `kiosk-${name}` },
    ...{ overlay: `kiosk/${name}`, ...more },
  });
  const [prod, dev] = [at("prod", { path: "kiosk/live" }), at("dev", {})];
  const record = { labels: { tier: "gold" }, source, yaml, targets: [prod, dev] };
  const add = (name: string, more: object = {}): unknown =>
    portal.agent.addApp({ name, record: JSON.parse(JSON.stringify({ ...record, ...more })) });
  const patch = (app: string, json: object): Promise<Response> =>
    portal.ask(`/v1/apps/${app}`, {
      ...{ method: "PATCH", token: tokens.get("gold") ?? null, headers: { "if-match": "*" }, json },
    });
  const refused = async (answer: Response, what: unknown): Promise<void> => {
    const text = JSON.stringify(what);
    assert.equal(answer.status, 403, text);
    const { detail, todo } = (await answer.json()) as Problem;
    assert.match(detail, /what the environment prod demands of kiosk/, text);
    assert.match(todo, /Needs the role operator on this app: ask/, text);
  };
  const inside = ["kiosk/prod", "./kiosk/./prod/", "kiosk", ".", "kiosk/prod/more", "kiosk/live"];
  for (const targets of [
    ...inside.map((overlay) => [prod, at("dev", { overlay })]),
    [prod, dev, at("dev", { name: "other", cluster: "seoul-b", namespace: "x", overlay: "kiosk/prod" })],
    [prod, at("dev", { overlay: undefined, files: ["kiosk/a.yaml", "kiosk/prod/kustomization.yaml"] })],
    [at("prod", { overlay: "kiosk/dev", path: "kiosk/live" }), dev],
    [at("prod", { path: "kiosk/dev" }), dev],
  ]) {
    add("kiosk");
    await refused(await patch("kiosk", { targets }), targets);
  }
  for (const targets of [
    [prod, at("dev", { overlay: "kiosk/dev-2" })],
    [prod, at("dev", { overlay: "kiosk/prod", branch: "dev" })],
    [at("prod", { overlay: "kiosk/production", path: "kiosk/production" }), dev],
    [prod, dev, at("prod", { name: "prod-2", namespace: "kiosk-prod-2" })],
  ]) {
    add("kiosk");
    assert.equal((await patch("kiosk", { targets })).status, 200, JSON.stringify(targets));
  }
  add("kiosk");
  const own = { source: repository("booth"), yaml: repository("booth-deploy") };
  for (const targets of [[at("dev", { namespace: "kiosk-prod" })], [at("test", { namespace: "kiosk-prod" })]]) {
    add("booth", { ...own, targets: [] });
    await refused(await patch("booth", { targets }), targets);
  }
  for (const overlay of inside) {
    add("booth", { ...own, targets: [] });
    const targets = [at("dev", { namespace: "booth", overlay })];
    await refused(await patch("booth", { yaml, targets }), targets);
  }
  add("booth", { ...own, yaml, targets: [at("dev", { namespace: "booth", overlay: "booth" })] });
  await refused(await patch("kiosk", { targets: [at("prod", { overlay: "booth" }), dev] }), "another app writes it");
  const stall = { source: repository("stall"), yaml: repository("stall-deploy") };
  const adopted = appInput({ ...stall, team: "payments", targets: [at("dev", { namespace: "kiosk-prod" })] } as never);
  add("kiosk", { team: "payments" });
  await refused(await post("team", "/v1/apps", { adopt: true, name: "booth-2", app: adopted }), "a new app");
  for (const change of [
    { targets: [at("prod", { name: "booth", path: "kiosk/live" })] },
    { yaml, targets: [at("dev", { namespace: "booth", overlay: "booth" })] },
  ]) {
    add("booth", { ...own, targets: [] });
    assert.equal((await patch("booth", change)).status, 200, JSON.stringify(change));
  }
  portal.agent.setDefinitions({ environments: [] });
});

test("clusters that the policy denies cannot be adopted, taken by a change, or deployed to, and the answer says who could", async () => {
  const target = (cluster: string): object => ({ name: cluster, site: "seoul", cluster, overlay: `mill/${cluster}` });
  const app = (...clusters: readonly string[]) => appInput({ targets: clusters.map(target) } as never);
  const refused = async (answer: Response): Promise<void> => {
    assert.equal(answer.status, 403);
    const { detail, todo } = (await answer.json()) as Problem;
    assert.equal(detail, "A rule of the policy denies it: Production is for the SRE.");
    assert.match(todo, /^Ask somebody who may do it: sre(?:, no-cd)?\.$/, "not those whom the rule denies it");
  };
  const adopt = (...clusters: readonly string[]): Promise<Response> =>
    post("not-prod", "/v1/apps", { adopt: true, name: "mill", app: app(...clusters), dryRun: true });
  await refused(await adopt("test-1", "prod-1"));
  assert.equal((await adopt("test-1")).status, 200);
  const record = { ...app("test-1"), targets: [target("test-1")] };
  portal.agent.addApp({ name: "mill", record: JSON.parse(JSON.stringify(record)) });
  const patch = (...clusters: readonly string[]): Promise<Response> =>
    portal.ask("/v1/apps/mill", {
      ...{ method: "PATCH", token: tokens.get("not-prod") ?? null, headers: { "if-match": "*" } },
      json: { targets: clusters.map(target) },
    });
  await refused(await patch("test-1", "prod-1"));
  assert.equal((await patch("test-1", "test-2")).status, 200);
  const both = JSON.parse(JSON.stringify({ ...record, targets: [target("test-1"), target("prod-1")] }));
  portal.agent.addApp({ name: "mill", record: both });
  const cd = (params: object): Promise<Response> => post("not-prod", "/v1/apps/mill/cd", { params });
  for (const params of [{ targets: ["prod-1"] }, { targets: ["test-1", "prod-1"] }, {}])
    await refused(await cd(params));
  await refused(await post("not-prod", "/v1/tasks", { pipeline: "cd", app: "mill", params: { targets: ["prod-1"] } }));
  assert.equal((await cd({ targets: ["test-1"] })).status, 202);
  assert.equal((await post("not-prod", "/v1/apps/mill/ci", {})).status, 202, "CI reaches no cluster");
  await refused(await patch("test-1"));
});

test("the apps are not read again for every list of tasks", async () => {
  const before = portal.agent.requests.length;
  for (let n = 0; n < 20; n += 1) assert.equal((await get("gold", "/v1/tasks")).status, 200);
  const asked = portal.agent.requests.slice(before).filter((one) => /apps(?:\?|\/\w+$)/.test(one.split(" ")[1] ?? ""));
  assert.ok(asked.filter((one) => one.includes("limit=1000")).length <= 1, asked.join("\n"));
  assert.ok(asked.length <= 3, asked.join("\n"));
});

test("a deny of a site holds for everything that changes something there", async () => {
  const who = "not-at-tokyo";
  const job = (site: string): TaskView["jobs"][number] => ({
    ...{ key: "deploy", id: "deploy", title: "Deploy", site, labels: [], needs: [], final: false },
    ...{ state: "held", attempt: 1, attempts: [], outputs: {}, steps: [], effects: [] },
  });
  const taskAt = (site: string) => portal.agent.addTask({ pipeline: "cd", app: "pier", jobs: [job(site)] }).id;
  const fields = { ...appInput(), targets: [{ ...appInput().targets[0], site: "seoul" }] };
  portal.agent.addApp({ name: "pond", record: { ...fields, targets: TARGETS.slice(0, 1) } as never });
  const ask = async (method: string, path: string, json?: object): Promise<number> => {
    const headers = { "idempotency-key": crypto.randomUUID(), ...(method === "PATCH" ? { "if-match": "*" } : {}) };
    return (await portal.ask(path, { method, token: tokens.get(who) ?? null, headers, ...(json ? { json } : {}) }))
      .status;
  };
  const atTokyo = { ...appInput().targets[0], name: "tokyo", site: "tokyo" };
  const refused: readonly [method: string, path: string, body?: object][] = [
    ["POST", "/v1/apps/pier/cd", { params: {} }],
    ["POST", `/v1/tasks/${taskAt("tokyo")}/cancel`, {}],
    ["POST", `/v1/tasks/${taskAt("tokyo")}/rerun`, {}],
    ["POST", `/v1/tasks/${taskAt("tokyo")}/resolve`, { job: "deploy", answer: "run-again", reason: "x" }],
    ["POST", `/v1/tasks/${taskAt("tokyo")}/resolve`, { job: "deploy", answer: "mark-done", reason: "x" }],
    ["PATCH", "/v1/apps/pier", { title: "x" }],
    ["POST", "/v1/apps/pier/rename", { to: "quay" }],
    ["DELETE", "/v1/apps/pier?undo=false"],
    ["DELETE", "/v1/apps/pier?undo=true"],
    ["PATCH", "/v1/apps/pond", { targets: [atTokyo] }],
    ["POST", "/v1/apps", { adopt: true, name: "quay", app: { ...fields, targets: [atTokyo] } }],
  ];
  for (const [method, path, body] of refused) assert.equal(await ask(method, path, body), 403, `${method} ${path}`);
  assert.equal(await ask("POST", `/v1/tasks/${taskAt("seoul")}/cancel`, {}), 202);
  assert.equal(await ask("PATCH", "/v1/apps/pond", { title: "Pond" }), 200);
  const may = async (app: string) =>
    ((await (await get(who, `/v1/apps/${app}`)).json()) as { may: string[] }).may.filter((verb) =>
      ["change-app", "remove-app", "cancel"].includes(verb),
    );
  assert.deepEqual([await may("pier"), (await may("pond")).length], [[], 3]);
});

test("the list of people says which roles each has, and where they come from", async () => {
  await portal.ask("/v1/people", { method: "POST", json: { name: "wanda", role: "none", groups: ["web"] } });
  await portal.ask("/v1/people", { method: "POST", json: { name: "gold-2", role: "viewer" } });
  const { items } = (await (await portal.ask("/v1/people")).json()) as { items: { name: string; roles: object[] }[] };
  const rolesOf = (name: string) => items.find((one) => one.name === name)?.roles;
  assert.deepEqual(rolesOf("wanda"), [{ role: "viewer", via: "web", on: "apps dull" }]);
  assert.deepEqual(rolesOf("gold-2"), [{ role: "viewer" }]);
});

test("a schedule is run only by who may run its pipeline where the params of the trigger run it", async () => {
  const site = { type: "string", default: "seoul" };
  portal.agent.addPipeline({
    ...CD,
    name: "patch",
    params: { type: "object", properties: { where: site } },
    jobs: [{ id: "a", title: "", needs: [], site: "${{ params.where }}", steps: [] }],
  });
  const run = async (where: string | undefined): Promise<number> => {
    const id = "orders:patch:schedule-1";
    const params = where === undefined ? {} : { params: { where } };
    portal.agent.addTrigger({
      id,
      pipeline: "patch",
      app: "orders",
      kind: "schedule",
      text: "0 3 * * * UTC",
      ...params,
    });
    const answers = [
      post("seoul-only", `/v1/triggers/${id}/run`, {}),
      post("seoul-only", `/v1/triggers/${id}/pause`, {}),
    ];
    const [started, paused] = (await Promise.all(answers)).map(({ status }) => status);
    assert.equal(started === 202, paused === 200);
    return started ?? 0;
  };
  assert.equal(await run(undefined), 202);
  assert.equal(await run("seoul"), 202);
  for (const where of ["tokyo", "${{ app.build.site }}"]) assert.equal(await run(where), 403, where);
});

test("I8: who starts or reruns a pipeline needs the right to run every pipeline that its jobs run", async () => {
  portal.agent.addPipeline({ name: "release", children: ["cd"] });
  portal.agent.addPipeline({ name: "checks", children: ["ci"] });
  const start = (pipeline: string) => ({ pipeline, app: "orders", params: {} });
  assert.equal((await post("no-cd", "/v1/tasks", start("checks"))).status, 202);
  const refused = await post("no-cd", "/v1/tasks", start("release"));
  assert.deepEqual([refused.status, ((await refused.json()) as Problem).code], [403, "forbidden"]);
  const { id } = portal.agent.addTask({ pipeline: "checks", children: ["ci", "cd"] });
  assert.equal((await post("no-cd", `/v1/tasks/${id}/rerun`, {})).status, 403, "the file of then ran cd");
});

test("I8: a pipeline that others run with params is run only where the caller may run it", async () => {
  const where = { type: "object", properties: { where: { type: "string", default: "seoul" } } };
  const call = (pipeline: string, params?: PipelineView["params"]): PipelineView["jobs"][number] => ({
    ...{ id: "call", title: "", needs: [], site: "", steps: [], pipeline },
    ...(params === undefined ? {} : { params }),
  });
  const passOn = { where: "${{ params.where }}" };
  portal.agent.addPipeline({
    ...{
      name: "patch-one",
      params: { type: "object", properties: { ...where.properties, note: { type: "integer" } } },
    },
    jobs: [{ id: "a", title: "", needs: [], site: "${{ params.where }}", steps: [] }],
  });
  const parent = (name: string, job: PipelineView["jobs"][number], ...more: string[]): void =>
    portal.agent.addPipeline({ name, params: where, jobs: [job], children: ["patch-one", ...more] });
  parent("passes-on", call("patch-one", passOn));
  parent("through-another", call("passes-on", passOn), "passes-on");
  parent("by-default", call("patch-one", {}));
  parent("at-tokyo", call("patch-one", { where: "tokyo" }));
  parent("computed", call("patch-one", { where: "${{ app.build.site }}" }));
  parent("of-an-older-agent", call("patch-one"));
  const start = async (pipeline: string, params: object = {}): Promise<number> =>
    (await post("seoul-only", "/v1/tasks", { pipeline, app: "orders", params })).status;
  for (const name of ["passes-on", "through-another"])
    for (const [params, status] of [
      [{}, 202],
      [{ where: "seoul" }, 202],
      [{ where: "tokyo" }, 403],
    ] as const)
      assert.equal(await start(name, params), status, `${name} ${JSON.stringify(params)}`);
  assert.equal(await start("by-default", { where: "tokyo" }), 202, "the other pipeline does not get it");
  const many = Array.from({ length: 30 }, (_, at) =>
    call("patch-one", { where: at === 29 ? "tokyo" : "seoul", note: at }),
  );
  portal.agent.addPipeline({ name: "many", params: where, jobs: many, children: ["patch-one"] });
  for (const name of ["at-tokyo", "computed", "of-an-older-agent", "many"]) assert.equal(await start(name), 403, name);

  const each = { pipeline: "passes-on", app: "orders", fanOut: { param: "where", values: ["seoul", "tokyo"] } };
  assert.equal((await post("seoul-only", "/v1/tasks", each)).status, 403, "for many values at once");
  const trigger = { pipeline: "passes-on", app: "orders", kind: "schedule", text: "0 3 * * * UTC" } as const;
  portal.agent.addTrigger({ id: "orders:passes-on:schedule-1", ...trigger, params: { where: "tokyo" } });
  assert.equal((await post("seoul-only", "/v1/triggers/orders:passes-on:schedule-1/run", {})).status, 403);
  const { id } = portal.agent.addTask({ pipeline: "at-tokyo", app: "orders", children: ["patch-one"], jobs: [] });
  assert.equal((await post("seoul-only", `/v1/tasks/${id}/rerun`, {})).status, 403, "by a rerun");
});

test("a task whose jobs run other pipelines is where these run: for a cancel, an approval, and every other change", async () => {
  portal.agent.addApp({ name: "jetty", record: { targets: TARGETS } });
  portal.agent.addPipeline({ name: "release", jobs: [], children: ["cd"] });
  const job = (more: Partial<TaskView["jobs"][number]>): TaskView["jobs"][number] => ({
    ...{ key: "deploy", id: "deploy", title: "Deploy", site: "", labels: [], needs: [], final: false },
    ...{ state: "running", attempt: 1, attempts: [], outputs: {}, steps: [], effects: [] },
    ...more,
  });
  const add = (pipeline: string, one: TaskView["jobs"][number]): string =>
    portal.agent.addTask({ pipeline, app: "jetty", jobs: [one] }).id;
  /** A task that runs another one, which runs a deployment at the site. */
  const release = (site: string): string => {
    const middle = add("release", job({ child: { pipeline: "cd", task: add("cd", job({ site })) } }));
    return add("release", job({ child: { pipeline: "release", task: middle } }));
  };
  const change = async (who: string, id: string, path: string, json: object = {}): Promise<number> =>
    (await post(who, `/v1/tasks/${id}/${path}`, json)).status;
  const notStarted = add("release", job({ child: { pipeline: "cd" } }));
  for (const who of ["not-at-tokyo", "seoul-only"]) {
    assert.equal(await change(who, release("seoul"), "cancel"), 202, who);
    assert.equal(await change(who, release("tokyo"), "cancel"), 403, who);
    assert.equal(await change(who, notStarted, "cancel"), 403, `${who}: it may be anywhere`);
  }
  const answer = { answer: "approve", plan: "sha256:0" };
  const notPlaced = add("release", job({ state: "waiting" }));
  for (const id of [release("tokyo"), notStarted, notPlaced])
    assert.equal(await change("not-at-tokyo", id, "jobs/deploy/approval", answer), 403);
});

test("a rollback runs the other pipelines of CD only for who may run them", async () => {
  portal.agent.addPipeline({ ...CD, children: ["ci"] });
  try {
    for (const path of ["cd", "rollback"])
      assert.equal((await post("deployer", `/v1/apps/orders/${path}`, {})).status, 403, path);
  } finally {
    portal.agent.addPipeline(CD);
  }
  assert.equal((await post("deployer", "/v1/apps/orders/rollback", {})).status, 202);
});

test("a plan is made only where the caller may run CD, whatever pipeline CD is", async () => {
  portal.agent.addPipeline({ ...CD, name: "cd-plan" });
  portal.agent.addPipeline({
    ...{ ...CD, params: { type: "object", properties: {} } },
    jobs: [{ id: "deploy", title: "", needs: [], site: "seoul", steps: [] }],
  });
  const plan = async (targets: readonly string[]): Promise<number> =>
    (await post("seoul-only", "/v1/apps/orders/cd-plans", { params: { targets } })).status;
  try {
    assert.equal((await post("seoul-only", "/v1/apps/orders/cd", {})).status, 202);
    assert.equal(await plan(["seoul"]), 202);
    assert.equal(await plan(["tokyo"]), 403);
  } finally {
    portal.agent.addPipeline(CD);
  }
});

test("I8: the page of a task says that a rerun needs the right to run its children, and who has it", async () => {
  const mayOf = async (children: string[]) => {
    const { id } = portal.agent.addTask({ pipeline: "checks", children });
    const answer = await get("no-cd", `/v1/tasks/${id}`);
    const { may, mayNot } = (await answer.json()) as { may: string[]; mayNot: { rerun?: string } };
    return { isAllowed: may.includes("rerun"), why: mayNot.rerun };
  };
  assert.deepEqual(await mayOf(["ci"]), { isAllowed: true, why: undefined });
  const refused = await mayOf(["ci", "cd"]);
  assert.equal(refused.isAllowed, false);
  assert.match(
    refused.why ?? "",
    /^It runs other pipelines \(ci, cd\)\. .*Deployments are frozen\. Ask somebody who may do it: /,
  );
});

test("who runs a pipeline for many values at once needs the right for each of them", async () => {
  const each = (values: readonly string[]): Promise<Response> =>
    post("seoul-only", "/v1/tasks", { pipeline: "cd", app: "orders", fanOut: { param: "targets", values } });
  assert.equal((await each(["seoul"])).status, 202);
  assert.equal((await each(["seoul", "tokyo"])).status, 403, "one of many");
});
