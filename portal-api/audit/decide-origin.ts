// Who sent a request and from where, as the audit log says it. Pure.

import { isIP } from "node:net";
import { type AuditFacts, harmless } from "@gantry/wire/audit/entry.ts";
import type { Caller } from "../access/decide-access.ts";

export type Headers = {
  readonly ip: string;
  readonly forwardedFor: string;
  readonly userAgent: string;
};

/** Enough to find a session, too little to guess its cookie. */
const SESSION_DIGITS = 16;

export function decideOrigin(caller: Caller | undefined, headers: Headers): Pick<AuditFacts, "who" | "from"> {
  const last = headers.forwardedFor.split(",").at(-1)?.trim() ?? "";
  return {
    ...(caller === undefined ? {} : { who: whoIs(caller) }),
    from: {
      ip: harmless(headers.ip, 60),
      ...(isIP(last) === 0 ? {} : { forwardedFor: last }),
      client: clientOf(caller, headers.userAgent),
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
