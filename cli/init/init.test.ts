// `gantry init`: what it writes, that it never overwrites, and that what it writes is a configuration that starts.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readParamValues } from "@gantry/core/pipeline/param-values.ts";
import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import { runnerConfigSchema } from "@gantry/task-runner/config.ts";
import { parse } from "yaml";
import { readInstallation } from "../installed.ts";
import { runCommand } from "../portal.fixture.ts";
import type { Ask } from "./read-answers.ts";
import { SYSTEMS } from "./systems.fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "gantry-init-"));
after(() => rmSync(folder, { recursive: true }));

const run = (argv: readonly string[], ask?: Ask) => runCommand(["init", ...argv], { ask });

for (const form of ["all-in-one", "separate"]) {
  test(`init --form ${form} writes files that each process accepts, and secrets for their owner only`, async () => {
    const dir = join(folder, form);
    const { code, out } = await run([dir, "--form", form, ...SYSTEMS]);
    assert.equal(code, 0, out);
    const { runners, portal, notify, agent } = readInstallation(dir, {});
    assert.deepEqual(
      runners.map(({ site, systems }) => [site, Object.keys(systems ?? {})]),
      [
        ["main", ["git", "harbor", "argocd", "nexus", "sonarqube"]],
        ["platform", ["git", "jira"]],
      ],
    );
    assert.equal(portal.agent.token, agent.token);
    assert.equal(portal.signIn?.issuers?.[0]?.issuer, "https://sso.example/realms/main");
    assert.deepEqual(Object.keys(notify.channels ?? {}), ["mail"]);
    const secrets = readdirSync(join(dir, "secrets"));
    assert.ok(secrets.includes("main-argocd-token"));
    for (const name of secrets) assert.equal(statSync(join(dir, "secrets", name)).mode & 0o777, 0o600, name);
    assert.equal(statSync(dir).mode & 0o777, 0o700);
    assert.match(out, /main-argocd-token\n +a token of Gantry's account at https:\/\/argocd\.example\/argo\n/);
    assert.match(out, /argocd-git-token\n +a token of Argo CD's own account at https:\/\/git\.example, which may only/);
    const main = runners.find(({ site }) => site === "main");
    const argocd = main?.systems?.argocd as { readonly git?: object } | undefined;
    assert.deepEqual(argocd?.git, { git: { username: "argocd", password: "ARGOCD_GIT" } });
    assert.match(out, form === "separate" ? /node task-agent\/main\.ts/ : /gantry start --config/);
  });
}

test("init never overwrites: files need --force, and secrets stay even then", async () => {
  const dir = join(folder, "twice");
  assert.equal((await run([dir, "--git=github=https://github.com"])).code, 0);
  writeFileSync(join(dir, "secrets/git-token"), "my-token\n");
  const token = readFileSync(join(dir, "secrets/platform-token"), "utf8");
  const refused = await run([dir, "--site", "seoul"]);
  assert.equal(refused.code, 1);
  assert.match(refused.out, /already has task-agent\.yaml, .*Nothing was written\..*--force/);
  assert.ok(!readdirSync(dir).includes("runner-seoul.yaml"));
  const forced = await run([dir, "--site", "seoul", "--git=github=https://github.com", "--force"]);
  assert.equal(forced.code, 0, forced.out);
  assert.equal(readFileSync(join(dir, "secrets/git-token"), "utf8").trim(), "my-token");
  assert.equal(readFileSync(join(dir, "secrets/platform-token"), "utf8"), token);
  assert.doesNotMatch(forced.out, /secrets\/git-token/);
});

test("without a system init says what is still missing", async () => {
  const { out } = await run([join(folder, "bare")]);
  assert.match(
    out,
    /Still missing before an app can be built and deployed: a git host \(--git\), a registry .*, an Argo CD/,
  );
});

test("init asks a person for what the flags leave open", async () => {
  const asked: string[] = [];
  const answers: Readonly<Record<string, string>> = { site: "seoul", "Git host": "github=https://github.com" };
  const dir = join(folder, "asked");
  const { code, out } = await run([dir, "--argocd", "https://argocd.example"], async (question) => {
    asked.push(question);
    return Object.entries(answers).find(([begins]) => question.includes(begins))?.[1] ?? "";
  });
  assert.equal(code, 0, out);
  assert.ok(
    asked.some((one) => one.startsWith("Projects with")),
    "a git host was named, so its projects are asked for",
  );
  assert.ok(!asked.some((one) => one.startsWith("Address of Argo CD")), "it was given");
  assert.ok(
    asked.some((one) => one.includes("Argo CD's own account at the git host")),
    "Argo CD does not get the account of Gantry",
  );
  const { runners } = readInstallation(dir, {});
  const seoul = runners.find(({ site }) => site === "seoul");
  assert.deepEqual(Object.keys(seoul?.systems ?? {}), ["git", "argocd"]);
});

test("init allows the images of nested groups, as create-app names them", async () => {
  const dir = join(folder, "nested");
  const argv = ["--git=gitlab=https://gitlab.example", "--git-project=Acme/Shop", "--harbor=https://harbor.example"];
  const { code, out } = await run([dir, "--form=all-in-one", "--site=seoul", ...argv]);
  assert.equal(code, 0, out);
  const { runners } = readInstallation(dir, {});
  const systems = JSON.stringify(runners.find(({ site }) => site === "seoul")?.systems);
  assert.match(
    systems,
    /"provider":"gitlab".*"appsMay":\["Acme\/Shop\/\*"\].*"kind":"harbor".*"appsMay":\["shop\/\*"\]/,
  );
});

test("mistakes in flags are named, all at once, and nothing is written", async () => {
  const dir = join(folder, "wrong");
  const argv = [
    "--form=kubernetes",
    "--git=https://git.example",
    "--argocd=seol=https://a.example",
    "--harbor=harbor",
    "--site=seoul",
  ];
  const { code, out } = await run([dir, ...argv]);
  assert.equal(code, 2);
  assert.match(out, /--form kubernetes: use one of all-in-one, separate, compose, chart/);
  assert.match(out, /--git https:\/\/git\.example: it must be PROVIDER=URL/);
  assert.match(out, /--argocd seol=.*: there is no site seol \(did you mean seoul\?\)/);
  assert.match(out, /--harbor harbor: it must be like https:\/\/host\.example/);
  assert.ok(!readdirSync(folder).includes("wrong"));
});

test("init --form compose: every service, secret, volume, network and file that it names exists", async () => {
  const dir = join(folder, "compose");
  const { code, out } = await run([dir, "--form", "compose", "--site", "seoul", "--site", "tokyo", ...SYSTEMS]);
  assert.equal(code, 0, out);
  const text = readFileSync(join(dir, "compose.yaml"), "utf8");
  const compose = parse(text) as {
    services: Record<string, { secrets: string[]; volumes: string[]; networks: string[] }>;
    secrets: Record<string, { file: string }>;
    volumes: object;
    networks: object;
  };
  assert.deepEqual(Object.keys(compose.services), [
    ...["task-agent", "notify-agent", "portal-api"],
    ...["runner-platform", "runner-seoul", "runner-tokyo"],
  ]);
  for (const [name, { secrets, volumes, networks }] of Object.entries(compose.services)) {
    for (const one of secrets)
      assert.ok(statSync(join(dir, compose.secrets[one]?.file ?? "?")).isFile(), `${name}: ${one}`);
    for (const one of networks) assert.ok(one in compose.networks, one);
    for (const one of volumes) {
      const [source = ""] = one.split(":");
      assert.ok(source.startsWith("./") ? statSync(join(dir, source)).isFile() : source in compose.volumes, one);
    }
  }
  for (const site of ["platform", "seoul", "tokyo"]) {
    const file = parse(readFileSync(join(dir, `runner-${site}.yaml`), "utf8")) as {
      secrets: Record<string, { file: string }>;
    };
    runnerConfigSchema.parse({ data: "/var/lib/gantry", ...file });
    const names = Object.values(file.secrets).map((one) => one.file.replace("/run/secrets/", ""));
    for (const one of names) assert.ok(compose.services[`runner-${site}`]?.secrets.includes(one), `${site}: ${one}`);
  }
});

test("init writes what the form of create-app needs, which the shipped pipelines accept", async () => {
  const dir = join(folder, "params");
  const argv = [
    ...["--git=bitbucket-cloud=https://bitbucket.org", "--git-project=acme/APPS", "--git-project=acme/SHOP"],
    ...["--site=seoul", "--site=tokyo", "--cluster=seoul-dp", "--cluster=tokyo=tokyo-dp", "--templates=acme/TEMPLATES"],
  ];
  assert.equal((await run([dir, ...argv])).code, 0);
  const { agent, runners } = readInstallation(dir, {});
  assert.equal(agent.params, join(dir, "params.yaml"));
  assert.doesNotMatch(readFileSync(agent.params ?? "", "utf8"), /[&*]a1/, "people read and change it");
  const pipelines = fileURLToPath(new URL("../../pipelines/", import.meta.url));
  const { pipeline } = parsePipeline(
    { name: "create-app.yaml", text: readFileSync(join(pipelines, "create-app.yaml"), "utf8") },
    JSON.parse(readFileSync(join(pipelines, "catalogue.json"), "utf8")),
  );
  assert(pipeline);
  const read = readParamValues({ file: "params.yaml", text: readFileSync(agent.params ?? "", "utf8") }, [pipeline]);
  assert("changed" in read, JSON.stringify(read));
  const { properties, required } = read.changed.get("create-app")?.params ?? {};
  assert.deepEqual(required, ["name", "title", "template", "jiraKey"]);
  assert.deepEqual(properties?.targets?.default, ["seoul/seoul-dp", "tokyo/tokyo-dp"]);
  assert.deepEqual(properties?.project?.enum, ["acme/APPS", "acme/SHOP"]);
  assert.deepEqual(runners.find(({ site }) => site === "platform")?.shared?.repositories, ["acme/TEMPLATES/*"]);
  const wrong = await run([join(folder, "none"), "--cluster=busan=x", "--cluster=Big"]);
  assert.match(wrong.out, /--cluster busan=x: there is no site busan/);
  assert.match(wrong.out, /--cluster Big: use lower case letters/);
});

test("with several sites, each runner can copy images from the registries of the others", async () => {
  const dir = join(folder, "sites");
  const argv = [
    "--site=seoul",
    "--site=tokyo-2",
    "--harbor=seoul=https://a.example",
    "--registry=tokyo-2=https://b.example",
  ];
  assert.equal((await run([dir, ...argv])).code, 0);
  const { runners } = readInstallation(dir, {});
  const shown = runners.map(({ site, systems = {}, secrets = {} }) => [
    site,
    Object.entries(systems).map(([name, system]) => `${name} of ${(system as { site?: string }).site ?? site}`),
    Object.entries(secrets).map(([name, source]) => `${name} ${"file" in source ? source.file.split("/").at(-1) : ""}`),
  ]);
  assert.deepEqual(shown, [
    ["platform", [], []],
    [
      "seoul",
      ["harbor of seoul", "registry-tokyo-2 of tokyo-2"],
      ["HARBOR seoul-harbor-password", "REGISTRY_TOKYO_2 tokyo-2-registry-password"],
    ],
    [
      "tokyo-2",
      ["registry of tokyo-2", "harbor-seoul of seoul"],
      ["REGISTRY tokyo-2-registry-password", "HARBOR_SEOUL seoul-harbor-password"],
    ],
  ]);
});
