// Who is signed in, and what they may do.

import type { Verb } from "@gantry/core/access/verbs.ts";
import { signal } from "@preact/signals";
import { type Me, read, send } from "./api.ts";

export const me = signal<Me | undefined>(undefined);

/** An app, a task or a site; its view says what the person may do with it. */
type Rated = {
  readonly may?: readonly string[] | undefined;
  readonly mayNot?: { readonly [verb: string]: string } | undefined;
};

/**
 * Why the person may not do something: what it needs and who may do it. Undefined if it is allowed. Without `on`, or while
 * that is loading: whether it is allowed anywhere. The portal decides; this only avoids futile attempts.
 */
export function refusalOf(verb: Verb, on?: Rated): string | undefined {
  const account = me.value;
  if (!account) return "You are not signed in.";
  const may = on?.may ?? account.may;
  if (may.includes(verb)) return undefined;
  return on?.mayNot?.[verb] ?? account.mayNot[verb] ?? "You do not have the right to do this here.";
}

export function mayDo(verb: Verb, on?: Rated): boolean {
  return refusalOf(verb, on) === undefined;
}

/** The verb of starting a pipeline. */
export function startVerb(pipeline: string, isNewApp = pipeline === "create-app"): Verb {
  if (pipeline === "ci") return "run-ci";
  if (pipeline === "cd") return "run-cd";
  return isNewApp ? "create-app" : "start-task";
}

export async function loadMe(): Promise<void> {
  me.value = await read<Me>("/v1/me");
}

export async function signOut(): Promise<void> {
  const answer = await send<{ readonly next: string }>("POST", "/sign-out");
  // The issuer ends its own session, and sends the browser back.
  location.assign(answer?.next ?? "/sign-in");
}
