// A runner whose token is refused for good can neither renew nor tell: it must stop its work and end. One answer is not
// enough for that, because tokens are renewed while the runner runs, and files are not changed in one moment everywhere.

import type { Clock } from "@gantry/runtime/clock.ts";
import type { RunnerClient } from "@gantry/wire/runner/runner-client.ts";
import { isCode } from "../ports.ts";

const PATIENCE_MS = 10_000;

/** The same client; `onRefused` hears when the agent has answered nothing but `unauthenticated` for ten seconds. */
export function watchRefusals(client: RunnerClient, clock: Clock, onRefused: () => void): RunnerClient {
  let sinceMs: number | undefined;
  const watch =
    <A extends readonly unknown[], T>(call: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      try {
        const answer = await call(...args);
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
    };
  return {
    session: watch(client.session),
    poll: watch(client.poll),
    claim: watch(client.claim),
    decline: watch(client.decline),
    start: watch(client.start),
    heartbeat: watch(client.heartbeat),
    progress: watch(client.progress),
    effectBegin: watch(client.effectBegin),
    effectEnd: watch(client.effectEnd),
    report: watch(client.report),
    log: watch(client.log),
  };
}
