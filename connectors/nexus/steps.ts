// nexus/settings: makes the package managers of later steps download from the site's Nexus. The settings, including
// credentials, are written to the HOME of the job, where every `run:` step finds them and no image or commit includes them.

import { randomUUID } from "node:crypto";
import { lstat, mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import type { NexusSystem } from "@gantry/core/site/systems.ts";
import { succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { outlastRestart } from "../outlast.ts";
import { readPlainFile } from "../plain-file.ts";
import { createNexus, type NexusClient } from "./client.ts";
import {
  type Account,
  FORMATS,
  type Format,
  mergeNetrc,
  registryOf,
  type SettingsFile,
  settingsFiles,
} from "./settings-files.ts";

const input = z.strictObject({
  formats: z.array(z.enum(FORMATS)).min(1),
  /** Folder of the sources: a `.npmrc` there that names another registry is reported. */
  directory: z.string().default("."),
  system: z.string().min(1).optional(),
});

export const settings = defineStep({
  name: "nexus/settings",
  title: "Download packages from Nexus",
  input,
  output: z.strictObject({ files: z.array(z.string()), urls: z.partialRecord(z.enum(FORMATS), z.string()) }),
  needs: ["nexus"],
  // The repositories that the site's configuration names, for all apps.
  acts: () => [],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 900_000,
  plan: async (context) => {
    const system = context.system("nexus", context.input.system);
    return context.input.formats.map((format) => {
      return `make ${format} download from ${addressOf(system, nameOf(context, system, format))}`;
    });
  },
  run: (context) =>
    outlastRestart(context, async () => {
      const system = context.system("nexus", context.input.system);
      const nexus = createNexus(system, context.fetch, context.signal);
      const account = accountOf(system, context.task.site);
      const files: string[] = [];
      const urls: Partial<Record<Format, string>> = {};
      for (const format of new Set(context.input.formats)) {
        const name = nameOf(context, system, format);
        await mustServe(nexus, system, name, format);
        const url = addressOf(system, name);
        for (const file of settingsFiles(format, url, account)) {
          await writePrivate(context.home, file);
          if (!files.includes(`~/${file.path}`)) files.push(`~/${file.path}`);
        }
        if (format === "npm") await reportOtherRegistry(context, url);
        context.log(`${format} downloads from ${url}`);
        urls[format] = url;
      }
      return succeeded({ files, urls });
    }),
});

/** Larger files are not read. */
const MAX_SETTINGS = 1_048_576;

type Context = StepContext<z.infer<typeof input>, "nexus">;

/** In Nexus, the format of Maven repositories is named maven2. */
const NEXUS_FORMAT: Record<Format, string> = {
  npm: "npm",
  maven: "maven2",
  pypi: "pypi",
  go: "go",
  nuget: "nuget",
};

function nameOf(context: Context, system: NexusSystem, format: Format): string {
  const name = system.repositories[format];
  if (name !== undefined) return name;
  const which = ` ${system.name} with a repository for ${format}`;
  throw new GantryError("system-missing", { site: context.task.site, kind: "nexus", name: which, step: settings.name });
}

function addressOf(system: NexusSystem, repository: string): string {
  return `${system.url}/repository/${encodeURIComponent(repository)}/`;
}

function accountOf({ name, username, password }: NexusSystem, site: string): Account | undefined {
  if (username === undefined || password === undefined) return undefined;
  if (!/[\r\n\0]/.test(username + password)) return { username, password };
  const problem = "It contains a line break, which no settings file can hold.";
  throw new GantryError("credential-missing", { site, secret: `that fits ${name}`, problem });
}

/** Fails early with one clear message, before npm fails with many unclear ones. */
async function mustServe(nexus: NexusClient, system: NexusSystem, name: string, format: Format): Promise<void> {
  const found = await nexus.repository(name);
  const refuse = (problem: string): never => {
    throw new GantryError("system-refused", {
      system: system.title ?? system.name,
      what: `download ${format} packages from the repository ${name}`,
      problem,
    });
  };
  if (!found) refuse(`There is no repository ${name}, or this account may not see it.`);
  else if (!found.online) refuse(`The repository ${name} is offline.`);
  else if (found.format !== NEXUS_FORMAT[format]) refuse(`The repository ${name} holds ${found.format} packages.`);
}

/** Scripts of the job may have written to HOME: nothing is read or written through a link that they left there. */
async function writePrivate(home: string, { path, text, merge }: SettingsFile): Promise<void> {
  const file = join(home, path);
  await makePlainFolder(home, dirname(path));
  const before =
    merge === "netrc" ? await readPlainFile(home, file, { name: `~/${path}`, maxBytes: MAX_SETTINGS }) : "";
  const whole = merge === "netrc" ? mergeNetrc(before ?? "", text) : text;
  const fresh = `${file}.${randomUUID()}`;
  await writeFile(fresh, whole, { mode: 0o600, flag: "wx" });
  await rename(fresh, file);
}

/** Makes `path` below `home`. Throws `bad-input` when a part of it is there and is no folder. */
async function makePlainFolder(home: string, path: string): Promise<void> {
  let at = home;
  for (const part of path.split("/").filter((one) => one !== ".")) {
    at = join(at, part);
    await mkdir(at, { mode: 0o700 }).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
      if ((await lstat(at)).isDirectory()) return;
      const problem = `~/${path} of the job is not a folder: a script has put a link or a file there`;
      throw new GantryError("bad-input", { step: settings.name, problem });
    });
  }
}

async function reportOtherRegistry(context: Context, url: string): Promise<void> {
  const directory = resolve(context.workspace, context.input.directory);
  if (directory !== context.workspace && !directory.startsWith(context.workspace + sep)) {
    throw new GantryError("bad-input", { step: settings.name, problem: "directory: must be inside the workspace" });
  }
  const file = { name: ".npmrc", maxBytes: MAX_SETTINGS };
  const registry = registryOf((await readPlainFile(context.workspace, join(directory, ".npmrc"), file)) ?? "");
  if (registry === undefined || registry.replace(/\/$/, "") === url.replace(/\/$/, "")) return;
  context.log(
    `warning: the .npmrc of the sources names the registry ${withoutCredentials(registry)}; npm prefers that one`,
  );
}

function withoutCredentials(address: string): string {
  return address.replace(/\/\/[^/@]*@/, "//");
}
