// A real portal and a real task-agent, and commands that use them as administrator.

import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { visibleText } from "@gantry/core/visible-text.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import type { Io } from "./io.ts";
import { runLine, runOrThrow } from "./line/run-line.ts";

const TOKEN = "platform-token-of-this-test";

export type PortalOfTest = {
  readonly url: string;
  readonly agentUrl: string;
  /** The file with the administrator's token, which commands read. */
  readonly tokenFile: string;
  /** Runs `gantry WORDS`, and rejects with the GantryError that a person would read. */
  readonly run: (...argv: string[]) => Promise<Ran>;
  /** As `run`, but the error is printed and has an exit code. */
  readonly runAsPerson: (...argv: string[]) => Promise<Ran>;
  readonly close: () => Promise<void>;
  /** The environment of these commands. */
  readonly env: Io["env"];
  /** For what a test has to write. */
  readonly folder: string;
};

export type Ran = { readonly code: number; readonly out: string };

/** Runs a command as its process would. `out`: everything that it has written. */
export async function runCommand(
  argv: readonly string[],
  about: Partial<Io> = {},
  run: (argv: readonly string[], io: Io) => Promise<number> = runOrThrow,
): Promise<Ran> {
  let out = "";
  const write = (text: string): void => {
    out += visibleText(text);
  };
  const io: Io = {
    stdout: write,
    stderr: write,
    readFile: (path) => readFileSync(path, "utf8"),
    env: {},
    tty: false,
    readInput: () => Promise.reject(new Error("there is no input")),
    askSecret: undefined,
    interruption: () => new AbortController().signal,
    ...about,
  };
  return { code: await run(argv, io), out };
}

/** `runnerTokens`: the site of each token of a runner. `policy`: the text of a policy file. `definitions`: pipeline files by name. */
export async function openPortal(
  loggers: { readonly agent: Logger; readonly portal: Logger },
  runnerTokens: Readonly<Record<string, string>> = {},
  policy?: string,
  definitions?: Readonly<Record<string, string>>,
): Promise<PortalOfTest> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-cli-"));
  const file = join(folder, "roles.yaml");
  if (policy !== undefined) await writeFile(file, policy);
  const pipelines = join(folder, "pipelines");
  if (definitions) await mkdir(pipelines);
  for (const [name, text] of Object.entries(definitions ?? {})) await writeFile(join(pipelines, name), text);
  const agent = await startTaskAgent(
    {
      data: join(folder, "agent"),
      portalUrl: "http://portal",
      token: TOKEN,
      runnerTokens,
      ...(definitions ? { pipelines } : {}),
    },
    { logger: loggers.agent },
  );
  const portal = await startPortal(
    {
      dataDir: join(folder, "portal"),
      port: 0,
      agent: { url: agent.url, token: TOKEN },
      ...(policy === undefined ? {} : { access: { policy: file } }),
    },
    { logger: loggers.portal },
  );
  const tokenFile = join(folder, "portal/admin-token");
  const env = { GANTRY_PORTAL: portal.url, GANTRY_TOKEN_FILE: tokenFile };
  return {
    url: portal.url,
    agentUrl: agent.url,
    tokenFile,
    env,
    folder,
    run: (...argv) => runCommand(argv, { env }),
    runAsPerson: (...argv) => runCommand(argv, { env }, runLine),
    close: async () => {
      await portal.close();
      await agent.close();
      await rm(folder, { recursive: true });
    },
  };
}
