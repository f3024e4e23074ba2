// A started sign-in at an issuer, with the values that the answer must match. It is in a cookie of the browser that started
// it, sealed with a key of this process, so an answer can neither be planted in another browser nor be used twice.

import { randomBytes } from "node:crypto";
import type { Clock } from "@gantry/runtime/clock.ts";
import { z } from "zod";
import { hashOf } from "../access/records.ts";
import { seal, unseal } from "./seal.ts";

const transaction = z.object({
  issuer: z.string(),
  /** The address of the portal where the sign-in began. */
  address: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  next: z.string(),
  untilMs: z.number(),
});
export type Transaction = z.infer<typeof transaction>;

export type Transactions = {
  /** The value of the cookie. */
  readonly begin: (content: Omit<Transaction, "untilMs">) => string;
  /** Undefined if the cookie is not from this process, is too old, or was already used. It cannot be used again. */
  readonly use: (cookie: string) => Transaction | undefined;
};

export const TRANSACTION_COOKIE = "gantry_sign_in";
export const TRANSACTION_S = 600;

export function makeTransactions(clock: Pick<Clock, "nowMs">): Transactions {
  const key = randomBytes(32);
  const used = new Map<string, number>();
  return {
    begin: (content) => seal(key, JSON.stringify({ ...content, untilMs: clock.nowMs() + TRANSACTION_S * 1_000 })),
    use: (cookie) => {
      const nowMs = clock.nowMs();
      const text = unseal(key, cookie);
      if (text === undefined) return undefined;
      const found = transaction.parse(JSON.parse(text));
      const id = hashOf(found.state);
      if (found.untilMs <= nowMs || used.has(id)) return undefined;
      for (const [old, untilMs] of used) if (untilMs <= nowMs) used.delete(old);
      used.set(id, found.untilMs);
      return found;
    },
  };
}
