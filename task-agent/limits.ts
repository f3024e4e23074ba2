// How much one runner, or all runners of a site, may send. The defaults are several times what runners of this version send.

import { z } from "zod";

const count = z.int().min(1);

export const limitsConfig = z.strictObject({
  /** Runner names of one site; those that were taken out of service do not count. */
  runnersPerSite: count.default(200),
  /** What a runner says about itself when it registers, except for its running jobs: bytes of JSON. */
  runnerBytes: count.default(65_536),
  /** Requests of all runners of a site in a second, at each agent. */
  requestsPerSecond: count.default(5_000),
  /** Requests of all runners of all sites in a second, at each agent. */
  allRequestsPerSecond: count.default(20_000),
  /** Requests of all runners of a site that are open at a time, long polls included, at each agent. */
  openRequests: count.default(2_000),
  /** The same of all sites. */
  allOpenRequests: count.default(10_000),
  /** Bodies of the open requests of a site, bytes: they are in memory. One more is taken as long as this is not reached. */
  openBodyBytes: count.default(128 * 1_048_576),
  /** The same of all sites. */
  allOpenBodyBytes: count.default(512 * 1_048_576),
  /** Requests to enrol and to sign in from one address in a second, at each agent. */
  signInsPerSecond: count.default(200),
  /** The same from all addresses. */
  allSignInsPerSecond: count.default(2_000),
  /** Parameters of one task: bytes of JSON. They are kept with every change of the task. */
  paramsBytes: count.default(65_536),
  /** Tasks that the triggers of one app start in a minute, at each agent. */
  triggeredPerMinute: count.default(300),
  /** New deliveries of one webhook, or that one person delivers again, in a minute, at each agent. */
  deliveriesPerMinute: count.default(1_200),
  /** Their bodies, in bytes: they are kept for as long as deliveries are. */
  deliveryBytesPerMinute: count.default(64 * 1_048_576),
  /** Named outputs of one step, and of one job. */
  outputs: count.default(500),
  /** All outputs of one attempt, its steps included: bytes of JSON. */
  outputBytes: count.default(4_194_304),
  /** Changes to the outside world that one job may begin, in all its attempts. */
  effects: count.default(2_000),
  /** What is remembered about one of those changes: bytes of JSON. */
  effectBytes: count.default(262_144),
  /** All that is stored of what a runner reports about one attempt, except logs and artifacts: bytes of JSON, at each agent. */
  attemptBytes: count.default(64 * 1_048_576),
  /** Messages about steps in one attempt. */
  progress: count.default(100_000),
  /** The log of one step in one attempt. Runners cut theirs at 64 MiB. */
  stepLogBytes: count.default(80 * 1_048_576),
  /** All logs of one attempt. */
  attemptLogBytes: count.default(1_024 * 1_048_576),
  /** Artifacts that one job may save. */
  artifacts: count.default(50),
  /** All files of one artifact. */
  artifactBytes: count.default(2 * 1_073_741_824),
  /** The artifacts of one app at one site, and of all tasks without an app. The same content counts once, a file at least as 16 KiB. */
  artifactAppBytes: count.default(20 * 1_073_741_824),
  /** The artifacts of all apps at one site. The same content counts once. */
  artifactSiteBytes: count.default(50 * 1_073_741_824),
});
export type Limits = z.output<typeof limitsConfig>;

/** Text of a `body-too-large` that says where the limit is configured. */
export function raise(limit: keyof Limits): string {
  return `, or raise \`limits.${limit}\` in the configuration of the task-agent`;
}
