// Tests what a system lets Gantry's account do, and says it in words. Shared by the check.ts of the connectors, each of which
// asks its system only questions that change nothing.

import { type ErrorCode, explain, GantryError } from "@gantry/core/errors.ts";
import type { GitProvider } from "@gantry/core/site/git-providers.ts";
import type { GitSystem, System, SystemKind } from "@gantry/core/site/systems.ts";
import { ACCESS, type HowByHost, RIGHTS, type Right, type RightOf } from "./rights.ts";

/** `unknown`: the system does not say, or there is nothing yet to ask about. */
export type Verdict = "yes" | "no" | "unknown";

export type Answer = { readonly verdict: Verdict; readonly says: string };

/** One right of one system, in words. */
export type Finding = Answer & {
  /** Key in the tables of rights.ts. */
  readonly right: string;
  readonly may: string;
  /** How to give the right, if it is missing. */
  readonly todo?: string;
};

/** What the apps of this installation name, so that a check can ask about what is really used. */
export type Known = {
  /** Names of clusters of targets at this site. */
  readonly clusters: readonly string[];
  readonly repositories: readonly Place[];
  /** Yaml repositories: CD pushes to them. Part of `repositories`. */
  readonly pushed: readonly Place[];
  /** Yaml repositories from which apps are deployed at this site, with the git system of each; undefined: the only one. */
  readonly deployed: readonly (Place & { readonly system: string | undefined })[];
  /** Image repositories, as `project/name`. */
  readonly images: readonly string[];
  readonly argocdProjects: readonly string[];
  readonly jiraProjects: readonly string[];
};
export type Place = { readonly project: string; readonly slug: string };

export type CheckAccess = {
  /** A git system of this runner; undefined where it has none of this name, or where a credential is missing. */
  readonly gitSystem: (name: string | undefined) => GitSystem | undefined;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
};

/** Ends with findings, whatever the system answers. Rejects only when the signal aborts, and for bugs. */
export type Check<S extends System> = (system: S, known: Known, access: CheckAccess) => Promise<readonly Finding[]>;

type Examined = Pick<System, "url" | "insecureSkipVerify"> & { readonly provider?: GitProvider };

export function yes(says: string): Answer {
  return { verdict: "yes", says };
}
export function no(says: string): Answer {
  return { verdict: "no", says };
}
export function unknown(says: string): Answer {
  return { verdict: "unknown", says };
}

/**
 * Signs in, and then asks about every right of this kind of system. `login` says as whom; what it throws tells how far the
 * runner came: the address, the certificate, the credentials. Without a login, rights are not asked about. `needed`: only these rights,
 * for a system that is used for less than others of its kind; undefined: all.
 */
export async function examine<K extends SystemKind>(
  kind: K,
  system: Examined,
  login: () => Promise<Answer>,
  tests: { readonly [R in RightOf<K>]: () => Promise<Answer> },
  needed?: readonly RightOf<K>[],
): Promise<readonly Finding[]> {
  const rights: Readonly<Record<string, Right>> = RIGHTS[kind];
  let loggedIn: Answer;
  try {
    loggedIn = await login();
  } catch (error) {
    return failedAccess(system, error);
  }
  const access = [
    finding("reach", ACCESS.reach, yes(system.url)),
    tlsOf(system),
    finding("login", ACCESS.login, loggedIn),
  ];
  if (loggedIn.verdict === "no") return access;
  const wanted: readonly string[] = needed ?? Object.keys(tests);
  const used = Object.entries<() => Promise<Answer>>(tests).filter(([id]) => wanted.includes(id));
  const asked = used.map(async ([id, test]) => {
    const right = rights[id];
    if (right === undefined) throw new Error(`there is no right ${id} of ${kind}`);
    return finding(id, { may: right.may, how: howAt(system, right.how) }, await test().catch(answerOf));
  });
  return [...access, ...(await Promise.all(asked))];
}

function howAt({ provider }: Examined, how: string | HowByHost): string {
  if (typeof how === "string") return how;
  if (provider === undefined) throw new Error("only rights at git hosts differ by provider");
  return how[provider];
}

function finding(right: string, { may, how }: { may: string; how: string }, { verdict, says }: Answer): Finding {
  return { right, may, verdict, says, ...(verdict === "no" ? { todo: how } : {}) };
}

function tlsOf({ url, insecureSkipVerify }: Examined): Finding {
  const answer = url.startsWith("http:")
    ? unknown("plain HTTP: there is no certificate, and credentials can be read on the way")
    : insecureSkipVerify === true
      ? unknown("not checked, because `insecureSkipVerify` is set")
      : yes("the certificate is valid");
  return finding("tls", ACCESS.tls, answer);
}

/** What the error of the first request says about the way to the system. */
function failedAccess(system: Examined, error: unknown): readonly Finding[] {
  const says = wordsOf(error);
  const reached = finding("reach", ACCESS.reach, yes(system.url));
  switch ((error as GantryError).code) {
    case "certificate-untrusted":
      return [reached, finding("tls", ACCESS.tls, no(says))];
    case "credential-refused":
    case "system-forbidden":
      return [reached, tlsOf(system), finding("login", ACCESS.login, no(says))];
    default:
      return [finding("reach", ACCESS.reach, no(says))];
  }
}

const REFUSALS: readonly ErrorCode[] = ["system-forbidden", "credential-refused"];

/** An error while a right is asked about: a refusal is an answer, everything else leaves it open. */
function answerOf(error: unknown): Answer {
  const says = wordsOf(error);
  return error instanceof GantryError && REFUSALS.includes(error.code) ? no(says) : unknown(says);
}

/** Throws what is not an expected error: an abort, or a bug. */
function wordsOf(error: unknown): string {
  if (!(error instanceof GantryError)) throw error;
  const { message, why } = explain(error);
  return why === undefined || why === "" ? message : `${message} ${why}`;
}

/** One answer for several things: no if one is missing, yes if all are there. `nothing`: what to say if there are none. */
export async function each<T>(
  things: readonly T[],
  nothing: string,
  ask: (thing: T) => Promise<Answer>,
): Promise<Answer> {
  if (things.length === 0) return unknown(nothing);
  const answers = await Promise.all(things.slice(0, MOST).map((one) => ask(one).catch(answerOf)));
  const worst = (["no", "unknown", "yes"] as const).find((verdict) => answers.some((one) => one.verdict === verdict));
  const told = answers.filter(({ verdict }) => verdict === worst).map(({ says }) => says);
  const more = things.length > MOST ? `, and ${things.length - MOST} more that were not asked about` : "";
  return { verdict: worst ?? "unknown", says: `${[...new Set(told)].join("; ")}${more}` };
}
const MOST = 20;
