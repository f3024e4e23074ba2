// The sender and origin of a request, as recorded in the audit log. Pure.

import { type AuditFacts, harmless } from "@gantry/wire/audit/entry.ts";
import type { Caller } from "../access/decide-access.ts";

export type Sender = {
  /** Address of the client, as far as proxies are trusted. */
  readonly address: string;
  readonly userAgent: string;
};

/** Long enough to identify a session, too short to guess its cookie. */
const SESSION_DIGITS = 16;

export function decideOrigin(
  caller: Caller | undefined,
  { address, userAgent }: Sender,
): Pick<AuditFacts, "who" | "from"> {
  return {
    ...(caller === undefined ? {} : { who: whoIs(caller) }),
    from: {
      ip: harmless(address, 64),
      client: clientOf(caller, userAgent),
      ...(caller?.token === undefined ? {} : { token: harmless(caller.token) }),
      ...(caller?.session === undefined ? {} : { session: caller.session.slice(0, SESSION_DIGITS) }),
    },
  };
}

export function whoIs({
  name,
  issuer,
  role,
}: Pick<Caller, "name" | "role" | "issuer">): NonNullable<AuditFacts["who"]> {
  return { name: harmless(name), ...(issuer === undefined ? {} : { issuer: harmless(issuer) }), role };
}

function clientOf(caller: Caller | undefined, userAgent: string): "console" | "cli" | "api" {
  if (userAgent.startsWith("gantry-cli/")) return "cli";
  return caller?.via === "session" || (caller === undefined && /^Mozilla\//.test(userAgent)) ? "console" : "api";
}
