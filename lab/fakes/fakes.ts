// Fakes of every outside system of three sites on one machine, with fixed addresses and credentials. `lab.json` lists them
// for scripts; state, addresses and credentials survive restarts.

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startArgoCd } from "./argo-cd/argo-cd.ts";
import type { PullCredential } from "./argo-cd/registry.ts";
import { type FakeServer, LOOPBACK } from "./fake-server.ts";
import { startBitbucketDc } from "./git/bitbucket-dc.ts";
import { startHarbor } from "./harbor/harbor.ts";
import { startJira } from "./jira.ts";
import { startMailBox } from "./mail/mail.ts";
import { startMessenger } from "./messenger.ts";
import { startNexus } from "./nexus/nexus.ts";
import { startSonarqube } from "./sonarqube.ts";
import { writeLabTemplates } from "./templates.ts";

/** The address and credentials of each fake: the content of `lab.json` (mode 0600). */
export type LabFile = {
  readonly note: string;
  readonly standIns: { readonly [name: string]: LabEntry };
};

export type LabEntry = {
  readonly kind: string;
  readonly site: string;
  readonly url: string;
  readonly port: number;
  readonly smtpPort?: number;
  readonly username?: string;
  /** Password or token. */
  readonly secret?: string;
  /** Of a git host: the account of Argo CD, which may only read. */
  readonly reader?: { readonly username: string; readonly secret: string };
};

export type Fakes = {
  readonly entries: LabFile["standIns"];
  readonly fakes: { readonly [name: string]: FakeServer };
  readonly close: () => Promise<void>;
};

/** Site → its data-plane cluster. */
export const LAB_SITES = { seoul: "seoul-dp", tokyo: "tokyo-dp" } as const;

const NOTE =
  "Fakes of the lab, on this machine only. None of them is a real system, and no credential is valid for one.";

export type FakesOptions = {
  /** Site → its data-plane cluster. Default: those of the lab. */
  readonly sites?: Readonly<Record<string, string>>;
  /** Further registries from which the clusters may pull. */
  readonly registries?: readonly PullCredential[];
  /** Where Bitbucket sends its webhooks. Default: nowhere. */
  readonly webhook?: { readonly url: string; readonly secret: string };
};

/** Starts all fakes below `dir`; the same folder, host and sites give the same addresses and state again. */
export async function startFakes(
  dir: string,
  host = LOOPBACK,
  { sites = LAB_SITES, registries = [], webhook }: FakesOptions = {},
): Promise<Fakes> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, "..", "lab.json");
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as LabFile).standIns : {};
  const entries: { [name: string]: LabEntry } = {};
  const fakes: { [name: string]: FakeServer } = {};
  const start: Start = async (name, site, kind, username, open) => {
    const { entry, fake } = await startOne({ name, site, kind, username, dir, host, before: known[name] }, open);
    entries[name] = entry;
    fakes[name] = fake;
    return entry;
  };
  await start("bitbucket", "platform", "bitbucket-dc", "gantry", (opening) => openBitbucket(opening, webhook));
  const pullCredentials = [...(await startHarbors(start, sites)), ...registries];
  await Promise.all([...platformSystems(start), ...siteSystems(start, sites, pullCredentials)]);

  const content: LabFile = { note: NOTE, standIns: entries };
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return {
    entries,
    fakes,
    close: async () => {
      await Promise.all(Object.values(fakes).map((one) => one.close()));
    },
  };
}

type Sites = Readonly<Record<string, string>>;
type Open = (at: Opening) => Promise<FakeServer & { smtpPort?: number }>;
type Start = (name: string, site: string, kind: string, username: string | undefined, open: Open) => Promise<LabEntry>;

type Wanted = {
  readonly name: string;
  readonly site: string;
  readonly kind: string;
  /** Undefined: it needs no sign-in. */
  readonly username: string | undefined;
  readonly dir: string;
  readonly host: string;
  /** Its ports and its secret stay the same after a restart. */
  readonly before: LabEntry | undefined;
};

