// All commands. Their code is loaded when they run: `pipeline lint` must not wait for the code of the servers.

import { ADMINISTRATION } from "./administration.ts";
import { APPS } from "./apps.ts";
import type { Command } from "./command.ts";
import { command } from "./command.ts";
import { MACHINE } from "./machine.ts";
import { PAUSES } from "./pauses.ts";
import { PIPELINES } from "./pipelines.ts";
import { SIGN_IN } from "./sign-in.ts";
import { SITES } from "./sites.ts";
import { TASKS } from "./tasks.ts";
import { WEBHOOKS } from "./webhooks.ts";

export const COMMANDS: readonly Command[] = [
  ...APPS,
  ...TASKS,
  ...WEBHOOKS,
  ...SITES,
  ...PIPELINES,
  ...PAUSES,
  ...ADMINISTRATION,
  ...MACHINE,
  ...SIGN_IN,
  command({
    name: "completion",
    summary: "print the completion for a shell",
    details:
      "It completes commands, flags and their values, and names that the portal knows: apps, builds, targets, pipelines, tasks, sites and runners. The portal is asked for at most 2 s; if it does not answer, there are no names.",
    args: ["bash|zsh|fish"],
    examples: [
      "completion bash >> ~/.bashrc                              # bash",
      'completion zsh > "${fpath[1]}/_gantry"                    # zsh',
      "completion fish > ~/.config/fish/completions/gantry.fish  # fish",
    ],
    run: async ({ args: [shell] }) => (await import("../complete/completion.ts")).completion(shell, COMMANDS, ALIASES),
  }),
  command({
    name: "complete",
    summary: "print the names of the portal that may stand at the end of a command line",
    details:
      "The scripts of `gantry completion` call it. The last word is the one that is being typed. It prints nothing when it fails.",
    args: ["[WORD…]"],
    json: true,
    examples: ["complete -- cd orders --build ''"],
    run: async (call) =>
      (await import("../complete/complete.ts")).complete(call, { commands: COMMANDS, aliases: ALIASES }),
  }),
];

/** Other words for commands, which are documented and stay. */
export const ALIASES: { readonly [word: string]: string } = {
  lint: "pipeline lint",
  plan: "pipeline plan",
  rerun: "task rerun",
  runners: "runner",
  "system test": "doctor",
};

type Section = {
  readonly title: string;
  /** `summary`: of a group; that of a single command is in its row. */
  readonly words: readonly { readonly word: string; readonly summary?: string }[];
};

/** The order of the help: what most people use most stands first. */
export const SECTIONS: readonly Section[] = [
  {
    title: "Every day",
    words: [
      { word: "login" },
      { word: "app", summary: "create, adopt, list, change, pause and forget apps" },
      { word: "ci" },
      { word: "cd" },
      { word: "build", summary: "list the builds of an app" },
      { word: "fleet" },
      { word: "task", summary: "list, follow, read, cancel and rerun tasks" },
      { word: "webhook", summary: "list deliveries of git hosts and what they started" },
      { word: "inbox" },
    ],
  },
  {
    title: "Sites and pipelines",
    words: [
      { word: "site", summary: "list sites with their runners, systems and queues; pause and resume a site" },
      { word: "runner", summary: "list, show, drain, stop and enrol runners, take them out of service and back" },
      { word: "system", summary: "list the outside systems of all sites" },
      { word: "doctor" },
      { word: "pipeline", summary: "list, run, check, draw and pause pipelines" },
      { word: "queue", summary: "pause and resume a concurrency group" },
      { word: "paused" },
      { word: "import" },
      { word: "trigger", summary: "list what starts by itself, pause and resume it, run a schedule now" },
      { word: "templates", summary: "list the templates of apps, and push those that ship" },
      { word: "definitions", summary: "show which pipelines are in force, read them from git now, compare a folder" },
    ],
  },
  {
    title: "Administration",
    words: [
      { word: "people", summary: "list, create, reset and disable accounts of people" },
      { word: "tokens", summary: "list, create, rotate and revoke tokens" },
      { word: "can" },
      { word: "settings", summary: "show and change live settings" },
      { word: "audit", summary: "list, verify and export the audit log" },
    ],
  },
  {
    title: "This machine",
    words: [
      { word: "init" },
      { word: "start" },
      { word: "backup" },
      { word: "restore" },
      { word: "archive", summary: "read the archive of old tasks and deliveries" },
    ],
  },
  {
    title: "The command line itself",
    words: [
      { word: "context", summary: "list and choose the portals that you have signed in to" },
      { word: "whoami" },
      { word: "logout" },
      { word: "api" },
      { word: "completion" },
      { word: "complete" },
      { word: "version" },
    ],
  },
];

export function firstWord(name: string): string {
  return name.split(" ")[0] ?? "";
}

export function secondWord(name: string): string | undefined {
  return name.split(" ")[1];
}
