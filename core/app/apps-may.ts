// What apps may have in the systems of a site. The person who adopts or changes an app determines what belongs to it, and
// pipelines use that with the account of the site, which has access to more. So the platform team lists, per system, what
// records may name. Pure.

import { matches } from "../access/selector.ts";
import type { PathProblem } from "../issues.ts";
import type { JsonObject } from "../json.ts";
import type { SystemKind } from "../site/systems.ts";
import { type Claim, type ClaimKind, claimsOf } from "./claims.ts";

/** The lists in the configuration of a system. */
export type SystemLists = {
  readonly appsMay?: readonly string[] | undefined;
  readonly namespaces?: readonly string[] | undefined;
};

/** In the order in which a step looks for one if it names none. */
export const SYSTEMS_OF: { readonly [K in ClaimKind]: readonly SystemKind[] } = {
  repository: ["git"],
  image: ["harbor", "registry"],
  "argocd-project": ["argocd"],
  namespace: ["argocd"],
  "jira-project": ["jira"],
  "sonarqube-project": ["sonarqube"],
};

/** What the shipped create-app creates with its defaults. A Jira project must be created by Gantry or listed. */
const DEFAULTS: { readonly [K in ClaimKind]: readonly string[] } = {
  repository: ["APPS/*"],
  image: ["apps/*"],
  "argocd-project": ["{app}"],
  namespace: ["{app}"],
  "jira-project": [],
  "sonarqube-project": ["{app}"],
};

/** Names that belong to the cluster or to everybody: patterns do not include them, only their full names do. */
const RESERVED: { readonly [K in ClaimKind]?: RegExp } = {
  namespace: /^(?:default|argocd|argo-cd|gantry|kube-.*|openshift|openshift-.*)$/,
  "argocd-project": /^default$/,
};

/** The list in force: from the configuration, or the default. */
export function listOf(kind: ClaimKind, { appsMay, namespaces }: SystemLists): readonly string[] {
  return (kind === "namespace" ? namespaces : appsMay) ?? DEFAULTS[kind];
}

/** How many entries of a list a message shows. */
const SHOWN = 8;

/** The list in force as the configuration writes it: `namespaces: ["{app}"]`. Who extends a default must repeat it. */
export function listInWords(kind: ClaimKind, lists: SystemLists): string {
  const all = listOf(kind, lists);
  const shown = all.slice(0, SHOWN).map((one) => JSON.stringify(one));
  const more = all.length > SHOWN ? ", …" : "";
  return `\`${kind === "namespace" ? "namespaces" : "appsMay"}: [${shown.join(", ")}${more}]\``;
}

/** `names`: the current and earlier names of the app. */
export function mayHave(kind: ClaimKind, name: string, lists: SystemLists, names: readonly string[]): boolean {
  const list = listOf(kind, lists);
  if (RESERVED[kind]?.test(name)) return list.includes(name);
  if (name.split("/").some((part) => ["", ".", ".."].includes(part))) return false;
  // Git hosts ignore the case of repository names.
  const plain = (text: string): string => (kind === "repository" ? text.toLowerCase() : text);
  return list.some((pattern) => names.some((app) => matches(plain(pattern.replaceAll("{app}", app)), plain(name))));
}

/** The name of an app and its earlier names, which outside systems still use. */
export function namesOf(app: string, { formerNames }: { readonly formerNames?: unknown }): readonly string[] {
  const former: readonly unknown[] = Array.isArray(formerNames) ? formerNames : [];
  return [app, ...former.filter((one) => typeof one === "string")];
}

/** A system as a runner reports it. Older runners report no lists and check nothing. */
export type ReportedSystem = SystemLists & { readonly name: string; readonly kind: string };

/** Reads which systems sites have. */
export type KnownSystems = () => Promise<(site: string) => readonly ReportedSystem[]>;

export type Claimant = {
  readonly name: string;
  readonly before: JsonObject;
  readonly after: JsonObject;
  /** Site → its systems, once per runner; undefined when unknown. */
  readonly systemsAt: ((site: string) => readonly ReportedSystem[]) | undefined;
};

/** What the record newly names although a site of the app does not let apps have it. */
export function claimProblems({ name, before, after, systemsAt }: Claimant): readonly PathProblem[] {
  if (systemsAt === undefined) return [];
  const at = ({ words, system }: Claim, site: string): string => JSON.stringify([words, system, site]);
  const known = new Set(claimsOf(name, before).flatMap((claim) => claim.sites.map((site) => at(claim, site))));
  const names = namesOf(name, after);
  return claimsOf(name, after).flatMap((claim): PathProblem[] => {
    const refusing = claim.sites
      .filter((site) => !known.has(at(claim, site)))
      .map((site) => ({ site, system: refusingSystem(claim, names, systemsAt(site)) }))
      .find(({ system }) => system !== undefined);
    if (refusing?.system === undefined) return [];
    const list = listInWords(claim.kind, refusing.system);
    const detail = `the site ${refusing.site} does not let this app have the ${claim.words}; the platform team can add it to ${list} of the system ${refusing.system.name} in the configuration of its runners, and restart them`;
    return [{ path: claim.path, detail, on: "value" }];
  });
}

/** The first system, if the site has such systems and none of them lists the claim. */
function refusingSystem(
  { kind, name, system }: Claim,
  names: readonly string[],
  systems: readonly ReportedSystem[],
): ReportedSystem | undefined {
  const kinds: readonly string[] = SYSTEMS_OF[kind];
  const asked = systems.filter(
    (one) => kinds.includes(one.kind) && (system === undefined || one.name === system) && one.appsMay !== undefined,
  );
  return asked.some((one) => mayHave(kind, name, one, names)) ? undefined : asked[0];
}
