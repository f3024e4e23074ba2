// With what Argo CD reads a repository. It never gets the account with which Gantry pushes, and what people registered stays.
// Pure.

import { sameRepository } from "@gantry/core/app/same-repository.ts";
import type { NewRepository } from "./client.ts";
import type { Repository } from "./model.ts";

export type GitCredential = Pick<NewRepository, "username" | "password" | "bearerToken">;

export type RepositoryFacts = {
  /** The address that Gantry clones. */
  readonly url: string;
  /** The registration with this address. */
  readonly there: Repository | undefined;
  /** All registrations that Argo CD shows; needed only if there is none with this address. */
  readonly others: readonly Repository[];
  readonly templates: readonly string[];
  /** The Argo CD project of the app, if it is known. */
  readonly project: string | undefined;
  /** `public`: everybody may read it. Undefined: nobody configured an account for Argo CD. */
  readonly reader: GitCredential | "public" | undefined;
  /** The user name with which Gantry pushes; undefined if it pushes with a token alone. */
  readonly own: string | undefined;
};

/**
 * `url`: the address that applications must name. `replace`: the registration has credentials of an earlier time.
 * `compare`: it may have Gantry's own credentials, which only sending others shows. `unreadable`: somebody has to give Argo CD
 * an account.
 */
export type RepositoryDecision =
  | { readonly kind: "keep"; readonly url: string; readonly says: string }
  | { readonly kind: "register" | "replace" | "compare"; readonly url: string; readonly body: NewRepository }
  | { readonly kind: "unreadable" };

export function decideRepository(facts: RepositoryFacts): RepositoryDecision {
  const { url, there, reader, own } = facts;
  const account = reader === undefined || reader === "public" ? undefined : reader;
  if (there) {
    const isOurs = own !== undefined && there.username === own;
    const body: NewRepository = { ...settingsOf(there), repo: url, type: "git", ...account };
    if (account && isOurs) return { kind: "compare", url, body };
    if (account && hasOldPassword(there, account)) return { kind: "replace", url, body };
    return { kind: "keep", url, says: isOurs ? `it is registered with ${own}, ${MAY_PUSH}` : "it is registered" };
  }
  const other = facts.others.find((one) => sameRepository(one.repo, url) && isFor(one, facts.project));
  if (other) return { kind: "keep", url: other.repo, says: `it is registered as ${other.repo}` };
  const template = facts.templates.find((one) => url.toLowerCase().startsWith(one.toLowerCase()));
  if (template !== undefined) return { kind: "keep", url, says: `Argo CD has credentials for ${template}` };
  if (account) return { kind: "register", url, body: { repo: url, type: "git", ...account } };
  return reader === "public" ? { kind: "keep", url, says: "everybody may read it" } : { kind: "unreadable" };
}

/** The end of a sentence about a registration that an earlier version of Gantry made. */
export const MAY_PUSH = "the account with which Gantry pushes; give Argo CD an account that may only read";

function isFor({ project = "" }: Repository, wanted: string | undefined): boolean {
  return project === "" || wanted === undefined || project === wanted;
}

/** Argo CD shows no password, but that it cannot read with the one that it has. */
function hasOldPassword({ username, connectionState }: Repository, account: GitCredential): boolean {
  return account.username !== undefined && username === account.username && connectionState?.status === "Failed";
}

/** What the present registration has besides the credentials and what Argo CD reports about it. */
function settingsOf({
  connectionState: _state,
  inheritedCreds: _inherited,
  username: _username,
  ...settings
}: Repository): Readonly<Record<string, unknown>> {
  return settings;
}

/** As Argo CD takes what git sends in the header Authorization. A bearer token needs Argo CD 3.0 or later. */
export function credentialOf(authorization: string): GitCredential {
  const [scheme, value = ""] = authorization.split(" ", 2);
  if (scheme !== "Basic") return { bearerToken: value };
  const pair = Buffer.from(value, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  return { username: pair.slice(0, colon), password: pair.slice(colon + 1) };
}
