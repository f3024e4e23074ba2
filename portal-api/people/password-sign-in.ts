// Sign-in with name and password. Every failure has the same answer and takes the same time, whether the account is
// unknown, disabled, not activated or has another password.

import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import type { Passwords } from "./passwords.ts";
import { isActive, LOCAL_NAME, type PersonRecord } from "./person-record.ts";
import type { PersonStore } from "./person-store.ts";
import type { Throttle } from "./throttle.ts";

export type Attempt = { readonly name: string; readonly password: string; readonly address: string };

export type PasswordSignIn = {
  /**
   * True when the password is right; then the sign-in is recorded together with `session`, in one batch, so that a reset
   * at the same time cannot leave the session behind. Throws `sign-in-paused` or `limit-reached`.
   */
  readonly signIn: (attempt: Attempt, session: (record: PersonRecord) => Promise<StreamAppend>) => Promise<boolean>;
  /** Verifies the password of someone who is signed in, e.g. before it is changed. Undefined when it is wrong. */
  readonly verify: (
    attempt: Attempt,
  ) => Promise<{ readonly record: PersonRecord; readonly version: number } | undefined>;
  /** See `Throttle`. */
  readonly pausedS: (name: string) => number;
};

const KNOWN_ADDRESSES = 5;

export function makePasswordSignIn(deps: {
  readonly journal: Journal;
  readonly store: PersonStore;
  readonly passwords: Passwords;
  readonly throttle: Throttle;
}): PasswordSignIn {
  const { journal, store, passwords, throttle } = deps;
  const verify: PasswordSignIn["verify"] = async ({ name, password, address }) => {
    const { record, version } = LOCAL_NAME.test(name) ? await store.load(name) : { record: undefined, version: 0 };
    const succeeded = throttle.begin(name, address, record?.addresses?.includes(address) === true);
    const stored = record && isActive(record) && record.issuer === undefined ? record.password : undefined;
    const isRight = await passwords.verify(password, stored);
    if (!isRight || !record) return undefined;
    succeeded();
    return { record, version };
  };
  return {
    verify,
    pausedS: throttle.pausedS,
    signIn: async (attempt, session) => {
      const found = await verify(attempt);
      if (!found) return false;
      const { record, version } = found;
      const others = (record.addresses ?? []).filter((one) => one !== attempt.address);
      const next = {
        ...record,
        lastSignInAt: await journal.now(),
        addresses: [attempt.address, ...others].slice(0, KNOWN_ADDRESSES),
      };
      const event = { kind: "PersonSignedIn", name: record.name };
      // The account has changed meanwhile: the person must try again.
      return store.save({ record: next, event }, version, [await session(record)]);
    },
  };
}
