// What `gantry start` takes from the lab: the fakes, and the configurations of processes that use them.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunnerConfigInput } from "@gantry/task-runner/config.ts";
import { writeLabDefinitions } from "./definitions.ts";
import type { PullCredential } from "./fakes/argo-cd/registry.ts";
import { LAB_SITES, type LabEntry, startFakes } from "./fakes/fakes.ts";
import { LAB_CUBE } from "./fakes/messenger.ts";

/** Configurations as the processes read them from files; the caller adds address and token of the agent. */
export type Lab = {
  readonly entries: { readonly [name: string]: LabEntry };
  /** One runner per site: everything but `agent` and `token`. */
  readonly runners: readonly LabRunner[];
  readonly channels: Record<string, { kind: string; [setting: string]: unknown }>;
  /** The folder of definitions: the shipped pipelines, with what the lab offers in their forms. */
  readonly pipelines: string;
  readonly close: () => Promise<void>;
};

export type LabRunner = Omit<RunnerConfigInput, "agent" | "token">;

export type LabOptions = {
  readonly dir: string;
  readonly path: string;
  readonly host?: string;
  /** Default: the sites of the lab. */
  readonly sites?: readonly string[];
  /** Where Bitbucket sends its webhooks. Default: nowhere. */
  readonly webhook?: { readonly url: string; readonly secret: string };
  /** Real registries from which the clusters may pull, besides those of the lab. */
  readonly registries?: readonly { readonly url: string; readonly username: string; readonly passwordFile: string }[];
};

/** The folder of the fake scanner program; it comes first in the PATH. */
const BIN = fileURLToPath(new URL("./fakes/bin", import.meta.url));

/** `host`: the address at which processes on other machines reach the fakes; absent: loopback. */
export async function startLab(options: LabOptions): Promise<Lab> {
  const sites = clustersOf(options.sites);
  const fakes = await startFakes(join(options.dir, "world"), options.host, {
    sites,
    registries: registriesOf(options),
    ...(options.webhook ? { webhook: options.webhook } : {}),
  });
  const secrets = join(options.dir, "secrets");
  mkdirSync(secrets, { recursive: true, mode: 0o700 });
  const secret = (name: string, value = fakes.entries[name]?.secret): { file: string } => {
    const file = join(secrets, name);
    writeFileSync(file, value ?? "", { mode: 0o600 });
    return { file };
  };
  const entry = (name: string): LabEntry => {
    const known = fakes.entries[name];
    if (!known) throw new Error(`the lab has no ${name}`);
    return known;
  };
  const system = (name: string, part: object): object => ({ url: entry(name).url, standIn: true, ...part });
  const bitbucket = system("bitbucket", {
    kind: "git",
    provider: "bitbucket-dc",
    username: "gantry",
    token: "BITBUCKET",
  });
  const { reader } = entry("bitbucket");
  const common = (site: string): Pick<LabRunner, "data" | "path" | "slots" | "labels"> => ({
    data: join(options.dir, `runner-${site}`),
    path: `${BIN}:${options.path}`,
    slots: 4,
    labels: [`site-${site}`],
  });

  const others = (site: string): readonly string[] => Object.keys(sites).filter((one) => one !== site);

  const runners: LabRunner[] = [
    {
      name: "platform-1",
      site: "platform",
      ...common("platform"),
      systems: {
        bitbucket,
        jira: system("jira", {
          kind: "jira",
          flavour: "data-center",
          username: "gantry",
          token: "JIRA",
          lead: "gantry",
        }),
      },
      secrets: { BITBUCKET: secret("bitbucket"), JIRA: secret("jira") },
    },
    ...Object.keys(sites).map((site) => ({
      name: `${site}-1`,
      site,
      ...common(site),
      systems: {
        bitbucket,
        harbor: system(`${site}-harbor`, { kind: "harbor", username: "admin", password: "HARBOR" }),
        ...Object.fromEntries(
          others(site).map((other) => [
            `harbor-${other}`,
            system(`${other}-harbor`, {
              kind: "harbor",
              site: other,
              username: "admin",
              password: `HARBOR_${other.toUpperCase()}`,
            }),
          ]),
        ),
        nexus: system(`${site}-nexus`, {
          kind: "nexus",
          username: "gantry",
          password: "NEXUS",
          // One site has Maven, so that the others show what is said when it is missing.
          repositories: { npm: "npm-group", ...(site === Object.keys(sites)[0] ? { maven: "maven-group" } : {}) },
        }),
        sonarqube: system(`${site}-sonarqube`, { kind: "sonarqube", token: "SONARQUBE" }),
        argocd: system(`${site}-argocd`, {
          kind: "argocd",
          token: "ARGOCD",
          git: { bitbucket: { username: reader?.username, password: "ARGOCD_GIT" } },
        }),
      },
      secrets: {
        BITBUCKET: secret("bitbucket"),
        HARBOR: secret(`${site}-harbor`),
        ...Object.fromEntries(
          others(site).map((other) => [`HARBOR_${other.toUpperCase()}`, secret(`${other}-harbor`)]),
        ),
        NEXUS: secret(`${site}-nexus`),
        SONARQUBE: secret(`${site}-sonarqube`),
        ARGOCD: secret(`${site}-argocd`),
        ARGOCD_GIT: secret("bitbucket-argocd", reader?.secret),
      },
    })),
  ];
  const channels = {
    cube: {
      kind: "messenger",
      preset: "cube",
      url: `${entry("messenger").url}/cube/api/multiMessage`,
      account: LAB_CUBE.account,
      token: LAB_CUBE.token,
      channels: ["deployments"],
    },
    mail: {
      kind: "mail",
      host: new URL(entry("mail").url).hostname,
      port: entry("mail").smtpPort,
      tls: "if-offered",
      from: "gantry@lab.invalid",
      to: ["team@lab.invalid"],
    },
  };
  const pipelines = writeLabDefinitions(options.dir, sites);
  return { entries: fakes.entries, runners, channels, pipelines, close: fakes.close };
}

/** Site → its cluster. */
function clustersOf(sites: LabOptions["sites"]): Readonly<Record<string, string>> {
  return sites === undefined ? LAB_SITES : Object.fromEntries(sites.map((site) => [site, `${site}-dp`]));
}

function registriesOf({ registries = [] }: LabOptions): readonly PullCredential[] {
  return registries.map(({ url, username, passwordFile }) => {
    const { host, protocol } = new URL(url);
    const password = existsSync(passwordFile) ? readFileSync(passwordFile, "utf8").trim() : "";
    return { host, username, password, plainHttp: protocol === "http:" };
  });
}
