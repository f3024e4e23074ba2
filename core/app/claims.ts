// What belongs to an app according to its record. Its pipelines may use that with the accounts of the sites. Pure.

import type { Path } from "../issues.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";
import { completeRecord } from "./app-record.ts";

export const CLAIM_KINDS = [
  "repository",
  "image",
  "argocd-project",
  "namespace",
  "jira-project",
  "sonarqube-project",
] as const;
export type ClaimKind = (typeof CLAIM_KINDS)[number];

const SONARQUBE = "SonarQube project";

export type Claim = {
  readonly kind: ClaimKind;
  /** The name in the outside system. */
  readonly name: string;
  /** The name of the outside system, if the record has it. */
  readonly system: string | undefined;
  /** The sites where pipelines use it. */
  readonly sites: readonly string[];
  /** "repository apps/orders". Equal words mean the same object. */
  readonly words: string;
  /** The place in the record. */
  readonly path: Path;
};

/** Empty for an empty record: the app has none yet. */
export function claimsOf(app: string, record: JsonObject): readonly Claim[] {
  if (Object.keys(record).length === 0) return [];
  const { source, yaml, image, images, jira, argocd, sonarqube, harbor, build, targets } = completeRecord(app, record);
  const buildAt = asList(textAt(build, "site"));
  const places = listOf(targets);
  const targetSites = [...new Set(places.flatMap((one) => asList(textAt(one, "site"))))];
  const everywhere = [...new Set([...buildAt, ...targetSites])];
  const claims: Claim[] = [
    ...repository(source, "source", buildAt),
    ...repository(yaml, "yaml", everywhere),
    ...[image ?? null, ...listOf(images)].flatMap((one, at): Claim[] => {
      const name = textAt(one, "repository");
      const path = ["images", Math.max(0, at - 1), "repository"];
      const system = textAt(one, "system") ?? textAt(harbor, "system");
      return name ? [{ kind: "image", name, system, sites: buildAt, words: `image repository ${name}`, path }] : [];
    }),
    ...project("jira-project", textAt(jira, "key")?.toUpperCase(), "Jira project", ["jira", "key"], buildAt),
    ...project(
      "argocd-project",
      textAt(argocd, "project") ?? app,
      "Argo CD project",
      ["argocd", "project"],
      targetSites,
    ),
    ...project("sonarqube-project", textAt(sonarqube, "project") ?? app, SONARQUBE, ["sonarqube", "project"], buildAt),
    ...places.map((one, at): Claim => {
      const [name, site] = [String(textAt(one, "namespace")), String(textAt(one, "site"))];
      const words = `namespace ${name} on ${textAt(one, "cluster")} at ${site}`;
      return { kind: "namespace", name, system: undefined, sites: [site], words, path: ["targets", at, "namespace"] };
    }),
  ];
  return [...new Map(claims.toReversed().map((one) => [one.words, one])).values()].toReversed();
}

/** Whether two claims, by their words, mean the same, or one has the other: an app has the SonarQube projects of its branches, `orders:x`. */
export function overlap(one: string, other: string): boolean {
  if (one === other) return true;
  const isSonar = one.startsWith(SONARQUBE) && other.startsWith(SONARQUBE);
  return isSonar && (one.startsWith(`${other}:`) || other.startsWith(`${one}:`));
}

/** Git hosts ignore the case of repository names. */
function repository(value: JsonValue | undefined, field: string, sites: readonly string[]): readonly Claim[] {
  const [owner, slug] = [textAt(value, "project"), textAt(value, "slug")];
  if (!owner || !slug) return [];
  const name = `${owner}/${slug}`;
  const system = textAt(value, "system");
  return [
    { kind: "repository", name, system, sites, words: `repository ${name.toLowerCase()}`, path: [field, "slug"] },
  ];
}

function project(
  kind: ClaimKind,
  name: string | undefined,
  what: string,
  path: Path,
  sites: readonly string[],
): readonly Claim[] {
  return name ? [{ kind, name, system: undefined, sites, words: `${what} ${name}`, path }] : [];
}

function asList(text: string | undefined): readonly string[] {
  return text === undefined ? [] : [text];
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
}

function textAt(value: JsonValue | undefined, field: string): string | undefined {
  const found = isJsonObject(value) ? value[field] : undefined;
  return typeof found === "string" ? found : undefined;
}
