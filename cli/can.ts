// `gantry can`: whether somebody may do something, and why.

import { VERB_NAMES, VERBS } from "@gantry/core/access/verbs.ts";
import { didYouMean } from "@gantry/core/suggest.ts";
import { parseFlags } from "@gantry/runtime/process/parse-flags.ts";
import { z } from "zod";
import type { Io } from "./io.ts";
import { PORTAL_FLAGS, PORTAL_HELP, type PortalFlags, portalFor } from "./portal-access.ts";

const HELP = `Usage: gantry can VERB [APP] [--as USER] [--groups A,B] [--site SITE] [--pipeline NAME]

Says whether a person or token may do something, and why. The exit code is 0 for yes, 1 for no.

  VERB           ${VERB_NAMES.slice(0, 6).join(", ")} …; \`gantry can verbs\` lists all
  APP            the app that it is about
  --as USER      a person (\`corp:ada\` of the issuer corp) or a token; default: the owner of the token
  --groups A,B   groups of the person, without the issuer
  --site SITE    the site of a verb about sites, or where the work would run
  --pipeline P   the pipeline of the task

${PORTAL_HELP}`;

const answer = z.object({
  allowed: z.boolean(),
  reason: z.string(),
  needs: z.string().optional(),
  as: z.object({ name: z.string(), role: z.string(), groups: z.array(z.string()) }),
});

const FLAGS = {
  ...PORTAL_FLAGS,
  as: { type: "string" },
  groups: { type: "string" },
  site: { type: "string" },
  pipeline: { type: "string" },
} as const;

export async function can(argv: readonly string[], io: Io): Promise<number> {
  const read = readArguments(argv);
  if (typeof read === "string") {
    (read === "" ? io.stdout : io.stderr)(`${read === "" ? "" : `${read}\n\n`}${HELP}`);
    return read === "" ? 0 : 2;
  }
  const { verb, query, values } = read;
  if (verb === "verbs") {
    io.stdout(VERB_NAMES.map((one) => `${one.padEnd(16)}${VERBS[one].does} (on ${VERBS[one].on})\n`).join(""));
    return 0;
  }
  const path = `/v1/access/can?${new URLSearchParams({ verb, ...query })}`;
  const verdict = await portalFor(values, io).get(path, answer);
  io.stdout(values.json ? `${JSON.stringify(verdict, null, 2)}\n` : inWords(verdict));
  return verdict.allowed ? 0 : 1;
}

function inWords({ allowed, reason, needs, as }: z.infer<typeof answer>): string {
  const who = as.groups.length === 0 ? as.name : `${as.name} (groups: ${as.groups.join(", ")})`;
  return `${allowed ? "yes" : "no"}: ${who}. ${reason}${needs === undefined ? "" : ` ${needs}`}\n`;
}

type Arguments = {
  readonly verb: string;
  readonly query: Readonly<Record<string, string>>;
  readonly values: PortalFlags & { readonly json: boolean };
};

/** The arguments, an empty text for `--help`, or an error message. */
function readArguments(argv: readonly string[]): Arguments | string {
  try {
    const { values, positionals } = parseFlags(argv, FLAGS);
    const [verb = "", app, ...more] = positionals;
    if (values.help) return "";
    const known = ["verbs", ...VERB_NAMES];
    if (!known.includes(verb)) return `There is no verb ${verb || "in the command"}${didYouMean(verb, known)}.`;
    if (more.length > 0) return "Too many arguments.";
    const { as, groups, site, pipeline } = values;
    const query = Object.entries({ app, as, groups, site, pipeline }).filter(
      (one): one is [string, string] => one[1] !== undefined,
    );
    return { verb, query: Object.fromEntries(query), values };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
