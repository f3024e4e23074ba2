// `gantry start --config`: an installation that `gantry init` wrote, alone and with fakes for what it lacks.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startNexus } from "@gantry/lab/fakes/nexus/nexus.ts";
import { freePorts } from "@gantry/runtime/free-ports.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { systemView } from "@gantry/wire/agent/sites/views.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { type AllInOne, startAllInOne } from "./all-in-one.ts";
import { openPortal } from "./client.ts";
import { lackingSystems } from "./decide-lacking.ts";
import { mixRunners, sitesOf } from "./decide-mix.ts";
import { readInstallation } from "./installed.ts";
import { runCommand } from "./portal.fixture.ts";

const folder = await mkdtemp(join(tmpdir(), "gantry-start-"));
after(() => rm(folder, { recursive: true }));
const logger = () => makeLogger("test", "silent");

async function installed(name: string, ...flags: string[]): Promise<string> {
  const dir = join(folder, name);
  const [portal = 0, agent = 0, notify = 0] = await freePorts(3);
  const ports = [`--port=${portal}`, `--agent-port=${agent}`, `--notify-port=${notify}`];
  const { code, out } = await runCommand(["init", dir, ...ports, ...flags]);
  assert.equal(code, 0, out);
  return dir;
}

function start(config: string, lab: boolean): Promise<AllInOne> {
  const options = { data: "unused", port: undefined, path: process.env.PATH ?? "", lab, config, env: {} };
  return startAllInOne(options, logger);
}

test("what init wrote starts, and its own system is used, not a fake", async (t) => {
  const nexus = await startNexus({ name: "nexus", dir: folder, username: "gantry", password: "nexus-pass-1" });
  t.after(() => nexus.close());
  const dir = await installed("alone", "--site=seoul", "--nexus", nexus.url, "--isolation=none");
  await writeFile(join(dir, "secrets/seoul-nexus-password"), "nexus-pass-1\n");
  const gantry = await start(dir, false);
  t.after(() => gantry.close());
  assert.deepEqual(lackingSystems(gantry.runners), [
    "a git host at seoul",
    "a registry (Harbor) at seoul",
    "an Argo CD at seoul",
  ]);
  const token = (await readFile(join(gantry.data, "admin-token"), "utf8")).trim();
  const portal = openPortal(gantry.url, gantry.data, AbortSignal.timeout(60_000));
  const systems = await untilSome(() => portal.get("/v1/systems", page(systemView)));
  assert.deepEqual(
    systems.map(({ site, kind, url, standIn }) => ({ site, kind, url, standIn })),
    [{ site: "seoul", kind: "nexus", url: nexus.url, standIn: false }],
  );
  const env = { GANTRY_PORTAL: gantry.url, GANTRY_TOKEN: token };
  const { code, out } = await runCommand(["doctor", "--system", "nexus"], { env });
  assert.equal(code, 0, out);
});

test("with the lab, systems that the installation does not name are fakes at its own sites", async (t) => {
  const nexus = await startNexus({ name: "own-nexus", dir: folder, username: "gantry", password: "nexus-pass-1" });
  t.after(() => nexus.close());
  const dir = await installed("mixed", "--site=busan", "--nexus", nexus.url, "--isolation=none");
  await writeFile(join(dir, "secrets/busan-nexus-password"), "nexus-pass-1");
  const gantry = await start(dir, true);
  t.after(() => gantry.close());
  assert.deepEqual(lackingSystems(gantry.runners), []);
  const token = (await readFile(join(gantry.data, "admin-token"), "utf8")).trim();
  const portal = openPortal(gantry.url, gantry.data, AbortSignal.timeout(60_000));
  const systems = await untilSome(() => portal.get("/v1/systems", page(systemView)), 7);
  const shown = systems.map(({ site, kind, standIn }) => `${site} ${kind} ${standIn ? "fake" : "own"}`);
  assert.deepEqual(shown.toSorted(), [
    "busan argocd fake",
    "busan git fake",
    "busan harbor fake",
    "busan nexus own",
    "busan sonarqube fake",
    "platform git fake",
    "platform jira fake",
  ]);
  const { code, out } = await runCommand(["doctor"], { env: { GANTRY_PORTAL: gantry.url, GANTRY_TOKEN: token } });
  assert.equal(code, 0, out);
});

