// Decides whether a caller has a right. A right comes from the caller's role, which applies everywhere, and from the
// bindings of the policy. A deny in the policy overrides both, and the scope of a token can only remove rights. Pure.

import type { Binding, Deny, Policy, Subjects } from "./policy.ts";
import { leastRole, ROLE_VERBS, type Role } from "./roles.ts";
import {
  covers,
  coversSome,
  isInScope,
  leaves,
  matchesAny,
  type RightRequest,
  type Scope,
  type Selector,
  touches,
} from "./selector.ts";
import type { Verb } from "./verbs.ts";

/** The part of the portal's `Caller` that a decision needs. */
export type Subject = {
  /** `<issuer>:<username>` for a person of an issuer. */
  readonly name: string;
  readonly role: Role;
  readonly groups: readonly string[];
  readonly issuer?: string | undefined;
  readonly scope?: Scope | undefined;
};

export type WhoCould = {
  /** A role that has the verb. */
  readonly role: string;
  /** Groups and people that the policy gives the verb on the same. Empty: administrators only. */
  readonly groups: readonly string[];
  readonly people: readonly string[];
};

export type RightDecision = {
  readonly allowed: boolean;
  /** One sentence. */
  readonly reason: string;
  /** Why not: a deny of the policy, no role with the verb, or the scope of the token. */
  readonly obstacle?: "denied" | "no-role" | "scope";
  readonly whoCould: WhoCould;
};

/** The rights of one caller, prepared for many decisions. */
export type Rights = {
  readonly decide: (request: RightRequest) => RightDecision;
  /** As `decide`, without the reasons. */
  readonly may: (request: RightRequest) => boolean;
  /** The verb is allowed on everything, so nothing has to be looked up. */
  readonly mayEverywhere: (verb: Verb) => boolean;
  /** The verb may be allowed on something. */
  readonly mayAnywhere: (verb: Verb) => boolean;
  /** The names of the caller's roles on what the request is about, whatever verbs they give. */
  readonly rolesOn: (request: RightRequest) => readonly string[];
  /** Decisions depend on the team and labels of an app, or on the sites of the work. */
  readonly needs: { readonly record: boolean; readonly sites: boolean };
  /** The verb is allowed only on apps that bindings name, so not on tasks without an app. */
  readonly isByApp: (verb: Verb) => boolean;
  /** Decisions depend on the verb only. */
  readonly isUniform: boolean;
};

/** `policy` undefined: the decision depends only on the caller's role. */
export function decideRight(
  question: RightRequest & { readonly caller: Subject; readonly policy: Policy | undefined },
): RightDecision {
  const { caller, policy, ...request } = question;
  return rightsOf(caller, policy).decide(request);
}

export function rightsOf(caller: Subject, policy: Policy | undefined): Rights {
  const { teams = {}, bindings = [], deny = [] } = policy ?? {};
  const own: Binding = { role: caller.role, verbs: ROLE_VERBS[caller.role], groups: [], people: [caller.name] };
  const given = [own, ...bindings.filter((binding) => isAbout(binding, caller))];
  const denied = deny.filter((one) => isAbout(one, caller));
  const { scope = {} } = caller;

  const denial = (request: RightRequest): Deny | undefined =>
    denied.find((one) => one.verbs.includes(request.verb) && touches(one, request, teams));
  const grant = (request: RightRequest): Binding | undefined =>
    given.find((one) => one.verbs.includes(request.verb) && covers(one, request, teams));
  const inScope = (request: RightRequest): boolean => isInScope(scope, request, teams);
  const isOpen = ({ apps, sites, pipelines }: Selector): boolean =>
    apps === undefined && sites === undefined && pipelines === undefined;
  const selectors: readonly Selector[] = [...given, ...denied, scope];

  return {
    may: (request) => denial(request) === undefined && inScope(request) && grant(request) !== undefined,
    decide: (request) => {
      const who = whoCould(request, policy);
      const no = (obstacle: "denied" | "no-role" | "scope", reason: string): RightDecision => {
        return { allowed: false, reason, obstacle, whoCould: who };
      };
      const refused = denial(request);
      if (refused)
        return no(
          "denied",
          `A rule of the policy denies it${refused.reason ? `: ${refused.reason.replace(/\.$/, "")}` : ""}.`,
        );
      const granted = grant(request);
      if (!granted) return no("no-role", `No role gives ${caller.name} the verb ${request.verb} here.`);
      if (!inScope(request)) return no("scope", "The scope of the token leaves it out.");
      return { allowed: true, reason: grantInWords(granted, granted === own), whoCould: who };
    },
    mayEverywhere: (verb) =>
      isOpen(scope) &&
      leaves(scope, verb) &&
      !denied.some((one) => one.verbs.includes(verb)) &&
      given.some((one) => isOpen(one) && one.verbs.includes(verb)),
    mayAnywhere: (verb) =>
      leaves(scope, verb) && given.some((one) => one.verbs.includes(verb) && coversSome(one, verb)),
    rolesOn: (request) => [...new Set(given.filter((one) => covers(one, request, teams)).map(({ role }) => role))],
    needs: {
      record: selectors.some(({ apps = [] }) => apps.some((one) => /^(?:team|label):/.test(one))),
      sites: selectors.some(({ sites }) => sites !== undefined),
    },
    isByApp: (verb) =>
      given.every((one) => one.apps !== undefined || !one.verbs.includes(verb)) || scope.apps !== undefined,
    isUniform: selectors.every(isOpen),
  };
}

