// Passwords are stored as scrypt with a salt. Its cost is OWASP's for 32 MiB: N = 2^15, r = 8, p = 3. Few are computed at a
// time, so that a flood of sign-ins cannot exhaust processor or memory.

import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";

export type Passwords = {
  readonly hash: (password: string) => Promise<string>;
  /**
   * Without a stored password it takes the same time and is false, so the time does not reveal whether the account exists.
   */
  readonly verify: (password: string, stored: string | undefined) => Promise<boolean>;
};

/** Of scrypt: N = 2^log2N. Each computation needs 128 · N · r bytes. */
export type Cost = { readonly log2N: number; readonly r: number; readonly p: number };

const COST: Cost = { log2N: 15, r: 8, p: 3 };
const KEY_BYTES = 32;
/** Each uses a thread of Node's pool (four by default) for about 0.2 s, and 32 MiB. */
const PARALLEL = 2;
const MAX_WAITING = 50;
const STORED = /^scrypt\$(\d+)\$(\d+)\$(\d+)\$([\w-]+)\$([\w-]+)$/;

export const PASSWORD_LENGTH = { least: 12, most: 256 } as const;

/** Both calls throw `limit-reached` when too many are already waiting. `cost`: for new passwords. */
export function makePasswords(cost: Cost = COST): Passwords {
  const inTurn = openTurns(PARALLEL, MAX_WAITING);
  const derive = (password: string, salt: Buffer, costs: Cost): Promise<Buffer> =>
    inTurn(() => scryptOf(password, salt, costs));
  const dummySalt = randomBytes(16);
  return {
    hash: async (password) => {
      const salt = randomBytes(16);
      const key = await derive(password, salt, cost);
      const { log2N, r, p } = cost;
      return `scrypt$${log2N}$${r}$${p}$${salt.toString("base64url")}$${key.toString("base64url")}`;
    },
    verify: async (password, stored) => {
      const [, log2N, r, p, salt, key] = STORED.exec(stored ?? "") ?? [];
      if (salt === undefined || key === undefined) {
        await derive(password, dummySalt, cost);
        return false;
      }
      const costs = { log2N: Number(log2N), r: Number(r), p: Number(p) };
      const given = await derive(password, Buffer.from(salt, "base64url"), costs);
      return timingSafeEqual(given, Buffer.from(key, "base64url"));
    },
  };
}

/** The problem with a new password, or undefined. Length matters most; rules about characters make passwords worse. */
export function passwordProblem(password: string, name: string): string | undefined {
  const { least, most } = PASSWORD_LENGTH;
  const length = [...password].length;
  if (length < least) return `the password must have at least ${least} characters`;
  if (length > most) return `the password must have at most ${most} characters`;
  const isWeak = new Set(password).size < 5 || password.toLowerCase().includes(name.toLowerCase());
  return isWeak && (name.length >= 4 || new Set(password).size < 5)
    ? "the password is too easy to guess: it repeats few characters or contains your name"
    : undefined;
}

function scryptOf(password: string, salt: Buffer, { log2N, r, p }: Cost): Promise<Buffer> {
  const options: ScryptOptions = { N: 2 ** log2N, r, p, maxmem: 256 * 2 ** log2N * r };
  return new Promise((resolve, reject) => {
    // The same password may be typed in different Unicode forms on different devices.
    scrypt(password.normalize("NFKC"), salt, KEY_BYTES, options, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

/** Runs at most `parallel` at a time, in the order of their calls. */
function openTurns(parallel: number, maxWaiting: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= parallel) {
      if (waiting.length >= maxWaiting) {
        throw new GantryError("limit-reached", {
          who: "The server",
          limit: maxWaiting,
          what: "sign-ins at a time",
          retryAfterS: 5,
        });
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
