// Runs all processes in this one, with the lab if it is wanted. They talk over HTTP, as in production, so nothing changes
// when each runs as its own process (see separate.ts).

import { join } from "node:path";
import { startNotifyAgent } from "@gantry/notify-agent/main.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { openJobExecutor, sandboxProblem, startRunner } from "@gantry/task-runner/main.ts";
import { type DataFolder, openDataFolder } from "./data-folder.ts";

export type AllInOne = {
  readonly url: string;
  readonly data: string;
  readonly close: () => Promise<void>;
};

export type AllInOneOptions = {
  readonly data: string;
  readonly port: number | undefined;
  /** The PATH for programs that jobs start. */
  readonly path: string;
  /** Start fakes of all external systems, and a runner at each of their sites. */
  readonly lab: boolean;
};

/** The configurations of all processes, as their files would hold them. */
export type Configs = {
  readonly agent: Parameters<typeof startTaskAgent>[0];
  readonly notify: Parameters<typeof startNotifyAgent>[0];
  readonly portal: Parameters<typeof startPortal>[0];
  readonly runners: readonly Parameters<typeof startRunner>[0][];
};

type Lab = {
  readonly runners: readonly Omit<Configs["runners"][number], "agent" | "token">[];
  readonly channels: NonNullable<Configs["notify"]["channels"]>;
  readonly close: () => Promise<void>;
};

const SITES = ["platform", "seoul", "tokyo"] as const;

/** Starts the lab if it is wanted, and returns the configurations of all processes. */
export async function prepare({
  data,
  port,
  path,
  lab: isWanted,
}: AllInOneOptions): Promise<{ folder: DataFolder; configs: Configs; closeLab: () => Promise<void> }> {
  const folder = await openDataFolder(data, SITES, port);
  const lab = await (isWanted ? openLab(folder.path, path) : noLab(folder.path, path)).catch((error: unknown) => {
    folder.release();
    throw error;
  });
  // The lab's scripts are ours, so the lab also works where there is no sandbox. A runner of yours refuses scripts there.
  const isolation = isWanted && (await sandboxProblem(path)) !== undefined ? "none" : "sandbox";
  const token = folder.platformToken;
  const portalUrl = `http://127.0.0.1:${folder.ports.portal}`;
  const agent = { url: `http://127.0.0.1:${folder.ports.agent}`, token };
  const notify = { url: `http://127.0.0.1:${folder.ports.notify}`, token };
  return {
    folder,
    closeLab: async () => {
      await lab.close();
      folder.release();
    },
    configs: {
      agent: {
        data: join(folder.path, "task-agent"),
        port: folder.ports.agent,
        portalUrl,
        token,
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
      portal: { port: folder.ports.portal, publicUrl: portalUrl, dataDir: folder.path, agent, notify },
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
  loggerOf: (process: string) => Logger,
): Promise<AllInOne> {
  const opened: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const one of opened.splice(0).toReversed()) await one();
  };
  try {
    const { folder, configs, closeLab } = await prepare(options);
    opened.push(closeLab);
    opened.push((await startTaskAgent(configs.agent, { logger: loggerOf("task-agent") })).close);
    opened.push((await startNotifyAgent(configs.notify, { logger: loggerOf("notify-agent") })).close);
    const portal = await startPortal(configs.portal, { logger: loggerOf("portal-api") });
    opened.push(portal.close);
    const executor = openJobExecutor(loggerOf("task-runner"));
    opened.push(executor.close);
    for (const config of configs.runners) {
      const runner = await startRunner(config, { logger: loggerOf("task-runner"), executor });
      // Running jobs are released, and resumed at the next start.
      opened.push(() => runner.close({ drainMs: 0 }));
    }
    return { url: portal.url, data: folder.path, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Loads the code of the lab only here, so that it is not loaded in production. */
async function openLab(dir: string, path: string): Promise<Lab> {
  return (await import("@gantry/lab/start.ts")).startLab({ dir, path });
}

/** One runner, at the site platform. Runners of other sites are started elsewhere, with the tokens of the data folder. */
async function noLab(dir: string, path: string): Promise<Lab> {
  const data = join(dir, "runner-platform");
  const platform = { name: "platform-1", site: "platform", data, path, slots: 4, labels: ["site-platform"] };
  return { runners: [platform], channels: {}, close: async () => {} };
}
