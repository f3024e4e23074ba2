// The policy: who has which role on what. It is written as YAML and checked as a whole: a policy with a mistake is refused
// completely.

import { z } from "zod";
import { didYouMean } from "../suggest.ts";
import { isRole, ROLE_VERBS, ROLES } from "./roles.ts";
import { mayName, type Selector, type Teams } from "./selector.ts";
import { VERB_NAMES, type Verb } from "./verbs.ts";

const name = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, "must have lower case letters, digits and hyphens");
export const namePattern = z.string().regex(/^[a-z0-9*-]{1,63}$/, "must be a name; `*` stands for any characters");
/** Names of clusters are those of Argo CD. */
const placePattern = z
  .string()
  .regex(
    /^[a-z0-9*-]{1,63}(?:\/[^\p{C}\s]{1,253})?$/u,
    "must be the name of a site, or SITE/CLUSTER; `*` stands for any characters",
  );
export const appPattern = z
  .string()
  .regex(
    /^(?:[a-z0-9*-]{1,63}|team:[a-z][a-z0-9-]{0,62}|label:[\w./-]{1,100}=[\w.*/-]{1,100})$/,
    "must be a name with `*`, team:NAME or label:NAME=VALUE",
  );
/** `corp:ada` is a person of the issuer `corp`. A name without a colon is a local account, a local group or a token. */
const subject = z.string().regex(/^[^\p{C}]{1,200}$/u, "must be the name of a person or group");
const list = <T extends z.core.$ZodType>(of: T): z.ZodArray<T> => z.array(of).min(1).max(1_000);

const subjects = { groups: list(subject).optional(), people: list(subject).optional() };
const selectors = {
  apps: list(appPattern).optional(),
  sites: list(placePattern).optional(),
  pipelines: list(namePattern).optional(),
};

export const bindingShape = z.strictObject({ role: z.string(), ...subjects, ...selectors });
export const denyShape = z.strictObject({
  verbs: list(z.enum(["*", ...VERB_NAMES])),
  ...subjects,
  ...selectors,
  reason: z.string().min(1).max(300).optional(),
});
export const roleShape = z.strictObject({ extends: z.enum(ROLES).optional(), verbs: list(z.enum(VERB_NAMES)) });
export const policyShape = z.strictObject({
  teams: z.record(name, z.array(namePattern).max(1_000)).default({}),
  roles: z.record(name, roleShape).default({}),
  bindings: z.array(bindingShape).max(10_000).default([]),
  deny: z.array(denyShape).max(10_000).default([]),
});
export type PolicyFile = z.output<typeof policyShape>;

/** The callers that a rule applies to: those with one of these groups or names. Patterns with `*`. */
export type Subjects = { readonly groups: readonly string[]; readonly people: readonly string[] };
export type Binding = Subjects & Selector & { readonly role: string; readonly verbs: readonly Verb[] };
export type Deny = Subjects & Selector & { readonly verbs: readonly Verb[]; readonly reason: string | undefined };

export type Policy = {
  readonly teams: Teams;
  readonly bindings: readonly Binding[];
  readonly deny: readonly Deny[];
};

export type PolicyProblem = { readonly path: readonly (string | number)[]; readonly detail: string };

/**
 * What the schema cannot check: roles and teams that are not defined, and rules without groups or people. `known`: the names
 * of own roles and of teams, also of other files that count together with this one.
 */
export function policyProblems(
  file: PolicyFile,
  known: { readonly roles: readonly string[]; readonly teams: readonly string[] },
): readonly PolicyProblem[] {
  const roles = [...ROLES.filter((role) => role !== "none"), ...known.roles];
  const problems: PolicyProblem[] = Object.keys(file.roles)
    .filter(isRole)
    .map((role) => ({ path: ["roles", role], detail: `the role ${role} is built in; choose another name` }));
  file.bindings.forEach((binding, at) => {
    if (!roles.includes(binding.role)) {
      const detail = `there is no role ${binding.role}${didYouMean(binding.role, roles)}`;
      problems.push({ path: ["bindings", at, "role"], detail });
    }
  });
  file.deny.forEach((deny, at) => {
    for (const verb of deny.verbs) {
      if (verb === "*") continue;
      const lists = mayName(verb);
      if (lists.length === 1 && lists[0] === "sites" && deny.sites?.every((one) => one.includes("/"))) {
        const detail = `the verb ${verb} is about sites, not clusters, so this deny would never apply`;
        problems.push({ path: ["deny", at, "sites"], detail });
      }
      const list = (["apps", "sites", "pipelines"] as const).find((one) => deny[one] && !lists.includes(one));
      if (list === undefined) continue;
      const about = lists.length === 0 ? "the installation" : lists.join(" and ");
      const detail = `the verb ${verb} is about ${about}, so this deny would never apply; deny it without ${list}`;
      problems.push({ path: ["deny", at, list], detail });
    }
  });
  for (const kind of ["bindings", "deny"] as const) {
    file[kind].forEach(({ groups, people, apps = [] }, at) => {
      if (!groups && !people)
        problems.push({ path: [kind, at], detail: 'groups or people is missing; `people: ["*"]` is everybody' });
      apps.forEach((one, index) => {
        const team = one.startsWith("team:") ? one.slice("team:".length) : undefined;
        if (team === undefined || known.teams.includes(team)) return;
        const detail = `there is no team ${team}${didYouMean(team, known.teams)}`;
        problems.push({ path: [kind, at, "apps", index], detail });
      });
    });
  }
  return problems;
}

/** Of a file without problems. */
export function compilePolicy(file: PolicyFile): Policy {
  const verbsOf = (role: string): readonly Verb[] => {
    if (isRole(role)) return ROLE_VERBS[role];
    const own = file.roles[role];
    return own ? [...new Set([...ROLE_VERBS[own.extends ?? "none"], ...own.verbs])] : [];
  };
  const common = ({
    groups = [],
    people = [],
    apps,
    sites,
    pipelines,
  }: PolicyFile["bindings"][number] | PolicyFile["deny"][number]) => ({
    groups,
    people,
    apps,
    sites,
    pipelines,
  });
  return {
    teams: file.teams,
    bindings: file.bindings.map((one) => ({ ...common(one), role: one.role, verbs: verbsOf(one.role) })),
    deny: file.deny.map((one) => ({
      ...common(one),
      verbs: one.verbs.flatMap((verb): readonly Verb[] => (verb === "*" ? VERB_NAMES : [verb])),
      reason: one.reason,
    })),
  };
}
