// Runs all processes in this one, with the lab if it is wanted. They talk over HTTP, as in production, so nothing changes
// when each runs as its own process (see separate.ts).

import { hash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { startNotifyAgent } from "@gantry/notify-agent/main.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import { makePrivateFolder } from "@gantry/runtime/private-files.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { keepRecentLines, type RecentLines } from "@gantry/runtime/process/recent-lines.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { openJobExecutor, sandboxProblem, startRunner } from "@gantry/task-runner/main.ts";
import type { Configs } from "./configs.ts";
import { openDataFolder } from "./data-folder.ts";
import { mixRunners, sitesOf } from "./decide-mix.ts";
import { readInstallation } from "./installed.ts";

export type AllInOne = {
  readonly url: string;
  readonly data: string;
  readonly runners: Configs["runners"];
  readonly close: () => Promise<void>;
};

export type AllInOneOptions = {
  readonly data: string;
  readonly port: number | undefined;
  /** The PATH for programs that jobs start. */
  readonly path: string;
  /** Start fakes of all external systems, and a runner at each of their sites. With `config`: of those that it lacks. */
  readonly lab: boolean;
  /** The git host of the lab sends no webhooks, and is polled. Not with `config`. Default: it sends them. */
  readonly poll?: boolean;
  /** The folder of an installation, which is then used instead of `data`. */
  readonly config?: string | undefined;
  /** Its variables GANTRY_… override the files of an installation. */
  readonly env: Readonly<Record<string, string | undefined>>;
};

type Lab = {
  readonly runners: readonly Omit<Configs["runners"][number], "agent" | "token">[];
  readonly channels: NonNullable<Configs["notify"]["channels"]>;
  readonly pipelines?: string;
  readonly close: () => Promise<void>;
};

const SITES = ["platform", "seoul", "tokyo"] as const;

export type Prepared = {
  readonly configs: Configs;
  /** The folder with the administrator's token. */
  readonly data: string;
  /** Where generated files and the state of the lab are kept. */
  readonly work: string;
  readonly close: () => Promise<void>;
};

/** Starts the lab if it is wanted, and returns the configurations of all processes. */
export function prepare(options: AllInOneOptions): Promise<Prepared> {
  return options.config === undefined ? prepareFolder(options) : prepareInstallation(options, options.config);
}

/** The configurations of an installation, as its files hold them, and fakes of what it lacks if the lab is wanted. */
async function prepareInstallation(
  { path, env, port, lab: isWanted }: AllInOneOptions,
  given: string,
): Promise<Prepared> {
  const { dir, ...read } = readInstallation(given, env);
  const portal = port === undefined ? read.portal : { ...read.portal, port };
  const configs = { ...read, portal };
  const work = join(dir, "data");
  makePrivateFolder(work);
  const data = portal.dataDir ?? work;
  if (!isWanted) return { configs, data, work, close: async () => {} };
  const sites = sitesOf(read.runners);
  const lab = await openLab({
    dir: join(work, "lab"),
    path,
    ...(sites === undefined ? {} : { sites }),
    ...registriesOf(read.runners),
  });
  const runnerTokens = { ...read.agent.runnerTokens };
  const connect = (site: string) => {
    const token = randomBytes(32).toString("base64url");
    runnerTokens[token] = site;
    return { agent: read.runners[0]?.agent ?? `http://127.0.0.1:${read.agent.port}`, token };
  };
  const runners = mixRunners(read.runners, lab.runners, connect);
  const channels = Object.keys(read.notify.channels ?? {}).length === 0 ? lab.channels : read.notify.channels;
  return {
    configs: {
      agent: { ...read.agent, runnerTokens },
      notify: { ...read.notify, channels },
      portal,
      runners,
    },
    data,
    work,
    close: lab.close,
  };
}

/** Everything in one data folder, which the first start makes. */
async function prepareFolder({ data, port, path, lab: isWanted, poll = false }: AllInOneOptions): Promise<Prepared> {
  const folder = await openDataFolder(data, SITES, port);
  const portalUrl = `http://127.0.0.1:${folder.ports.portal}`;
  const webhook = { url: `${portalUrl}/v1/webhooks/bitbucket`, secret: webhookSecretOf(folder.platformToken) };
  const tells = poll ? {} : { webhook };
  const lab = await (isWanted ? openLab({ dir: folder.path, path, ...tells }) : noLab(folder.path, path)).catch(
    (error: unknown) => {
      folder.release();
      throw error;
    },
  );
  // The lab's scripts are ours, so the lab also works where there is no sandbox. A runner of yours refuses scripts there.
  const isolation = isWanted && (await sandboxProblem(path)) !== undefined ? "none" : "sandbox";
  const token = folder.platformToken;
  const agent = { url: `http://127.0.0.1:${folder.ports.agent}`, token };
  const notify = { url: `http://127.0.0.1:${folder.ports.notify}`, token };
  return {
    data: folder.path,
    work: folder.path,
    close: async () => {
      await lab.close();
      folder.release();
    },
    configs: {
      agent: {
        data: join(folder.path, "task-agent"),
        port: folder.ports.agent,
        portalUrl,
        token,
        ...(lab.pipelines === undefined ? {} : { pipelines: lab.pipelines }),
        ...(isWanted && poll ? { polling: LAB_POLLING } : {}),
        runnerTokens: Object.fromEntries(Object.entries(folder.runnerTokens).map(([site, secret]) => [secret, site])),
      },
      notify: {
        data: join(folder.path, "notify-agent"),
        port: folder.ports.notify,
        agent,
        token,
        portalUrl,
        channels: lab.channels,
      },
      portal: {
        ...{ port: folder.ports.portal, publicUrl: portalUrl, dataDir: folder.path, agent, notify },
        ...(isWanted ? { webhooks: { sources: labSources(webhook.secret) } } : {}),
      },
      runners: lab.runners.map((runner) => ({
        ...runner,
        isolation,
        agent: agent.url,
        token: folder.runnerTokens[runner.site] ?? "",
      })),
    },
  };
}

/**
 * Starts everything and resolves when the portal accepts requests. After an error, everything that was started is closed.
 * Each process has its own logger, by its name, because their log levels are set separately.
 */
export async function startAllInOne(
  options: AllInOneOptions,
  loggerOf: (process: string, recent?: RecentLines) => Logger,
): Promise<AllInOne> {
  const opened: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const one of opened.splice(0).toReversed()) await one();
  };
  try {
    const { data, configs, close: closeLab } = await prepare(options);
    opened.push(closeLab);
    opened.push((await startTaskAgent(configs.agent, { logger: loggerOf("task-agent") })).close);
    opened.push((await startNotifyAgent(configs.notify, { logger: loggerOf("notify-agent") })).close);
    const portal = await startPortal(configs.portal, { logger: loggerOf("portal-api") });
    opened.push(portal.close);
    const executor = openJobExecutor(loggerOf("task-runner"));
    opened.push(executor.close);
    for (const config of configs.runners) {
      const ownLog = keepRecentLines();
      const runner = await startRunner(config, { logger: loggerOf("task-runner", ownLog), ownLog, executor });
      // Running jobs are released, and resumed at the next start.
      opened.push(() => runner.close({ drainMs: 0 }));
    }
    return { url: portal.url, data, runners: configs.runners, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The Bitbucket of the lab tells the portal of every push. */
function labSources(secret: string): NonNullable<NonNullable<Configs["portal"]["webhooks"]>["sources"]> {
  return { bitbucket: { host: "bitbucket-dc", system: "bitbucket", secret } };
}

const LAB_POLLING = { sources: { lab: { site: "platform", system: "bitbucket", every: "5s" } } };

/** The same after a restart. */
function webhookSecretOf(platformToken: string): string {
  return hash("sha256", `webhook ${platformToken}`);
}

type LabOptions = {
  readonly dir: string;
  readonly path: string;
  readonly webhook?: { readonly url: string; readonly secret: string };
  readonly sites?: readonly string[];
  readonly registries?: readonly { readonly url: string; readonly username: string; readonly passwordFile: string }[];
};

/** Loads the code of the lab only here, so that it is not loaded in production. */
async function openLab(options: LabOptions): Promise<Lab> {
  return (await import("@gantry/lab/start.ts")).startLab(options);
}

/** The registries of the installation, so that the clusters of a fake Argo CD can pull from them. */
function registriesOf(runners: Configs["runners"]): Pick<LabOptions, "registries"> {
  const registries = runners.flatMap(({ systems = {}, secrets = {} }) =>
    Object.values(systems).flatMap((system) => {
      const { kind, url, username, password } = system as Record<string, unknown>;
      if (kind !== "harbor" || typeof url !== "string" || typeof username !== "string") return [];
      const source = secrets[String(password)];
      return source !== undefined && "file" in source ? [{ url, username, passwordFile: source.file }] : [];
    }),
  );
  return { registries };
}

/** One runner, at the site platform. Runners of other sites are started elsewhere, with the tokens of the data folder. */
async function noLab(dir: string, path: string): Promise<Lab> {
  const data = join(dir, "runner-platform");
  const platform = { name: "platform-1", site: "platform", data, path, slots: 4, labels: ["site-platform"] };
  return { runners: [platform], channels: {}, close: async () => {} };
}
