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

export const PARAM_FLAG = {
  param: {
    type: "string",
    multiple: true,
    value: "NAME=VALUE",
    summary: "a parameter; the value is read as YAML, @FILE as the text of a file",
  },
} as const satisfies Flags;

export const FILE_FLAGS = {
  file: {
    type: "string",
    short: "f",
    multiple: true,
    required: true,
    value: "FILE",
    summary: "apps.yaml (docs/apps.md); may be given several times",
  },
  "dry-run": { type: "boolean", summary: "show and check what would be done, and write nothing" },
} as const satisfies Flags;