/** Runners register a moment after the start. */
async function untilSome<T>(read: () => Promise<{ readonly items: readonly T[] }>, count = 1): Promise<readonly T[]> {
  const deadline = AbortSignal.timeout(60_000);
  for (;;) {
    const { items } = await read();
    if (items.length >= count) return items;
    deadline.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("a folder that is no installation, and a mistake in a file, are said with the place", async () => {
  assert.throws(() => readInstallation(join(folder, "nothing"), {}), { code: "argument-unusable" });
  const dir = await installed("broken");
  await writeFile(join(dir, "runner-main.yaml"), "name: main-1\nsite: main\nagend: http://127.0.0.1:1\n");
  assert.throws(
    () => readInstallation(dir, {}),
    (error: Error) => {
      assert.match(error.message + JSON.stringify(error), /runner-main\.yaml/);
      assert.match(error.message + JSON.stringify(error), /agend/);
      return true;
    },
  );
});

const SYSTEM = { url: "https://host.example", token: "T" };
const runner = (site: string, systems: object, name = `${site}-1`) =>
  ({ name, site, agent: "http://agent", token: "t", data: "d", systems, secrets: { T: { file: "own" } } }) as never;
const lab = (site: string, ...kinds: string[]) =>
  ({
    name: `${site}-1`,
    site,
    data: "lab",
    systems: Object.fromEntries(kinds.map((kind) => [kind, { kind, ...SYSTEM, standIn: true }])),
    secrets: { T: { file: "lab" } },
  }) as never;
const mixed = (own: never[], fakes: never[]) =>
  mixRunners(own, fakes, () => ({ agent: "http://agent", token: "new" })).map(
    ({ name, systems = {}, secrets = {} }) => [
      name,
      Object.fromEntries(
        Object.entries(systems).map(([key, system]) => {
          const { kind, token } = system as { readonly kind: string; readonly token: string };
          const source = secrets[token] as { readonly file: string } | undefined;
          return [key, `${kind} of ${source?.file}`];
        }),
      ),
    ],
  );

test("a git host of one's own is used at every site, beside fakes of the rest", () => {
  const own = [runner("platform", { bitbucket: { kind: "git", ...SYSTEM } })];
  assert.equal(sitesOf(own), undefined);
  const fakes = [lab("platform", "git", "jira"), lab("seoul", "git", "harbor", "argocd")];
  assert.deepEqual(mixed(own, fakes), [
    ["platform-1", { bitbucket: "git of own", jira: "jira of lab" }],
    ["seoul-1", { bitbucket: "git of own", harbor: "harbor of lab", argocd: "argocd of lab" }],
  ]);
});

test("a runner that gets fakes finds their programs; one that has a path, or all systems, keeps its own", () => {
  const fake = { ...(lab("seoul", "git", "sonarqube") as object), path: "/lab/bin:/bin" } as never;
  const pathOf = (own: object) => mixRunners([own as never], [fake], () => ({ agent: "a", token: "t" }))[0]?.path;
  assert.equal(pathOf(runner("seoul", {})), "/lab/bin:/bin");
  assert.equal(pathOf({ ...(runner("seoul", {}) as object), path: "/own" }), "/own");
  const all = { git: { kind: "git", ...SYSTEM }, sonarqube: { kind: "sonarqube", ...SYSTEM } };
  assert.equal(pathOf(runner("seoul", all)), undefined);
});

test("an Argo CD of one's own stays; several runners of a site get the fakes; a taken name is not hidden", () => {
  const own = [
    runner("seoul", { argocd: { kind: "argocd", ...SYSTEM } }, "deploy-1"),
    runner("seoul", { harbor: { kind: "nexus", ...SYSTEM } }, "build-1"),
  ];
  assert.deepEqual(sitesOf(own), ["seoul"]);
  assert.deepEqual(mixed(own, [lab("platform", "git"), lab("seoul", "git", "harbor", "nexus", "argocd")]), [
    ["platform-1", { git: "git of lab" }],
    ["deploy-1", { argocd: "argocd of own", git: "git of lab", harbor: "harbor of lab" }],
    ["build-1", { harbor: "nexus of own", git: "git of lab", "harbor-lab": "harbor of lab" }],
  ]);
});

test("Argo CD reads the git host that is there: the fake one with its account, one's own only if Argo CD is a fake", () => {
  const REAL = { kind: "git", url: "https://git.example", username: "gantry", token: "T" };
  const FAKE = { standIn: true, url: "http://127.0.0.1:1", token: "T" };
  const reader = { username: "argocd", password: "R" };
  const fakes = [
    {
      ...{ name: "seoul-1", site: "seoul", data: "/lab" },
      systems: { bitbucket: { kind: "git", ...FAKE }, argocd: { kind: "argocd", ...FAKE, git: { bitbucket: reader } } },
      secrets: { T: { file: "lab" }, R: { file: "reader" } },
    },
  ];
  const gitOf = (systems: object) => {
    const own = [runner("seoul", systems)];
    const [mixed] = mixRunners(own, fakes as never, () => ({ agent: "http://agent", token: "new" }));
    const argocd = mixed?.systems?.argocd as { readonly git?: Readonly<Record<string, object>> } | undefined;
    const git = argocd?.git;
    const named = Object.values(git ?? {}).flatMap((one) => ("password" in one ? [String(one.password)] : []));
    for (const secret of named) assert.ok(Object.hasOwn(mixed?.secrets ?? {}, secret), secret);
    return git;
  };
  const ofLab = { username: "argocd", password: "LAB_R" };
  assert.deepEqual(gitOf({}), { bitbucket: ofLab });
  assert.deepEqual(gitOf({ ours: REAL }), { ours: { username: "gantry", password: "T" } });
  assert.deepEqual(gitOf({ bitbucket: { kind: "nexus", ...SYSTEM } }), { "bitbucket-lab": ofLab });
  const argocd = { kind: "argocd", url: "https://argocd.example", token: "T" };
  assert.deepEqual(gitOf({ argocd }), { bitbucket: ofLab });
  assert.equal(gitOf({ argocd, ours: REAL }), undefined, "nobody hands over the account that pushes");
  const own = { ours: { username: "reader", password: "T" } };
  assert.deepEqual(gitOf({ argocd: { ...argocd, git: own }, ours: REAL }), own);
});