/**
 * Whether the subject has no right that the caller lacks: creating or taking over an account or token must not give the
 * caller new rights. `true` is always correct. `false` may be too strict; a caller without the role admin then has to ask an
 * administrator.
 */
export function hasNoMore(other: Subject, caller: Subject, policy: Policy | undefined): boolean {
  const rights = rightsOf(caller, policy);
  if (ROLE_VERBS.admin.every(rights.mayEverywhere)) return true;
  const { bindings = [], deny = [] } = policy ?? {};
  return (
    ROLE_VERBS[other.role].every(rights.mayEverywhere) &&
    bindings.every((one) => !isAbout(one, other) || isAbout(one, caller)) &&
    deny.every((one) => !isAbout(one, caller) || isAbout(one, other)) &&
    caller.scope === undefined
  );
}

/** A role of somebody, and where it comes from. */
export type GivenRole = {
  readonly role: string;
  /** The group or person that the policy names; undefined for the role of the account itself. */
  readonly via?: string;
  /** What it is on, in words; undefined for everything. */
  readonly on?: string;
};

export function rolesOf(subject: Subject, policy: Policy | undefined): readonly GivenRole[] {
  const own = subject.role === "none" ? [] : [{ role: subject.role }];
  const given = (policy?.bindings ?? []).filter((one) => isAbout(one, subject));
  return [
    ...own,
    ...given.map((binding): GivenRole => {
      const { groups, people } = binding;
      const via =
        people.find((one) => isAbout({ groups: [], people: [one] }, subject)) ??
        groups.find((one) => isAbout({ groups: [one], people: [] }, subject)) ??
        "";
      const on = selectorInWords(binding);
      return { role: binding.role, via, ...(on === "" ? {} : { on }) };
    }),
  ];
}

/**
 * The group `payments` of the issuer `corp` is `corp:payments`: another issuer cannot give its people a group that this one
 * has. Groups of local accounts have no prefix.
 */
export function groupNames({ issuer, groups }: Pick<Subject, "issuer" | "groups">): readonly string[] {
  return issuer === undefined ? groups : groups.map((group) => `${issuer}:${group}`);
}

function isAbout({ groups, people }: Subjects, caller: Subject): boolean {
  return matchesAny(people, caller.name) || groupNames(caller).some((group) => matchesAny(groups, group));
}

function whoCould(request: RightRequest, policy: Policy | undefined): WhoCould {
  const { teams = {}, bindings = [], deny = [] } = policy ?? {};
  const denied = deny.filter((one) => one.verbs.includes(request.verb) && touches(one, request, teams));
  const isFree = (kind: keyof Subjects, name: string): boolean => !denied.some((one) => matchesAny(one[kind], name));
  const could = bindings.filter((one) => one.verbs.includes(request.verb) && covers(one, request, teams));
  const unique = (names: readonly string[]): readonly string[] =>
    [...new Set(names)].filter((one) => one !== "*").toSorted();
  return {
    role: leastRole(request.verb),
    groups: unique(could.flatMap(({ groups }) => groups)).filter((one) => isFree("groups", one)),
    people: unique(could.flatMap(({ people }) => people)).filter((one) => isFree("people", one)),
  };
}

function grantInWords(binding: Binding, isOwn: boolean): string {
  const { role } = binding;
  if (isOwn) return `The role ${role} allows it.`;
  const on = selectorInWords(binding);
  return `The policy gives the role ${role}${on === "" ? "" : ` on ${on}`}.`;
}

function selectorInWords({ apps, sites, pipelines }: Selector): string {
  const on = [
    ...(apps ? [`apps ${apps.join(", ")}`] : []),
    ...(sites ? [`sites ${sites.join(", ")}`] : []),
    ...(pipelines ? [`pipelines ${pipelines.join(", ")}`] : []),
  ];
  return on.join(" and ");
}

/**
 * What to do about a refusal: "Needs the role developer on this app: ask team-payments." A role does not override a deny or
 * the scope of a token.
 */
export function needInWords({ obstacle, whoCould }: RightDecision, on: string): string {
  const { role, groups, people } = whoCould;
  if (obstacle === "scope") return "Use a token whose scope includes this.";
  const ask = [...groups, ...people].slice(0, 3);
  const rest = groups.length + people.length - ask.length;
  const names = ask.length === 0 ? "an administrator" : `${ask.join(", ")}${rest > 0 ? ` or ${rest} more` : ""}`;
  if (obstacle === "denied") return `Ask somebody who may do it: ${names}.`;
  return `Needs the role ${role}${on === "" ? "" : ` on this ${on}`}: ask ${names}.`;
}
