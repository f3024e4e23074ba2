// `gantry tokens`: service tokens, and a look at the personal ones.

import { parseFlags } from "@gantry/runtime/process/parse-flags.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import type { PortalClient } from "../client.ts";
import type { Io } from "../io.ts";
import { PORTAL_FLAGS, PORTAL_HELP, type PortalFlags, portalFlagsOf, portalFor } from "../portal-access.ts";
import { type Outcome, printHelp, printOutcome } from "./outcome.ts";

const HELP = `Usage: gantry tokens                       list the tokens of everyone, without their secrets
       gantry tokens create NAME --role ROLE [--days N] [--verb VERB]… [--app APP]… [--site SITE]…
                                           create a service token; it is printed once
       gantry tokens rotate NAME [--days N] [--overlap MINUTES]
                                           print a new secret; the old one stays valid for 60 minutes
       gantry tokens revoke NAME [--owner PERSON]

People create personal tokens on their profile page; "revoke --owner" ends one of those.

${PORTAL_HELP}`;

const token = z.object({
  name: z.string(),
  owner: z.string().optional(),
  role: z.string(),
  expiresAt: z.string().optional(),
  lastUsedAt: z.string().optional(),
});
const newToken = token.extend({ token: z.string(), previousUntil: z.string().optional() });

export async function tokens(argv: readonly string[], io: Io): Promise<number> {
  const read = readArguments(argv);
  if (typeof read === "string") return printHelp(io, read, HELP);
  return printOutcome(io, await RUN[read.verb](portalFor(read, io), read), read.json);
}

const RUN: { readonly [verb in Verb]: (portal: PortalClient, read: Arguments) => Promise<Outcome> } = {
  list: async (portal) => {
    const { items } = await portal.get("/v1/tokens", page(token));
    const lines = items.map(({ name, owner, role, expiresAt = "never", lastUsedAt = "never" }) => {
      const whose = owner === undefined ? name : `${name} of ${owner}`;
      return `${whose.padEnd(30)}  ${role.padEnd(9)}  expires ${expiresAt}  last used ${lastUsedAt}\n`;
    });
    return { value: items, text: lines.join("") };
  },
  create: async (portal, { name, body }) => {
    const made = await portal.post("/v1/tokens", { name, ...body }, newToken);
    return { value: made, text: secretText(made) };
  },
  rotate: async (portal, { name, body }) => {
    const made = await portal.post(`/v1/tokens/${encodeURIComponent(name)}/rotate`, body, newToken);
    return { value: made, text: secretText(made) };
  },
  revoke: async (portal, { name, owner }) => {
    const query = owner === undefined ? "" : `?owner=${encodeURIComponent(owner)}`;
    await portal.delete(`/v1/tokens/${encodeURIComponent(name)}${query}`);
    return { text: `The token ${name} is revoked.\n` };
  },
};

function secretText({ name, token: secret, expiresAt, previousUntil }: z.infer<typeof newToken>): string {
  const until = expiresAt === undefined ? "" : `, until ${expiresAt}`;
  const old = previousUntil === undefined ? "" : `The secret before is valid until ${previousUntil}.\n`;
  return `The token ${name}${until}. It is shown only now:\n  ${secret}\n${old}`;
}

const VERBS = ["list", "create", "rotate", "revoke"] as const;
type Verb = (typeof VERBS)[number];

type Arguments = PortalFlags & {
  readonly verb: Verb;
  readonly name: string;
  readonly owner: string | undefined;
  readonly body: { readonly [field: string]: unknown };
  readonly json: boolean;
};

const OWN_FLAGS = {
  role: { type: "string" },
  days: { type: "string" },
  overlap: { type: "string" },
  owner: { type: "string" },
  verb: { type: "string", multiple: true },
  app: { type: "string", multiple: true },
  site: { type: "string", multiple: true },
} as const;

/** The flags of each command beside those of the portal. */
const FLAGS: { readonly [verb in Verb]: readonly string[] } = {
  list: [],
  create: ["role", "days", "verb", "app", "site"],
  rotate: ["days", "overlap"],
  revoke: ["owner"],
};

/** The arguments, an empty text for `--help`, or an error message. */
function readArguments(argv: readonly string[]): Arguments | string {
  try {
    const { values, positionals } = parseFlags(argv, { ...PORTAL_FLAGS, ...OWN_FLAGS });
    if (values.help) return "";
    const [given = "list", name = "", ...more] = positionals;
    const verb = VERBS.find((one) => one === given);
    if (verb === undefined) return `Unknown command: gantry tokens ${given}`;
    if (more.length > 0 || (verb === "list") !== (name === ""))
      return `Wrong number of arguments for \`gantry tokens ${verb}\`.`;
    const foreign = Object.keys(values).find((flag) => Object.hasOwn(OWN_FLAGS, flag) && !FLAGS[verb].includes(flag));
    if (foreign !== undefined) return `\`gantry tokens ${verb}\` has no flag --${foreign}.`;
    if (verb === "create" && values.role === undefined) return "`gantry tokens create` needs --role.";
    return { verb, name, owner: values.owner, body: bodyOf(values), json: values.json, ...portalFlagsOf(values) };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

type Own = {
  readonly role?: string | undefined;
  readonly days?: string | undefined;
  readonly overlap?: string | undefined;
  readonly verb?: string[] | undefined;
  readonly app?: string[] | undefined;
  readonly site?: string[] | undefined;
};

function bodyOf({ role, days, overlap, verb, app, site }: Own): { readonly [field: string]: unknown } {
  const scope = {
    ...(verb === undefined ? {} : { verbs: verb }),
    ...(app === undefined ? {} : { apps: app }),
    ...(site === undefined ? {} : { sites: site }),
  };
  return {
    ...(role === undefined ? {} : { role }),
    ...(days === undefined ? {} : { days: Number(days) }),
    ...(overlap === undefined ? {} : { overlapMinutes: Number(overlap) }),
    ...(Object.keys(scope).length === 0 ? {} : { scope }),
  };
}
