import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { createMasker } from "@gantry/core/mask/masker.ts";
import { runnerConfigSchema, slotsOf } from "./config.ts";
import { createSecrets } from "./steps/secrets.ts";
import { resolveSystems } from "./steps/systems.ts";

const BASE = { name: "seoul-1", site: "seoul", agent: "https://agent.example/", token: { env: "T" }, data: "/tmp/x" };
const HARBOR = { kind: "harbor", url: "https://harbor.example", username: "robot", password: { secret: "HARBOR" } };
const GIT = { kind: "git", provider: "bitbucket-dc", url: "https://git.example", token: "GIT_TOKEN" };

function problemsIn(config: object): string[] {
  const parsed = runnerConfigSchema.safeParse(config);
  return (parsed.error?.issues ?? []).map((issue) => {
    const keys = issue.code === "unrecognized_keys" ? ` ${issue.keys.join(",")}` : "";
    return `${issue.path.join(".")} ${issue.code}${keys}`;
  });
}

test("a configuration names its secrets, as text or as {secret}, and gets its defaults", () => {
  const config = runnerConfigSchema.parse({
    ...BASE,
    systems: { harbor: HARBOR, git: GIT },
    secrets: { HARBOR: { file: "/run/secrets/harbor" }, GIT_TOKEN: { env: "GIT_TOKEN" } },
  });
  assert.equal(config.agent, "https://agent.example");
  assert.equal(slotsOf(config), 2);
  assert.equal((config.systems.harbor as { password: string }).password, "HARBOR");
});

test("all mistakes in a configuration are reported at once", () => {
  const problems = problemsIn({
    ...BASE,
    slots: 0,
    sluts: 1,
    secrets: { HARBOR: { value: "plain" } },
    systems: { harbor: { ...HARBOR, passwort: "x" } },
  });
  assert.deepEqual(problems.toSorted(), [
    " unrecognized_keys sluts",
    "secrets.HARBOR invalid_union",
    "slots too_small",
    "systems.harbor unrecognized_keys passwort",
  ]);
});

test("a system whose secret is not listed is refused", () => {
  assert.deepEqual(problemsIn({ ...BASE, systems: { git: GIT } }), ["systems.git.token custom"]);
});

const ARGOCD = { kind: "argocd", url: "https://argocd.example", token: "ARGOCD" };
const READER_SECRETS = { ARGOCD: { env: "ARGOCD" }, GIT_TOKEN: { env: "GIT_TOKEN" }, READER: { env: "READER" } };

test("Argo CD reads git with an account of its own: its secret is resolved, too", async () => {
  const git = { bitbucket: { username: "argocd", password: { secret: "READER" } }, open: "none" };
  const systems = { bitbucket: GIT, open: GIT, argocd: { ...ARGOCD, git } };
  const config = runnerConfigSchema.parse({ ...BASE, systems, secrets: READER_SECRETS });
  const masker = createMasker();
  const secrets = createSecrets(config, { ARGOCD: "argocd-1", READER: "read-only-1" });
  const system = await resolveSystems(config, { name: "x", needs: ["argocd"] }, secrets, masker);
  const { token, git: readers } = system("argocd");
  assert.equal(token, "argocd-1");
  assert.deepEqual(readers, { bitbucket: { username: "argocd", password: "read-only-1" }, open: "none" });
  assert.equal(masker.text("read-only-1"), "***");
});

test("an account for Argo CD must name a git system of the runner, and never the secret that pushes", () => {
  const parse = (git: object, standIn = false) =>
    runnerConfigSchema.safeParse({
      ...BASE,
      systems: { bitbucket: GIT, argocd: { ...ARGOCD, standIn, git } },
      secrets: READER_SECRETS,
    });
  const problems = (git: object, standIn?: boolean) =>
    (parse(git, standIn).error?.issues ?? []).map(({ path, message }) => `${path.join(".")} ${message}`);
  assert.deepEqual(problems({ bitbucket: { username: "argocd", password: "READER" } }), []);
  assert.deepEqual(problems({ bitbuckt: "none" }), [
    "systems.argocd.git.bitbuckt is not a git system (did you mean bitbucket?); this runner has bitbucket",
  ]);
  assert.deepEqual(problems({ bitbucket: { password: "GIT_TOKEN" } }), [
    "systems.argocd.git.bitbucket has the secret with which Gantry pushes; give Argo CD an account that may only read",
  ]);
  assert.deepEqual(problems({ bitbucket: { password: "GIT_TOKEN" } }, true), []);
  assert.deepEqual(problems({ bitbucket: { password: "NOWHERE" } }), [
    "systems.argocd.git.bitbucket.password names the secret NOWHERE, which `secrets:` does not list",
  ]);
  assert.match(problems({ bitbucket: "public" })[0] ?? "", /git\.bitbucket must be a map .*, or `none` for a host/);
});

