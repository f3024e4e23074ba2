// What a delivery of a webhook says, in one form for every host. Texts come from outside: they are limited in length here, and
// nothing in them was checked against the host.

import { GIT_PROVIDERS } from "../site/git-providers.ts";

/** The systems whose webhooks are understood. */
export const WEBHOOK_HOSTS = [...GIT_PROVIDERS, "harbor", "sonarqube"] as const;
export type WebhookHost = (typeof WEBHOOK_HOSTS)[number];

/** As the git host names it: the project (owner, group, workspace) and the last part of the address. */
export type RepositoryName = { readonly project: string; readonly slug: string };

/** One branch or tag that a push has changed. */
export type RefChange = {
  readonly ref: "branch" | "tag";
  readonly name: string;
  /** Absent: it is new. */
  readonly before?: string | undefined;
  /** Absent: it was deleted. */
  readonly commit?: string | undefined;
  /** Absent: the host does not say whether it was. */
  readonly isForced?: boolean | undefined;
  /** Of the newest commit. Absent: the host did not send it. */
  readonly message?: string | undefined;
  readonly author?: string | undefined;
  readonly authorEmail?: string | undefined;
  readonly url?: string | undefined;
  /** What all its commits have changed. Absent: the host did not send all of it. */
  readonly paths?: readonly string[] | undefined;
};

export type PushFacts = {
  readonly kind: "push";
  readonly repository: RepositoryName;
  readonly by?: string | undefined;
  readonly changes: readonly RefChange[];
};

export const PULL_REQUEST_ACTIONS = ["opened", "updated", "reopened", "closed", "merged"] as const;
export type PullRequestAction = (typeof PULL_REQUEST_ACTIONS)[number];

export type PullRequestFacts = {
  readonly kind: "pull_request";
  /** Into which it would be merged. */
  readonly repository: RepositoryName;
  readonly action: PullRequestAction;
  readonly number: number;
  readonly branch: string;
  /** Absent: it is gone, or the host does not say. */
  readonly from?: RepositoryName | undefined;
  /** It comes from another repository, or from one that is not known. */
  readonly fork: boolean;
  readonly target: string;
  readonly commit: string;
  readonly title: string;
  readonly author?: string | undefined;
  readonly url?: string | undefined;
};

export type ImageFacts = {
  readonly kind: "image";
  readonly action: "pushed" | "scanned";
  /** Without the registry: `apps/orders`. */
  readonly repository: string;
  readonly images: readonly { readonly tag?: string | undefined; readonly digest: string }[];
};

export type GateFacts = {
  readonly kind: "gate";
  readonly project: string;
  readonly gate: string;
  readonly branch?: string | undefined;
  readonly commit?: string | undefined;
};

/** `reason`: why nothing can be started by it, as a sentence. `repository`: if it says so. */
export type OtherFacts = {
  readonly kind: "other";
  readonly reason: string;
  readonly repository?: RepositoryName | undefined;
};

export type DeliveryFacts = PushFacts | PullRequestFacts | ImageFacts | GateFacts | OtherFacts;

/** Names of headers are in lower case. */
export type RawDelivery = { readonly headers: { readonly [name: string]: string }; readonly body: string };

/** What is known of the webhooks of one host. */
export type WebhookFormat<Header extends string = string> = {
  /** Headers that say which event it is and which delivery, in lower case. The portal keeps them, so none may hold a secret. */
  readonly headers: readonly Header[];
  /** The JSON of a body and its headers → what it says. Never throws, whatever the JSON is. */
  readonly read: (json: unknown, headers: { readonly [Name in Header]?: string }) => DeliveryFacts;
  /**
   * When it was sent, in ms since 1970, where what the host has signed, or sent with its token, says so. NaN: it does not say. Never
   * throws. `json` is undefined when the body is no JSON.
   */
  readonly sentAtMs?: (json: unknown, headers: { readonly [Name in Header]?: string }) => number;
};

/** The compiler lets `read` and `sentAtMs` use only the headers that are listed, because the portal keeps no others. */
export function webhookFormat<const Header extends string>(format: WebhookFormat<Header>): WebhookFormat {
  return format;
}

export function other(reason: string, repository?: RepositoryName): OtherFacts {
  return { kind: "other", reason, ...(repository ? { repository } : {}) };
}
