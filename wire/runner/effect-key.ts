// The key of an effect, i.e. of a change to the outside world. Agent and runner compute the same key.

import { createHash } from "node:crypto";

/**
 * 26 characters `a-z2-7`. It contains neither attempt nor fence, so that a second attempt finds the effect that the first
 * one began. `job` is the key of the job with its `each` value.
 */
export function effectKey(task: string, job: string, step: string, effect: string, ordinal: number): string {
  // JSON separates the parts: different lists of parts never give the same text.
  const digest = createHash("sha256")
    .update(JSON.stringify([task, job, step, effect, ordinal]))
    .digest();
  return base32(digest).slice(0, 26);
}

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** RFC 4648 in lower case, without padding. */
function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? text + ALPHABET[(value << (5 - bits)) & 31] : text;
}
