// system/check against the fakes of every kind of system: what it says when everything is there, and for each thing that
// can be missing.

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { GIT_PROVIDERS, type GitProvider } from "@gantry/core/site/git-providers.ts";
import type { System, SystemKind } from "@gantry/core/site/systems.ts";
import { startArgoCd } from "@gantry/lab/fakes/argo-cd/argo-cd.ts";
import { selfSigned } from "@gantry/lab/fakes/certificate.ts";
import type { FakeServerOptions } from "@gantry/lab/fakes/fake-server.ts";
import { startBitbucketCloud } from "@gantry/lab/fakes/git/bitbucket-cloud.ts";
import { startBitbucketDc } from "@gantry/lab/fakes/git/bitbucket-dc.ts";
import { startGitea } from "@gantry/lab/fakes/git/gitea.ts";
import { startGitee } from "@gantry/lab/fakes/git/gitee.ts";
import { startGithub } from "@gantry/lab/fakes/git/github.ts";
import { startGitlab } from "@gantry/lab/fakes/git/gitlab.ts";
import { startHarbor } from "@gantry/lab/fakes/harbor/harbor.ts";
import { startJira } from "@gantry/lab/fakes/jira.ts";
import { startNexus } from "@gantry/lab/fakes/nexus/nexus.ts";
import { startRegistry } from "@gantry/lab/fakes/registry/registry.ts";
import { startSonarqube } from "@gantry/lab/fakes/sonarqube.ts";
import { ACCOUNTS } from "../git/lab.fixture.ts";
import { ACCESS, RIGHTS, type Right } from "../rights.ts";
import { openBench } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { systemCheck } from "./steps.ts";

type Started = { readonly url: string; readonly port: number; readonly close: () => Promise<void> };
type Settings = Omit<System, "name" | "url" | "standIn"> & Readonly<Record<string, unknown>>;

type Case = {
  readonly kind: SystemKind;
  readonly start: (options: FakeServerOptions) => Promise<Started>;
  /** With all rights. */
  readonly system: Settings;
  /** What apps name. */
  readonly known?: Readonly<Record<string, readonly string[]>>;
  /** What is said of each right, with all of them. */
  readonly given: Readonly<Record<string, RegExp>>;
  /** Accounts or settings without a right → what is said about which right. */
  readonly without: readonly {
    readonly as: Readonly<Record<string, unknown>>;
    readonly right: string;
    readonly says: RegExp;
  }[];
  readonly credential: "token" | "password";
};

const REPOSITORIES = { repositories: ["git:APPS/orders"], pushed: ["git:APPS/orders"] };

async function seeded<
  T extends { readonly seedRepository: (project: string, slug: string, folder: string) => Promise<void> },
>(host: T, project: string, dir: string): Promise<T> {
  await mkdir(join(dir, "seed"), { recursive: true });
  await writeFile(join(dir, "seed", "README.md"), "# orders\n");
  await host.seedRepository(project, "orders", join(dir, "seed"));
  return host;
}

