// `gantry people`: local accounts, and everyone who has signed in by an issuer.

import { page } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import type { Call, Outcome } from "../table/command.ts";

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

type OfOne = Call<object, readonly [name: string]>;

export async function listPeople({ portal }: Call): Promise<Outcome> {
  const { items } = await portal().get("/v1/people", page(person));
  return { value: items, text: items.length === 0 ? "Nobody has an account.\n" : items.map(line).join("") };
}

type About = {
  readonly role: string | undefined;
  readonly group: readonly string[];
  readonly "display-name": string | undefined;
  readonly mail: string | undefined;
};

export async function addPerson({ portal, flags, args: [name] }: Call<About, readonly [string]>): Promise<Outcome> {
  const { role, group, mail, "display-name": displayName } = flags;
  const about = {
    ...(role === undefined ? {} : { role }),
    ...(group.length === 0 ? {} : { groups: group }),
    ...(displayName === undefined ? {} : { displayName }),
    ...(mail === undefined ? {} : { mail }),
  };
  const made = await portal().post("/v1/people", { name, ...about }, z.object({ person, activation }));
  return { value: made, text: linkText(name, made.activation) };
}

export async function resetPerson({ portal, args: [name] }: OfOne): Promise<Outcome> {
  const link = await portal().post(`${pathOf(name)}/reset`, {}, activation);
  return { value: link, text: linkText(name, link) };
}

export async function disablePerson({ portal, args: [name] }: OfOne): Promise<Outcome> {
  const value = await portal().post(`${pathOf(name)}/disable`, {}, person);
  return { value, text: `${name} is disabled. \`gantry people enable ${name}\` takes it back.\n` };
}

export async function enablePerson({ portal, args: [name] }: OfOne): Promise<Outcome> {
  const value = await portal().post(`${pathOf(name)}/enable`, {}, person);
  return { value, text: `${name} may sign in again.\n` };
}

export async function removePerson({ portal, args: [name] }: OfOne): Promise<Outcome> {
  await portal().delete(pathOf(name), z.undefined());
  return { value: { name }, text: `${name} is removed.\n` };
}

export async function listSessions({ portal, args: [name] }: OfOne): Promise<Outcome> {
  const { items } = await portal().get(`${pathOf(name)}/sessions`, page(session));
  const lines = items.map(({ openedAt = "", signIn = "", address = "", userAgent = "" }) => {
    return `${openedAt}  ${signIn.padEnd(8)}  ${address}  ${userAgent}\n`;
  });
  return { value: items, text: lines.length === 0 ? `${name} has no sessions.\n` : lines.join("") };
}

export async function signOut({ portal, args: [name] }: OfOne): Promise<Outcome> {
  await portal().delete(`${pathOf(name)}/sessions`, z.undefined());
  return { value: { name }, text: `All sessions of ${name} have ended.\n` };
}

function pathOf(name: string): string {
  return `/v1/people/${encodeURIComponent(name)}`;
}

function line({ name, role, state, groups, lastSignInAt = "never" }: Person): string {
  return `${name.padEnd(24)}  ${role.padEnd(9)}  ${state.padEnd(8)}  last sign-in ${lastSignInAt}  ${groups.join(",")}\n`;
}

function linkText(name: string, { url, expiresAt }: z.infer<typeof activation>): string {
  return `Give this link to ${name}. It sets the password, once, until ${expiresAt}:\n  ${url}\n`;
}
