// `gantry can`: whether somebody may do something, and why.

import { VERB_NAMES, VERBS } from "@gantry/core/access/verbs.ts";
import { didYouMean } from "@gantry/core/suggest.ts";
import { z } from "zod";
import { type Call, type Outcome, UsageError } from "./table/command.ts";

const answer = z.object({
  allowed: z.boolean(),
  reason: z.string(),
  needs: z.string().optional(),
  as: z.object({ name: z.string(), role: z.string(), groups: z.array(z.string()) }),
});

type Question = {
  readonly as: string | undefined;
  readonly groups: string | undefined;
  readonly site: string | undefined;
  readonly pipeline: string | undefined;
};

export async function can({
  portal,
  flags: { as, groups, site, pipeline },
  args: [verb, app],
}: Call<Question, readonly [string, string | undefined]>): Promise<Outcome> {
  if (verb === "verbs") return allVerbs();
  const known = ["verbs", ...VERB_NAMES];
  if (!known.includes(verb))
    throw new UsageError(`There is no verb ${verb}${didYouMean(verb, known)}; \`gantry can verbs\` lists them`);
  const query = Object.entries({ verb, app, as, groups, site, pipeline }).filter(
    (one): one is [string, string] => one[1] !== undefined,
  );
  const verdict = await portal().get(`/v1/access/can?${new URLSearchParams(query)}`, answer);
  return { value: verdict, text: inWords(verdict), code: verdict.allowed ? 0 : 1 };
}

function allVerbs(): Outcome {
  const text = VERB_NAMES.map((one) => `${one.padEnd(16)}${VERBS[one].does} (on ${VERBS[one].on})\n`).join("");
  return { value: VERBS, text };
}

function inWords({ allowed, reason, needs, as }: z.infer<typeof answer>): string {
  const who = as.groups.length === 0 ? as.name : `${as.name} (groups: ${as.groups.join(", ")})`;
  return `${allowed ? "yes" : "no"}: ${who}. ${reason}${needs === undefined ? "" : ` ${needs}`}\n`;
}