const CASES: Readonly<Record<string, Case>> = {
  "Bitbucket Data Center": {
    kind: "git",
    credential: "token",
    start: async (options) =>
      seeded(
        await startBitbucketDc({ ...options, accounts: ACCOUNTS, projects: [{ key: "APPS", name: "Apps" }] }),
        "APPS",
        options.dir,
      ),
    system: { kind: "git", provider: "bitbucket-dc", username: "gantry", token: "lab-admin-token" },
    known: REPOSITORIES,
    given: { login: /as gantry/, create: /APPS/, clone: /APPS\/orders/, push: /APPS\/orders/, status: /APPS\/orders/ },
    without: [
      {
        as: { username: "reader", token: "lab-reader-token" },
        right: "create",
        says: /does not administer the project APPS/,
      },
      {
        as: { username: "reader", token: "lab-reader-token" },
        right: "push",
        says: /refuses APPS\/orders \(status 403\)/,
      },
      { as: { appsMay: ["NONE/*"] }, right: "create", says: /NONE/ },
    ],
  },
  "Bitbucket Cloud": {
    kind: "git",
    credential: "token",
    start: async (options) =>
      seeded(await startBitbucketCloud({ ...options, accounts: ACCOUNTS, workspaces: ["acme"] }), "acme", options.dir),
    system: {
      kind: "git",
      provider: "bitbucket-cloud",
      username: "gantry",
      token: "lab-admin-token",
      appsMay: ["acme/*"],
    },
    known: { repositories: ["git:acme/orders"], pushed: ["git:acme/orders"] },
    given: { login: /as gantry/, create: /acme/, clone: /acme\/orders/, push: /acme\/orders/, status: /acme\/orders/ },
    without: [
      { as: { username: "reader", token: "lab-reader-token" }, right: "create", says: /only the scopes repository/ },
    ],
  },
  GitHub: {
    kind: "git",
    credential: "token",
    start: async (options) =>
      seeded(await startGithub({ ...options, accounts: ACCOUNTS, organisations: ["acme"] }), "acme", options.dir),
    system: { kind: "git", provider: "github", token: "lab-admin-token", appsMay: ["acme/*"] },
    known: { repositories: ["git:acme/orders"], pushed: ["git:acme/orders"] },
    given: {
      login: /as gantry/,
      create: /scope repo/,
      clone: /acme\/orders/,
      push: /acme\/orders/,
      status: /acme\/orders/,
    },
    without: [
      { as: { token: "lab-reader-token" }, right: "create", says: /only the scopes read:user/ },
      { as: { token: "lab-reader-token" }, right: "push", says: /refuses acme\/orders/ },
      { as: { appsMay: ["nobody/*"] }, right: "create", says: /no organisation nobody/ },
    ],
  },
  Gitea: {
    kind: "git",
    credential: "token",
    start: async (options) =>
      seeded(await startGitea({ ...options, accounts: ACCOUNTS, organisations: ["acme"] }), "acme", options.dir),
    system: { kind: "git", provider: "gitea", token: "lab-admin-token", appsMay: ["acme/*"] },
    known: { repositories: ["git:acme/orders"], pushed: ["git:acme/orders"] },
    given: {
      login: /as gantry/,
      create: /may create/,
      clone: /acme\/orders/,
      push: /acme\/orders/,
      status: /acme\/orders/,
    },
    without: [
      { as: { token: "lab-reader-token" }, right: "create", says: /reader may not create repositories/ },
      { as: { token: "lab-reader-token" }, right: "push", says: /refuses acme\/orders/ },
      { as: { appsMay: ["nobody/*"] }, right: "create", says: /no organisation nobody/ },
    ],
  },
  GitLab: {
    kind: "git",
    credential: "token",
    start: async (options) =>
      seeded(
        await startGitlab({ ...options, accounts: ACCOUNTS, organisations: ["acme/shop"] }),
        "acme/shop",
        options.dir,
      ),
    system: { kind: "git", provider: "gitlab", token: "lab-admin-token", appsMay: ["acme/shop/*"] },
    known: { repositories: ["git:acme/shop/orders"], pushed: ["git:acme/shop/orders"] },
    given: {
      login: /as gantry/,
      create: /acme\/shop: .* may create/,
      clone: /shop\/orders/,
      push: /shop\/orders/,
      status: /shop\/orders/,
    },
    without: [
      { as: { token: "lab-reader-token" }, right: "create", says: /only the scopes read_api/ },
      { as: { token: "lab-reader-token" }, right: "push", says: /refuses acme\/shop\/orders/ },
      { as: { appsMay: ["acme/none/*"] }, right: "create", says: /no group acme\/none/ },
    ],
  },
  Gitee: {
    kind: "git",
    credential: "token",
    start: async (options) =>
      seeded(await startGitee({ ...options, accounts: ACCOUNTS, organisations: ["acme"] }), "acme", options.dir),
    system: { kind: "git", provider: "gitee", token: "lab-admin-token", appsMay: ["acme/*"] },
    known: { repositories: ["git:acme/orders"], pushed: ["git:acme/orders"] },
    given: {
      login: /as gantry/,
      create: /administers the organisation/,
      clone: /acme\/orders/,
      push: /acme\/orders/,
      status: /acme\/orders/,
    },
    without: [
      { as: { token: "lab-reader-token" }, right: "push", says: /refuses acme\/orders/ },
      { as: { appsMay: ["nobody/*"] }, right: "create", says: /no organisation nobody/ },
    ],
  },
  "a plain registry": {
    kind: "registry",
    credential: "password",
    start: (options) => startRegistry({ ...options, username: "ci", password: "registry-pass-1" }),
    system: { kind: "registry", username: "ci", password: "registry-pass-1" },
    known: { images: ["apps/orders"] },
    given: { login: /as ci/, push: /apps\/orders/ },
    without: [],
  },
  Harbor: {
    kind: "harbor",
    credential: "password",
    start: async (options) =>
      startHarbor({ ...options, username: "admin", password: "harbor-pass-1", empty: options.tls !== undefined }),
    system: { kind: "harbor", username: "admin", password: "harbor-pass-1", appsMay: ["library/*", "apps/*"] },
    given: { login: /as admin/, project: /library exists; apps does not exist yet/, push: /library/, scan: /library/ },
    without: [],
  },
  Nexus: {
    kind: "nexus",
    credential: "password",
    start: async (options) => startNexus({ ...options, username: "gantry", password: "nexus-pass-1" }),
    system: { kind: "nexus", username: "gantry", password: "nexus-pass-1", repositories: { npm: "npm-group" } },
    given: { login: /as gantry/, download: /npm-group/ },
    without: [{ as: { repositories: { npm: "npm-all" } }, right: "download", says: /npm-all does not exist/ }],
  },
  SonarQube: {
    kind: "sonarqube",
    credential: "token",
    start: async (options) =>
      startSonarqube({
        ...options,
        token: "sonar-token-1",
        tokens: [
          { token: "sonar-scan-1", rights: ["scan"] },
          { token: "sonar-create-1", rights: ["create"] },
        ],
      }),
    system: { kind: "sonarqube", token: "sonar-token-1" },
    given: {
      login: /as gantry/,
      analyse: /Execute Analysis/,
      create: /Create Projects/,
      scanner:
        /`scannerToken` is not set, so sonar-scanner gets the token of gantry.* the sources of an app can pass it on.* Global Analysis Token/,
    },
    without: [
      { as: { token: "sonar-scan-1" }, right: "create", says: /lacks .*Create Projects/ },
      { as: { token: "sonar-create-1" }, right: "analyse", says: /lacks .*Execute Analysis/ },
    ],
  },
  "Argo CD": {
    kind: "argocd",
    credential: "token",
    start: async (options) =>
      startArgoCd({
        ...options,
        token: "argocd-token-1",
        clusters: [{ name: "seoul-dp", server: "https://seoul-dp.example" }],
        accounts: [
          { name: "synced", token: "argocd-token-2", without: ["applications, sync"] },
          { name: "planned", token: "argocd-token-3", without: ["projects, create", "repositories, update"] },
          { name: "read", token: "argocd-token-4", without: ["applications, create"] },
        ],
      }),
    system: { kind: "argocd", token: "argocd-token-1" },
    known: { clusters: ["seoul-dp"], argocdProjects: ["orders"] },
    given: {
      login: /as /,
      clusters: /seoul-dp/,
      projects: /projects orders/,
      repositories: /repositories \*/,
      git: /`git:` of the system names no account, and no app is deployed from a repository yet/,
      applications: /applications orders\/\*/,
      sync: /applications orders\/\*/,
    },
    without: [
      { as: { token: "argocd-token-2" }, right: "sync", says: /may not sync applications orders\/\*/ },
      { as: { token: "argocd-token-3" }, right: "projects", says: /may not create projects orders/ },
      { as: { token: "argocd-token-3" }, right: "repositories", says: /may not update repositories/ },
      { as: { token: "argocd-token-4" }, right: "applications", says: /may not create applications/ },
    ],
  },
  Jira: {
    kind: "jira",
    credential: "token",
    start: async (options) =>
      startJira({
        ...options,
        flavour: "data-center",
        username: "gantry",
        token: "jira-token-1",
        without: ["TRANSITION_ISSUES"],
      }),
    system: { kind: "jira", flavour: "data-center", username: "gantry", token: "jira-token-1", lead: "gantry" },
    given: { login: /as gantry/, create: /Administer Jira/, issues: /no app has a Jira project/ },
    without: [],
  },
};

