// Flags that many commands share.

import type { Flags } from "./command.ts";

export const HELP_FLAG = {
  help: { type: "boolean", short: "h", summary: "show this help" },
} as const satisfies Flags;

export const JSON_FLAG = {
  json: { type: "boolean", summary: "print JSON for scripts" },
} as const satisfies Flags;

/** Of every command that talks to the portal. */
export const PORTAL_FLAGS = {
  portal: { type: "string", value: "URL", summary: "address of the portal (GANTRY_PORTAL)" },
  context: { type: "string", value: "NAME", summary: "a context of `gantry login` (GANTRY_CONTEXT)" },
  data: { type: "string", value: "DIR", summary: "data folder of `gantry start`, with its address and token" },
  "allow-plain-http": {
    type: "boolean",
    summary: "send the token to another machine by plain HTTP (GANTRY_ALLOW_PLAIN_HTTP=true)",
  },
} as const satisfies Flags;

export const FOLLOW_FLAG = {
  follow: { type: "boolean", short: "f", summary: "print what happens until the task ends" },
} as const satisfies Flags;

export const CALLBACK_FLAG = {
  callback: { type: "string", value: "URL", summary: "an address that is told when the task has ended" },
} as const satisfies Flags;

export const PARAM_FLAG = {
  param: {
    type: "string",
    multiple: true,
    value: "NAME=VALUE",
    summary: "a parameter; the value is read as YAML, @FILE as the text of a file",
  },
} as const satisfies Flags;

/** For a command that takes apps from elsewhere, too. */
export const OPTIONAL_FILE_FLAGS = {
  file: {
    type: "string",
    short: "f",
    multiple: true,
    value: "FILE",
    summary: "apps.yaml (docs/apps.md); may be given several times",
  },
  "dry-run": { type: "boolean", summary: "show and check what would be done, and write nothing" },
} as const satisfies Flags;

export const FILE_FLAGS = {
  ...OPTIONAL_FILE_FLAGS,
  file: { ...OPTIONAL_FILE_FLAGS.file, required: true },
} as const satisfies Flags;

/** Of `gantry app adopt`, to look for an app. */
export const LOOK_FLAGS = {
  from: { type: "string", value: "SYSTEM/PROJECT/SLUG", summary: "look at this source repository" },
  yaml: { type: "string", value: "[SYSTEM/]PROJECT/SLUG", summary: "the yaml repository (default: the source)" },
  branch: { type: "string", value: "BRANCH", summary: "the branch of release (default: that of the repository)" },
  folder: { type: "string", value: "DIR", summary: "the folder of the app in a monorepo (default: it is found)" },
  name: { type: "string", value: "NAME", summary: "the name of the app (default: that of the repository)" },
  team: { type: "string", value: "TEAM", summary: "the team that has rights on it" },
  site: { type: "string", value: "SITE", summary: "the site that builds it (default: one that can)" },
  "from-file": { type: "string", value: "FILE", summary: "look at every repository of this list, one a line" },
  write: { type: "string", value: "FILE", summary: "write a new file for `gantry app apply`, and adopt nothing" },
  yes: { type: "boolean", short: "y", summary: "adopt what was found without asking" },
} as const satisfies Flags;