async function startOne(
  { name, site, kind, username, dir, host, before }: Wanted,
  open: Open,
): Promise<{ readonly entry: LabEntry; readonly fake: FakeServer }> {
  const secret = username === undefined ? undefined : (before?.secret ?? newSecret());
  const reader = kind === "bitbucket-dc" ? (before?.reader ?? { username: "argocd", secret: newSecret() }) : undefined;
  const ports = { port: before?.port ?? 0, smtpPort: before?.smtpPort ?? 0 };
  const fake = await open({ name, dir, host, ...ports, username: username ?? "", secret: secret ?? "", reader });
  const entry: LabEntry = {
    kind,
    site,
    url: fake.url,
    port: fake.port,
    ...(fake.smtpPort === undefined ? {} : { smtpPort: fake.smtpPort }),
    ...(username === undefined ? {} : { username }),
    ...(secret === undefined ? {} : { secret }),
    ...(reader === undefined ? {} : { reader }),
  };
  return { entry, fake };
}

function newSecret(): string {
  return `Lab1-${randomBytes(18).toString("base64url")}`;
}

async function openBitbucket(
  { username, secret, reader, ...options }: Opening,
  webhook: FakesOptions["webhook"],
): Promise<FakeServer> {
  const bitbucket = await startBitbucketDc({
    ...options,
    accounts: [
      { user: username, token: secret, rights: "admin" },
      ...(reader ? [{ user: reader.username, token: reader.secret, rights: "read" } as const] : []),
    ],
    projects: [
      { key: "TEMPLATES", name: "Templates" },
      { key: "APPS", name: "Apps" },
    ],
  });
  for (const [name, folder] of writeLabTemplates(join(options.dir, "templates")))
    await bitbucket.seedRepository("TEMPLATES", name, folder);
  if (webhook) bitbucket.sendWebhooks({ host: "bitbucket-dc", ...webhook });
  return bitbucket;
}

/** Every cluster may pull from every site's Harbor: an image is built at one site and runs at all of them. */
async function startHarbors(start: Start, sites: Sites): Promise<readonly PullCredential[]> {
  const harbors = await Promise.all(
    Object.keys(sites).map((site) =>
      start(`${site}-harbor`, site, "harbor", "admin", ({ username, secret, ...options }) =>
        startHarbor({ ...options, username, password: secret }),
      ),
    ),
  );
  return harbors.map(({ url, username = "", secret = "" }) => ({
    host: new URL(url).host,
    username,
    password: secret,
    plainHttp: true,
  }));
}

function platformSystems(start: Start): Promise<LabEntry>[] {
  return [
    start("jira", "platform", "jira", "gantry", ({ username, secret, ...options }) =>
      startJira({ ...options, flavour: "data-center", username, token: secret }),
    ),
    start("messenger", "platform", "messenger", undefined, startMessenger),
    start("mail", "platform", "mail", undefined, startMailBox),
  ];
}

function siteSystems(start: Start, sites: Sites, pullCredentials: readonly PullCredential[]): Promise<LabEntry>[] {
  return Object.entries(sites).flatMap(([site, cluster]) => [
    start(`${site}-nexus`, site, "nexus", "gantry", ({ username, secret, ...options }) =>
      startNexus({ ...options, username, password: secret }),
    ),
    start(`${site}-sonarqube`, site, "sonarqube", "gantry", ({ secret, ...options }) =>
      startSonarqube({ ...options, token: secret }),
    ),
    start(`${site}-argocd`, site, "argocd", "gantry", ({ secret, ...options }) => {
      const clusters = [{ name: cluster, server: `https://${cluster}.lab.invalid` }];
      return startArgoCd({ ...options, token: secret, pullCredentials, clusters });
    }),
  ]);
}

type Opening = {
  readonly name: string;
  readonly dir: string;
  readonly host: string;
  readonly port: number;
  readonly smtpPort: number;
  readonly username: string;
  readonly secret: string;
  readonly reader?: LabEntry["reader"];
};
