// A task-agent, a portal and a runner in this process, for one pipeline file. Nothing of it stays.

import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startPortal } from "@gantry/portal-api/main.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import type { RunnerConfigInput } from "@gantry/task-runner/config.ts";
import { openJobExecutor, startRunner } from "@gantry/task-runner/main.ts";
import { type PortalClient, portalClient } from "../client.ts";

export type LocalInstallation = {
  readonly portal: (signal?: AbortSignal) => PortalClient;
  /** Ends the programs that still run, and removes every file. */
  readonly close: () => Promise<void>;
};

export type LocalOptions = {
  /** The only pipeline. */
  readonly text: string;
  /** The templates that it includes, by path in the set. */
  readonly included: ReadonlyMap<string, string>;
  /** Of the runner, without the task-agent and the folder, which are made here. */
  readonly runner: Omit<RunnerConfigInput, "agent" | "token" | "enrol" | "data" | "labels">;
  /** In place of the workspace of each job. Absent: an empty folder per job. */
  readonly workspace: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** One per process, because a task-agent takes a tenth of a second to derive a key from a new one. */
const token = randomBytes(32).toString("base64url");

/** Rejects with what the processes reject with; then nothing is left, either. */
export async function startLocal({ text, included, runner, workspace, env }: LocalOptions): Promise<LocalInstallation> {
  const folder = await mkdtemp(join(tmpdir(), `gantry-exec-${process.pid}-`));
  const closers: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (const one of closers.toReversed()) await one();
  };
  const logger = makeLogger("exec", "silent");
  const runnerToken = randomBytes(32).toString("base64url");
  try {
    const pipelines = join(folder, "definitions/pipelines");
    await mkdir(pipelines, { recursive: true });
    await writeFile(join(pipelines, "local.yaml"), text);
    for (const [path, template] of included) {
      const file = join(folder, "definitions", path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, template);
    }
    const agent = await startTaskAgent(
      {
        ...{
          data: join(folder, "agent"),
          pipelines: join(folder, "definitions"),
          portalUrl: "http://localhost",
          token,
        },
        runnerTokens: { [runnerToken]: runner.site },
      },
      { logger },
    );
    closers.push(agent.close);
    const portal = await startPortal(
      { dataDir: join(folder, "portal"), port: 0, agent: { url: agent.url, token } },
      { logger },
    );
    closers.push(portal.close);
    const executor = openJobExecutor(logger);
    closers.push(executor.close);
    const inFolder: typeof executor = {
      ...executor,
      run: ({ folders, ...request }, control) =>
        executor.run(
          { ...request, folders: { ...folders, ...(workspace === undefined ? {} : { workspace }) } },
          control,
        ),
    };
    await mkdir(join(folder, "runner"));
    const started = await startRunner(
      { ...runner, agent: agent.url, token: runnerToken, data: join(folder, "runner"), drainSeconds: 0 },
      { logger, executor: inFolder, env },
    );
    closers.push(() => started.close({ drainMs: 0 }));
    return { portal: (signal) => portalClient(portal.url, portal.adminToken, signal), close };
  } catch (error) {
    await close();
    throw error;
  }
}
