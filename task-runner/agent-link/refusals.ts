// A runner whose token is refused permanently can neither renew leases nor report: it must stop its work and end. One
// refusal is not enough, because tokens are rotated while the runner runs, and files do not change everywhere at once.

import type { Clock } from "@gantry/runtime/clock.ts";
import { isCode } from "../ports.ts";

export type RefusalWatch = {
  /** Must be given every call to the task-agent. Settles as the call does. */
  readonly watch: <T>(call: Promise<T>) => Promise<T>;
};

const PATIENCE_MS = 10_000;

/** `onRefused` is called when the task-agent has answered only `unauthenticated` for ten seconds. */
export function watchRefusals(clock: Clock, onRefused: () => void): RefusalWatch {
  let sinceMs: number | undefined;
  return {
    watch: async (call) => {
      try {
        const answer = await call;
        sinceMs = undefined;
        return answer;
      } catch (error) {
        const now = clock.monotonicMs();
        if (isCode(error, "unauthenticated")) {
          sinceMs ??= now;
          if (now - sinceMs >= PATIENCE_MS) onRefused();
        } else if (!isCode(error, "unavailable")) sinceMs = undefined;
        throw error;
      }
    },
  };
}