test("every git host has a row", () => {
  const rows = Object.values(CASES).map(({ system }) => ("provider" in system ? system.provider : undefined));
  assert.deepEqual(
    GIT_PROVIDERS.filter((provider) => !rows.includes(provider)),
    [],
    "add a row to CASES in this file for each of these",
  );
});

async function check(t: TestContext, one: Case, system: object, known: Case["known"] = one.known) {
  const bench = await openBench({ systems: [{ name: "git", standIn: false, ...system } as System] });
  t.after(() => bench.close());
  const outcome = await bench.once(systemCheck, { systems: [`${one.kind}/git`], ...known });
  const output = outcome.kind === "succeeded" || outcome.kind === "failed" ? outcome.output : undefined;
  const findings = output?.systems?.[0]?.findings ?? [];
  return { outcome, findings: new Map(findings.map((finding) => [finding.right, finding])), lines: bench.lines };
}

/** What the table of rights says for this system, or for this git host. */
function howToGive({ kind, system }: Case, right: string): string | undefined {
  const rights: { readonly [name: string]: Pick<Right, "how"> } = { ...ACCESS, ...RIGHTS[kind] };
  const how = rights[right]?.how;
  return typeof how === "string" || !("provider" in system) ? String(how) : how?.[system.provider as GitProvider];
}

