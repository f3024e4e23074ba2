// Start and end of each of the four processes: configuration, logger, signals, and one line about a failed start.

import { readFileSync } from "node:fs";
import { configInvalid, type OpenedConfig, openConfig } from "@gantry/core/config/read.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { pino } from "pino";
import type { z } from "zod";
import manifest from "../package.json" with { type: "json" };
import { readArguments, usage } from "./arguments.ts";
import { closeInheritedFiles } from "./inherited-files.ts";
import { type Logger, type LogLevel, makeLogger } from "./logger.ts";
import type { RecentLines } from "./recent-lines.ts";
import { inOneLine, startError } from "./start-error.ts";

/** A running process. `ended` resolves when it has ended by itself, with all that it was to do done, and rejects when it cannot continue. */
export type Running = { readonly close: (again?: boolean) => Promise<void>; readonly ended?: Promise<void> };

/**
 * Runs a process until SIGTERM or SIGINT: `node …/main.ts --config FILE`. The environment
 * (`GANTRY_<NAME>_…`) overrides the file. A second signal closes at once. Exit code 0 after an orderly end, 2 when the configuration is
 * invalid or the start failed (one line on stderr: what, why, what to do), 1 for anything else. `recent` also gets every line of the log.
 */
export async function runProcess<S extends z.ZodObject>(
  name: string,
  schema: S,
  start: (config: z.output<S>, logger: Logger) => Promise<Running>,
  recent?: RecentLines,
): Promise<void> {
  try {
    const { config, locate } = loadConfig(name, schema);
    closeInheritedFiles();
    const level = "logLevel" in config ? (config.logLevel as LogLevel) : "info";
    const running = await start(config, makeLogger(name, level, recent && alsoTo(recent))).catch((error: unknown) => {
      throw withPlaces(startError(error) ?? error, locate);
    });
    let stops = 0;
    const stop = (): void => {
      stops += 1;
      running.close(stops > 1).then(
        () => process.exit(0),
        (error: unknown) => fail(error),
      );
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
    await running.ended;
    // It has ended by itself, in order.
    if (running.ended) process.exit(0);
  } catch (error) {
    fail(error);
  }
}

function alsoTo(recent: RecentLines): { readonly write: (line: string) => void } {
  const stdout = pino.destination(1);
  return {
    write: (line) => {
      stdout.write(line);
      recent.write(line);
    },
  };
}

/** Adds files and lines to configuration problems that were found after the schema. */
function withPlaces(error: unknown, locate: OpenedConfig<unknown>["locate"]): unknown {
  const isConfig = error instanceof GantryError && error.code === "config-invalid";
  return isConfig && error.problems.length > 0 ? configInvalid(error.problems.map(locate)) : error;
}

function loadConfig<S extends z.ZodObject>(name: string, schema: S): OpenedConfig<z.output<S>> {
  const { config, show, flags } = readArguments(process.argv.slice(2), schema);
  if (show) {
    process.stdout.write(show === "help" ? usage(name, schema) : `${name} ${manifest.version}\n`);
    process.exit(0);
  }
  const prefix = `GANTRY_${name.toUpperCase().replaceAll("-", "_")}`;
  const readText = (path: string): string => readFileSync(path, "utf8");
  let file: { name: string; text: string } | undefined;
  try {
    file = config === undefined ? undefined : { name: config, text: readText(config) };
  } catch (error) {
    throw new GantryError("config-invalid", {
      problem: `The file ${config} cannot be read: ${fileProblem(error)}.`,
    });
  }
  return openConfig(schema, { file, env: process.env, flags, prefix, readFile: readText });
}

function fail(error: unknown): void {
  const line = error instanceof GantryError ? inOneLine(error) : undefined;
  process.stderr.write(`${line ?? (error instanceof Error ? (error.stack ?? error.message) : String(error))}\n`);
  process.exit(line ? 2 : 1);
}
