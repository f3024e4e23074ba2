// Reads the identity from the claims of an issuer. Pure.

import { USERNAME } from "../people/person-record.ts";
import type { IssuerSettings } from "../sign-in-config.ts";

export type Claims = { readonly [claim: string]: unknown };

export type Identity = {
  /** `<issuer id>:<username>` */
  readonly name: string;
  readonly subject: string;
  /** The issuer's names. Some issuers omit the claim for a person without groups. */
  readonly groups: readonly string[];
  readonly displayName?: string;
  readonly mail?: string;
};

type Names = Pick<IssuerSettings, "id" | "usernameClaim" | "groupsClaim">;

const MAIL = "email";
const MAX_GROUPS = 500;
const MAX_TEXT = 200;

/** The identity, or what is wrong with the claims. */
export function decideIdentity(claims: Claims, names: Names): Identity | { readonly problem: string } {
  const { sub, name, email } = claims;
  if (typeof sub !== "string" || sub === "" || sub.length > 255) return { problem: "the claim sub is missing" };
  const username = claimAt(claims, names.usernameClaim);
  if (typeof username !== "string" || !USERNAME.test(username)) {
    return {
      problem: `the claim ${names.usernameClaim} is missing or is not a name (letters, digits and . _ @ + | ~ -)`,
    };
  }
  // People may choose any address at many issuers; what they have proved is theirs.
  if (names.usernameClaim === MAIL && claims.email_verified !== true)
    return { problem: "the issuer does not say that the mail address is verified (email_verified)" };
  return {
    name: `${names.id}:${username}`,
    subject: sub,
    groups: groupsOf(claimAt(claims, names.groupsClaim)),
    ...(typeof name === "string" ? { displayName: name.slice(0, MAX_TEXT) } : {}),
    ...(typeof email === "string" ? { mail: email.slice(0, MAX_TEXT) } : {}),
  };
}

/** Whether the claims lack a value that the userinfo endpoint may have. */
export function isIncomplete(claims: Claims, names: Names): boolean {
  const needed = [names.usernameClaim, names.groupsClaim, ...(names.usernameClaim === MAIL ? ["email_verified"] : [])];
  return needed.some((name) => claimAt(claims, name) === undefined);
}

/** Names of claims may contain dots themselves, so the whole name comes first. */
function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  return path.split(".").reduce<unknown>((at, part) => {
    return isRecord(at) && Object.hasOwn(at, part) ? at[part] : undefined;
  }, claims);
}

/** Keycloak writes full paths with a leading slash. */
function groupsOf(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const texts = list.filter((one): one is string => typeof one === "string" && one !== "" && one.length <= MAX_TEXT);
  return [...new Set(texts.map((one) => one.replace(/^\//, "")))].sort().slice(0, MAX_GROUPS);
}

function isRecord(value: unknown): value is Claims {
  return typeof value === "object" && value !== null;
}