for (const [title, one] of Object.entries(CASES)) {
  test(`${title}: every right is told, and each that is missing with how to give it`, async (t) => {
    const dir = await tempDir(t);
    const fake = await one.start({ name: "fake", dir });
    t.after(() => fake.close());
    const complete = { ...one.system, url: fake.url };
    const all = await check(t, one, complete);
    assert.deepEqual(
      [...all.findings.keys()],
      ["reach", "tls", "login", ...Object.keys(RIGHTS[one.kind])],
      "each right of the table is asked about",
    );
    for (const [right, says] of Object.entries(one.given)) assert.match(all.findings.get(right)?.says ?? "", says);
    assert.equal(all.outcome.kind, "succeeded", all.lines.join("\n"));

    for (const { as, right, says } of one.without) {
      const less = await check(t, one, { ...complete, ...as });
      const found = less.findings.get(right);
      assert.equal(found?.verdict, "no", `${right}: ${found?.says}`);
      assert.match(found?.says ?? "", says);
      assert.equal(found?.todo, howToGive(one, right));
      assert.equal(less.outcome.kind, "failed");
    }

    const stranger = await check(t, one, { ...complete, [one.credential]: "not-the-right-one" });
    assert.equal(stranger.findings.get("login")?.verdict, "no", stranger.lines.join("\n"));
    assert.deepEqual([...stranger.findings.keys()], ["reach", "tls", "login"]);
    assert.doesNotMatch(stranger.lines.join("\n"), /not-the-right-one/);

    await fake.close();
    const gone = await check(t, one, complete);
    assert.deepEqual([...gone.findings.keys()], ["reach"]);
    assert.match(gone.findings.get("reach")?.says ?? "", /Nothing listens|refused/i);

    const secure = await one.start({ name: "fake-tls", dir, tls: selfSigned(["localhost"]) });
    t.after(() => secure.close());
    const untrusted = await check(t, one, { ...complete, url: `https://localhost:${secure.port}` });
    assert.deepEqual([...untrusted.findings.keys()], ["reach", "tls"], untrusted.lines.join("\n"));
    assert.equal(untrusted.findings.get("tls")?.verdict, "no");
    assert.match(untrusted.findings.get("tls")?.todo ?? "", /`ca:`/);
  });
}

