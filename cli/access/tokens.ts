// `gantry tokens`: service tokens, and a look at the personal ones.

import { page } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import type { Call, Outcome } from "../table/command.ts";

const token = z.object({
  name: z.string(),
  owner: z.string().optional(),
  role: z.string(),
  expiresAt: z.string().optional(),
  lastUsedAt: z.string().optional(),
});
const newToken = token.extend({ token: z.string(), previousUntil: z.string().optional() });

export async function listTokens({ portal }: Call): Promise<Outcome> {
  const { items } = await portal().get("/v1/tokens", page(token));
  const lines = items.map(({ name, owner, role, expiresAt = "never", lastUsedAt = "never" }) => {
    const whose = owner === undefined ? name : `${name} of ${owner}`;
    return `${whose.padEnd(30)}  ${role.padEnd(9)}  expires ${expiresAt}  last used ${lastUsedAt}\n`;
  });
  return { value: items, text: lines.join("") };
}

type NewToken = {
  readonly role: string;
  readonly days: string | undefined;
  readonly verb: readonly string[];
  readonly app: readonly string[];
  readonly site: readonly string[];
};

export async function createToken({
  portal,
  flags,
  args: [name],
}: Call<NewToken, readonly [string]>): Promise<Outcome> {
  const { role, days, verb, app, site } = flags;
  const lists = { verbs: verb, apps: app, sites: site };
  const scope = Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
  const body = {
    name,
    role,
    ...(days === undefined ? {} : { days: Number(days) }),
    ...(Object.keys(scope).length === 0 ? {} : { scope }),
  };
  const made = await portal().post("/v1/tokens", body, newToken);
  return { value: made, text: secretText(made) };
}

type Rotation = { readonly days: string | undefined; readonly overlap: string | undefined };

export async function rotateToken({
  portal,
  flags,
  args: [name],
}: Call<Rotation, readonly [string]>): Promise<Outcome> {
  const body = {
    ...(flags.days === undefined ? {} : { days: Number(flags.days) }),
    ...(flags.overlap === undefined ? {} : { overlapMinutes: Number(flags.overlap) }),
  };
  const made = await portal().post(`/v1/tokens/${encodeURIComponent(name)}/rotate`, body, newToken);
  return { value: made, text: secretText(made) };
}

export async function revokeToken({
  portal,
  flags: { owner },
  args: [name],
}: Call<{ readonly owner: string | undefined }, readonly [string]>): Promise<Outcome> {
  const query = owner === undefined ? "" : `?owner=${encodeURIComponent(owner)}`;
  await portal().delete(`/v1/tokens/${encodeURIComponent(name)}${query}`, z.undefined());
  return { value: { name }, text: `The token ${name} is revoked.\n` };
}

function secretText({ name, token: secret, expiresAt, previousUntil }: z.infer<typeof newToken>): string {
  const until = expiresAt === undefined ? "" : `, until ${expiresAt}`;
  const old = previousUntil === undefined ? "" : `The secret before is valid until ${previousUntil}.\n`;
  return `The token ${name}${until}. It is shown only now:\n  ${secret}\n${old}`;
}
