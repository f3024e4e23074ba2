// Reads the configuration files of an installation, as `gantry init` writes them: each by the rules of its process.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ConfigSources, openConfig } from "@gantry/core/config/read.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { notifySchema } from "@gantry/notify-agent/config.ts";
import { portalConfig } from "@gantry/portal-api/config.ts";
import { agentConfig } from "@gantry/task-agent/config.ts";
import { runnerConfigSchema } from "@gantry/task-runner/config.ts";
import type { z } from "zod";
import type { Configs } from "./configs.ts";

/** Throws `config-invalid`, with file and line, and `argument-unusable` for a folder that is no installation. */
export function readInstallation(given: string, env: ConfigSources["env"]): Configs & { readonly dir: string } {
  const dir = resolve(given);
  if (!existsSync(join(dir, "task-agent.yaml"))) {
    const problem = `There is no task-agent.yaml in ${dir}. \`gantry init ${given}\` writes an installation for this machine.`;
    throw new GantryError("argument-unusable", { argument: `--config ${given}`, problem });
  }
  const all = { ...environmentOf(join(dir, "gantry.env")), ...env };
  const runners = readdirSync(dir).filter((name) => /^runner-.*\.yaml$/.test(name));
  return {
    dir,
    agent: read(agentConfig, join(dir, "task-agent.yaml"), "GANTRY_TASK_AGENT", all),
    notify: read(notifySchema, join(dir, "notify-agent.yaml"), "GANTRY_NOTIFY_AGENT", all),
    portal: read(portalConfig, join(dir, "portal-api.yaml"), "GANTRY_PORTAL_API", all),
    runners: runners.toSorted().map((name) => read(runnerConfigSchema, join(dir, name), "GANTRY_TASK_RUNNER", all)),
  };
}

/** Of one runner. Throws `config-invalid`, with file and line. */
export function readRunnerConfig(file: string, env: ConfigSources["env"]): z.output<typeof runnerConfigSchema> {
  return read(runnerConfigSchema, file, "GANTRY_TASK_RUNNER", env);
}

function read<S extends z.ZodObject>(schema: S, name: string, prefix: string, env: ConfigSources["env"]): z.output<S> {
  const text = existsSync(name) ? readFileSync(name, "utf8") : "";
  const readFile = (path: string): string => readFileSync(path, "utf8");
  return openConfig(schema, { file: { name, text }, env, prefix, readFile }).config;
}

/** Lines `NAME='value'`, as a shell and systemd read them, too. */
function environmentOf(file: string): ConfigSources["env"] {
  if (!existsSync(file)) return {};
  const lines = readFileSync(file, "utf8").split("\n");
  const pairs = lines.flatMap((line) => {
    const found = /^([A-Z_]+)=(['"]?)(.*)\2$/.exec(line.trim());
    return found ? [[found[1] ?? "", found[3] ?? ""] as const] : [];
  });
  return Object.fromEntries(pairs);
}