test("Harbor: a robot account hears what Harbor does not tell it, and what it may not push", async (t) => {
  const one = CASES.Harbor as Case;
  const fake = await one.start({ name: "fake", dir: await tempDir(t) });
  t.after(() => fake.close());
  const authorization = `Basic ${Buffer.from("admin:harbor-pass-1").toString("base64")}`;
  const answer = await fetch(`${fake.url}/api/v2.0/robots`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify({
      name: "gantry",
      level: "system",
      permissions: [{ namespace: "library", access: [{ resource: "repository", action: "pull" }] }],
    }),
  });
  const { name, secret } = (await answer.json()) as { readonly name: string; readonly secret: string };
  const robot = await check(t, one, { ...one.system, url: fake.url, username: name, password: secret });
  assert.equal(robot.findings.get("push")?.verdict, "no", robot.lines.join("\n"));
  assert.equal(robot.findings.get("scan")?.verdict, "unknown");
  assert.match(robot.findings.get("project")?.says ?? "", /does not say whether a robot account/);

  // Of the registry of another site, images are only copied.
  const account = { url: fake.url, username: name, password: secret, site: "seoul" };
  const images = { images: ["library/web-base"] };
  const source = await check(t, one, { ...one.system, ...account }, images);
  assert.deepEqual([...source.findings.keys()], ["reach", "tls", "login", "pull"]);
  assert.equal(source.findings.get("pull")?.says, "library/web-base");
  assert.equal(source.outcome.kind, "succeeded", source.lines.join("\n"));
  const closed = await check(t, one, { ...one.system, ...account }, { images: ["other/web"] });
  assert.equal(closed.findings.get("pull")?.verdict, "no", closed.lines.join("\n"));
});

test("Argo CD: a cluster that a target misspells is named, with the one that was meant", async (t) => {
  const one = CASES["Argo CD"] as Case;
  const fake = await one.start({ name: "fake", dir: await tempDir(t) });
  t.after(() => fake.close());
  const { findings } = await check(t, one, { ...one.system, url: fake.url }, { clusters: ["seoul-db"] });
  assert.match(findings.get("clusters")?.says ?? "", /targets name seoul-db \(did you mean seoul-dp\?\)/);
});

test("Jira: a project in which issues cannot be moved is named; one that cannot be asked about is unknown", async (t) => {
  const one = CASES.Jira as Case;
  const fake = await one.start({ name: "fake", dir: await tempDir(t) });
  t.after(() => fake.close());
  const system = { ...one.system, url: fake.url };
  const unknown = await check(t, one, system, { jiraProjects: ["ORD"] });
  assert.equal(unknown.findings.get("issues")?.verdict, "unknown");
  await fetch(`${fake.url}/rest/api/2/project`, {
    method: "POST",
    headers: { authorization: "Bearer jira-token-1", "content-type": "application/json" },
    body: JSON.stringify({ key: "ORD", name: "Orders", projectTypeKey: "software", lead: "gantry" }),
  });
  const { findings } = await check(t, one, system, { jiraProjects: ["ORD"] });
  assert.match(findings.get("issues")?.says ?? "", /in ORD it lacks TRANSITION_ISSUES/);
});

test("a system that the runner does not have is left out", async (t) => {
  const bench = await openBench({ systems: [] });
  t.after(() => bench.close());
  const outcome = await bench.once(systemCheck, { systems: ["argocd/argocd"] });
  assert.deepEqual(outcome, { kind: "succeeded", output: { missing: 0, systems: [] } });
});

test("SonarQube: a token for the scanner alone ends the warning", async (t) => {
  const one = CASES.SonarQube as Case;
  const fake = await one.start({ name: "fake", dir: await tempDir(t) });
  t.after(() => fake.close());
  const warned = await check(t, one, { ...one.system, url: fake.url });
  assert.deepEqual([warned.findings.get("scanner")?.verdict, warned.outcome.kind], ["unknown", "succeeded"]);
  const { findings } = await check(t, one, { ...one.system, url: fake.url, scannerToken: "sonar-scan-1" });
  assert.deepEqual(findings.get("scanner")?.verdict, "yes");
});
