// What the guards of routes have in common.

import type { Rights } from "@gantry/core/access/decide-right.ts";
import type { Verb } from "@gantry/core/access/verbs.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Portal } from "../../portal.ts";
import type { Caller } from "../decide-access.ts";

/** What a verb of a route is about. `list`: the route is open to everybody and returns what the caller may see. */
export type GuardKind =
  | "installation"
  | "app"
  | "task"
  | "delivery"
  | "new-app"
  | "start"
  | "site"
  | "runner"
  | "pipeline"
  | "list"
  | "others";

export type Asked<P, Q, B> = {
  readonly portal: Portal;
  readonly caller: Caller;
  readonly rights: Rights;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
};

export type Guard<P, Q, B> = {
  readonly verb: Verb;
  readonly on: GuardKind;
  /** Throws `forbidden`, or the error for an unknown app, task, site, runner or pipeline. */
  readonly check: (asked: Asked<P, Q, B>) => void | Promise<void>;
};

/** What a route needs. `signed-in`: any caller, for routes about the caller. */
export type Right<P, Q, B> = "anyone" | "signed-in" | Guard<P, Q, B>;

export type Who = Pick<Asked<unknown, unknown, unknown>, "portal" | "caller" | "rights">;
export type AskedOfTask = Who & { readonly params: { readonly id: string } };

export type Start = { readonly app: string | undefined; readonly pipeline?: string; readonly params?: JsonObject };

/** To be used in `catch`: undefined for something that does not exist. Throws every other error. */
export function ifUnknown(error: unknown): undefined {
  const codes: readonly string[] = ["app-unknown", "pipeline-unknown", "not-found"];
  if (!(error instanceof GantryError) || !codes.includes(error.code)) throw error;
}
