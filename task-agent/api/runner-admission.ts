// How much runners may ask of this agent: those of one site, and all together, so that many tokens exhaust it as little as one.

import type { Clock } from "@gantry/runtime/clock.ts";
import { openConcurrencyLimit } from "@gantry/runtime/http/concurrency-limit.ts";
import { openRequestLimit } from "@gantry/runtime/http/request-limit.ts";
import type { Limits } from "../limits.ts";

/** All of them throw `limit-reached`. */
export type RunnerAdmission = {
  /** Counts a request of a site as `weight` small ones (default: 1). */
  readonly count: (site: string, weight?: number) => void;
  /** Counts a request of a caller without a token, by its address, and as open until the returned function is called. */
  readonly openSignIn: (address: string) => () => void;
  /** Counts a request of a site as open, and its body as held in memory, until the returned function is called. */
  readonly open: (site: string, bodyBytes: number) => () => void;
};

type AdmissionLimits = Pick<
  Limits,
  | "requestsPerSecond"
  | "allRequestsPerSecond"
  | "signInsPerSecond"
  | "allSignInsPerSecond"
  | "openRequests"
  | "allOpenRequests"
  | "openBodyBytes"
  | "allOpenBodyBytes"
>;

const AGENT = "The task-agent";
/** Requests without a token that are open at a time: their callers are not known yet, and may send slowly. */
const OPEN_SIGN_INS = { perCaller: 200, inAll: 1_000, what: "open requests" };

export function openRunnerAdmission(clock: Pick<Clock, "monotonicMs">, limits: AdmissionLimits): RunnerAdmission {
  const ofSite = openRequestLimit(clock, limits.requestsPerSecond);
  const ofAll = openRequestLimit(clock, limits.allRequestsPerSecond);
  const ofAddress = openRequestLimit(clock, limits.signInsPerSecond);
  const ofAllAddresses = openRequestLimit(clock, limits.allSignInsPerSecond);
  const signIn = openConcurrencyLimit(OPEN_SIGN_INS);
  const request = openConcurrencyLimit({
    ...{ perCaller: limits.openRequests, inAll: limits.allOpenRequests },
    what: "open requests",
  });
  const body = openConcurrencyLimit({
    ...{ perCaller: limits.openBodyBytes, inAll: limits.allOpenBodyBytes },
    what: "bytes in the bodies of open requests",
  });
  return {
    count: (site, weight) => {
      ofSite(runnersOf(site), weight);
      ofAll(AGENT, weight);
    },
    openSignIn: (address) => {
      ofAddress(`Address ${address}`);
      ofAllAddresses(AGENT);
      return signIn(`Address ${address}`);
    },
    open: (site, bodyBytes) => {
      const who = runnersOf(site);
      const endRequest = request(who);
      try {
        const endBody = body(who, bodyBytes);
        return () => {
          endRequest();
          endBody();
        };
      } catch (error) {
        endRequest();
        throw error;
      }
    },
  };
}

function runnersOf(site: string): string {
  return `The runners of site ${site}`;
}
