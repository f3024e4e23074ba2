// `gantry people`: local accounts, and everyone who has signed in by an issuer.

import { parseFlags } from "@gantry/runtime/process/parse-flags.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import type { PortalClient } from "../client.ts";
import type { Io } from "../io.ts";
import { PORTAL_FLAGS, PORTAL_HELP, type PortalFlags, portalFlagsOf, portalFor } from "../portal-access.ts";
import { type Outcome, printHelp, printOutcome } from "./outcome.ts";

const HELP = `Usage: gantry people                       list everyone who has an account
       gantry people add NAME [--role ROLE] [--group GROUP]… [--display-name TEXT] [--mail ADDRESS]
                                           create a local account; prints the link that sets the password
       gantry people reset NAME            take the password away and print a new link; ends all sessions
       gantry people disable NAME          end all sessions and tokens, and refuse sign-in
       gantry people enable NAME
       gantry people remove NAME
       gantry people sessions NAME         list the sessions of a person
       gantry people sign-out NAME         end all sessions of a person

${PORTAL_HELP}`;

const person = z.object({
  name: z.string(),
  role: z.string(),
  state: z.string(),
  groups: z.array(z.string()),
  issuer: z.string().optional(),
  lastSignInAt: z.string().optional(),
});
type Person = z.infer<typeof person>;
const activation = z.object({ url: z.string(), expiresAt: z.string() });
const session = z.object({
  id: z.string(),
  openedAt: z.string().optional(),
  expiresAt: z.string(),
  signIn: z.string().optional(),
  address: z.string().optional(),
  userAgent: z.string().optional(),
});

export async function people(argv: readonly string[], io: Io): Promise<number> {
  const read = readArguments(argv);
  if (typeof read === "string") return printHelp(io, read, HELP);
  return printOutcome(io, await RUN[read.verb](portalFor(read, io), read), read.json);
}

const RUN: { readonly [verb in Verb]: (portal: PortalClient, read: Arguments) => Promise<Outcome> } = {
  list: async (portal) => {
    const { items } = await portal.get("/v1/people", page(person));
    return { value: items, text: items.length === 0 ? "Nobody has an account.\n" : items.map(line).join("") };
  },
  add: async (portal, { name, about }) => {
    const made = await portal.post("/v1/people", { name, ...about }, z.object({ person, activation }));
    return { value: made, text: linkText(name, made.activation) };
  },
  reset: async (portal, { name, path }) => {
    const link = await portal.post(`${path}/reset`, {}, activation);
    return { value: link, text: linkText(name, link) };
  },
  disable: async (portal, { name, path }) => ({
    value: await portal.post(`${path}/disable`, {}, person),
    text: `${name} is disabled. \`gantry people enable ${name}\` takes it back.\n`,
  }),
  enable: async (portal, { name, path }) => ({
    value: await portal.post(`${path}/enable`, {}, person),
    text: `${name} may sign in again.\n`,
  }),
  remove: async (portal, { name, path }) => {
    await portal.delete(path);
    return { text: `${name} is removed.\n` };
  },
  sessions: async (portal, { name, path }) => {
    const { items } = await portal.get(`${path}/sessions`, page(session));
    const lines = items.map(({ openedAt = "", signIn = "", address = "", userAgent = "" }) => {
      return `${openedAt}  ${signIn.padEnd(8)}  ${address}  ${userAgent}\n`;
    });
    return { value: items, text: lines.length === 0 ? `${name} has no sessions.\n` : lines.join("") };
  },
  "sign-out": async (portal, { name, path }) => {
    await portal.delete(`${path}/sessions`);
    return { text: `All sessions of ${name} have ended.\n` };
  },
};

function line({ name, role, state, groups, lastSignInAt = "never" }: Person): string {
  return `${name.padEnd(24)}  ${role.padEnd(9)}  ${state.padEnd(8)}  last sign-in ${lastSignInAt}  ${groups.join(",")}\n`;
}

function linkText(name: string, { url, expiresAt }: z.infer<typeof activation>): string {
  return `Give this link to ${name}. It sets the password, once, until ${expiresAt}:\n  ${url}\n`;
}

const VERBS = ["list", "add", "reset", "disable", "enable", "remove", "sessions", "sign-out"] as const;
type Verb = (typeof VERBS)[number];

type Arguments = PortalFlags & {
  readonly verb: Verb;
  readonly name: string;
  /** Of the person, in the API. */
  readonly path: string;
  readonly about: { readonly [field: string]: string | string[] };
  readonly json: boolean;
};

/** The arguments, an empty text for `--help`, or an error message. */
function readArguments(argv: readonly string[]): Arguments | string {
  try {
    const { values, positionals } = parseFlags(argv, {
      ...PORTAL_FLAGS,
      role: { type: "string" },
      group: { type: "string", multiple: true },
      "display-name": { type: "string" },
      mail: { type: "string" },
    });
    if (values.help) return "";
    const [given = "list", name = "", ...more] = positionals;
    const verb = VERBS.find((one) => one === given);
    if (verb === undefined) return `Unknown command: gantry people ${given}`;
    if (more.length > 0 || (verb === "list") !== (name === ""))
      return `Wrong number of arguments for \`gantry people ${verb}\`.`;
    const { role, group, mail, "display-name": displayName } = values;
    const about = {
      ...(role === undefined ? {} : { role }),
      ...(group === undefined ? {} : { groups: group }),
      ...(displayName === undefined ? {} : { displayName }),
      ...(mail === undefined ? {} : { mail }),
    };
    if (verb !== "add" && Object.keys(about).length > 0)
      return "--role, --group, --display-name and --mail are for `add`.";
    const path = `/v1/people/${encodeURIComponent(name)}`;
    return { verb, name, path, about, json: values.json, ...portalFlagsOf(values) };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