test("variables of scripts that the runner sets itself, and names that no shell takes, are refused", () => {
  const problems = (scriptEnv: Record<string, string>): readonly string[] => {
    const parsed = runnerConfigSchema.safeParse({ ...BASE, scriptEnv });
    return parsed.error?.issues.map(({ path, message }) => `${path.join(".")} ${message}`) ?? [];
  };
  assert.deepEqual(problems({ HTTPS_PROXY: "http://proxy.example", JAVA_TOOL_OPTIONS: "-Da=b", NODE_OPTIONS: "" }), []);
  for (const name of ["PATH", "HOME", "TMPDIR", "CI", "LANG", "GANTRY_APP"])
    assert.deepEqual(problems({ [name]: "x" }), [`scriptEnv.${name} is set by the runner and cannot be changed`]);
  assert.deepEqual(problems({ "MY-NAME": "x" }), ["scriptEnv.MY-NAME is not a valid variable name"]);
  assert.deepEqual(problems({ A: "a\0b" }), ["scriptEnv.A must not contain a zero byte"]);
});

const SITE = runnerConfigSchema.parse({
  ...BASE,
  systems: { harbor: HARBOR, git: GIT, "git-2": GIT },
  secrets: { HARBOR: { env: "HARBOR" }, GIT_TOKEN: { env: "GIT_TOKEN" } },
});
const STEP = { name: "image/build-push", needs: ["harbor", "git", "jira"] } as const;

test("a step gets the systems that it declares, with secrets resolved and masked", async () => {
  const masker = createMasker();
  const secrets = createSecrets(SITE, { HARBOR: "hunter222", GIT_TOKEN: "tok-123456" });
  const system = await resolveSystems(SITE, STEP, secrets, masker);
  const harbor = system("harbor");
  assert.equal(harbor.name, "harbor");
  assert.equal(harbor.password, "hunter222");
  assert.equal(masker.text("hunter222 tok-123456"), "*** ***");
  assert.equal(system("git", "git-2").token, "tok-123456");
  assert.throws(() => system("git"), { code: "bad-input" });
  assert.throws(() => system("jira"), { code: "system-missing" });
  assert.throws(() => system("git", "git-3"), { code: "system-missing" });
  const lookup = await resolveSystems(SITE, { name: "x", needs: ["git"] }, secrets, masker);
  assert.throws(() => lookup("harbor"), { code: "system-missing" });
});

test("a missing secret is an error only when its system is looked up, and the error names the secret", async () => {
  const system = await resolveSystems(SITE, STEP, createSecrets(SITE, { GIT_TOKEN: "tok-123456" }), createMasker());
  assert.equal(system("git", "git").token, "tok-123456");
  assert.throws(
    () => system("harbor"),
    (error) =>
      error instanceof GantryError &&
      error.code === "credential-missing" &&
      /HARBOR/.test(String(error.details.problem)),
  );
});

test("a secret in a file is read again each time; one that cannot be masked is refused", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-secrets-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "token");
  const secrets = createSecrets({ site: "seoul", secrets: { TOKEN: { file } } }, {});
  const masker = createMasker();
  await assert.rejects(secrets.resolve("TOKEN", masker), { code: "credential-missing" });
  await writeFile(file, "first-token\n");
  assert.equal(await secrets.resolve("TOKEN", masker), "first-token");
  await writeFile(file, "second-token");
  assert.equal(await secrets.resolve("TOKEN", masker), "second-token");
  await writeFile(file, "short\n");
  await assert.rejects(secrets.resolve("TOKEN", masker), { code: "credential-missing" });
  await assert.rejects(secrets.resolve("constructor", masker), { code: "credential-missing" });
});
