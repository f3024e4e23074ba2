// Checks the times of ID and logout tokens that the libraries leave open. JSON can write numbers that are no times: 1e300, and
// 1e999, which is read as infinity. Pure.

import type { Claims } from "./decide-identity.ts";

/** How far the clock of an issuer may be ahead. */
const AHEAD_S = 300;
/** No issuer gives a token for longer. */
const LIFETIME_S = 366 * 86_400;
const TIMES = ["iat", "exp", "nbf", "auth_time"] as const;

/** What is wrong with the times of a token, as the rest of a sentence. `nowS`: seconds since 1970. */
export function wrongTime(claims: Claims, nowS: number): string | undefined {
  for (const claim of TIMES) {
    const time = claims[claim];
    if (time !== undefined && !(typeof time === "number" && Number.isFinite(time) && time >= 0))
      return `the claim ${claim} of its token is not a time`;
  }
  const { iat = 0, exp = 0, auth_time: signedIn = 0 } = claims as Partial<Record<(typeof TIMES)[number], number>>;
  if (Math.max(iat, signedIn) > nowS + AHEAD_S) return "its token is of the future; compare the clocks";
  if (exp > nowS + LIFETIME_S) return "its token is valid for more than a year";
  return undefined;
}
