// What runner and task-agent tell each other when something is over. Part of the one table in ../errors.ts.

import type { ErrorEntry } from "./entry.ts";

export const PROTOCOL_ERRORS = {
  "session-gone": {
    status: 410,
    message: "This runner session is over.",
    why: "A newer process of the same runner has registered, or the agent no longer knows the session.",
    todo: "Open a new session.",
  },
  "version-unfit": {
    status: 426,
    message: "{peer} and {me} do not understand each other.",
    why: "{peer} speaks versions {theirs} of the protocol, {me} speaks {mine}.",
    todo: "Update {older}; processes may be one release apart.",
  },
  "lease-lost": {
    status: 409,
    message: "The lease of this attempt is over.",
    why: "{problem}",
    todo: "Stop the work of this attempt; nothing it reports counts any more.",
  },
  "offer-gone": {
    status: 409,
    message: "The offer is no longer open.",
    why: "{problem}",
    todo: "Forget it and poll again.",
  },
  "report-differs": {
    status: 409,
    message: "Attempt {attempt} was reported as {first} before; now it is reported otherwise, as {second}.",
    why: "Two processes may be speaking for one attempt, or a runner's disk was restored from a copy.",
    todo: "Nothing: the first report stands. Look at the log of the runner.",
  },
  "cancel-unconfirmed": {
    status: 422,
    message: "Runner {runner} did not confirm that it stopped.",
    why: "It was not heard of after the cancel.",
    todo: "Look at what the job was doing before you run it again: it may have gone on for a while.",
  },
  "runner-refused": {
    status: 401,
    message: "The task-agent at {agent} refuses the runner {runner}.",
    why: "Its token is not valid any more, or somebody has taken the runner out of service.",
    todo: "Give it a valid token, or another name, and start it again.",
  },
  "kill-failed": {
    status: 500,
    message: "Processes of the job could not be ended on runner {runner}.",
    why: "They survived SIGKILL; usually they hang in the kernel on a disk or a network file system.",
    todo: "Restart the machine or container of runner {runner}; it takes no more jobs.",
  },
  "log-rewind": {
    status: 416,
    message: "The log is at byte {ack}, not at {offset}.",
    why: "Bytes are missing or were sent before.",
    todo: "Send from byte {ack}.",
  },
  "log-differs": {
    status: 409,
    message: "The log has other bytes at this place.",
    why: "A chunk that was sent again does not equal the first one.",
    todo: "Stop sending; the first bytes stay.",
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
