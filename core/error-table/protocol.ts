// Errors of the protocol between runner and task-agent. Part of the table in ../errors.ts.

import type { ErrorEntry } from "./entry.ts";

export const PROTOCOL_ERRORS = {
  "session-gone": {
    status: 410,
    message: "This runner session has ended.",
    why: "A newer process of the same runner has registered, or the task-agent no longer knows the session.",
    todo: "Open a new session.",
  },
  "client-certificate-needed": {
    status: 401,
    message: "This task-agent needs a client certificate from runners.",
    why: "The connection has none, or it has ended, or it is not signed by the authority that `tls.clientCa` of the task-agent names.",
    todo: "Name a valid certificate and its key under `agentTls` in the configuration of the runner.",
  },
  "enrolment-invalid": {
    status: 401,
    message: "The enrolment token is not valid.",
    why: "It has expired, was used by another runner, or was never given.",
    todo: "Create a new one with `gantry runner enrol SITE`; it is valid for ten minutes.",
  },
  "runner-name-taken": {
    status: 409,
    message: "The runner name {runner} is taken.",
    why: "A name belongs to the key that enrolled under it. Without a key, it belongs to the site whose runner registered it first. Names that differ only in special characters count as one.",
    todo: "Give this runner another `name`, for example one that begins with its site. For a new key of this runner use `gantry runner renew-key`.",
  },
  "version-unfit": {
    status: 426,
    message: "{peer} and {me} have no protocol version in common.",
    why: "{peer} supports {theirs} of the protocol, {me} supports {mine}.",
    todo: "Update {older}. Processes may be at most one release apart.",
  },
  "runner-cannot": {
    status: 409,
    message: "Runner {runner} cannot {what}.",
    why: "Its version {version} does not know this request.",
    todo: "{todo}",
  },
  "runner-silent": {
    status: 504,
    message: "Runner {runner} did not answer within {limit}.",
    why: "{why}",
    todo: "Look at it with `gantry runner show {runner}`, or read its log on its machine.",
    retryable: true,
  },
  "lease-lost": {
    status: 409,
    message: "The lease of this attempt has ended.",
    why: "{problem}",
    todo: "Stop the work of this attempt. Its reports are no longer accepted.",
  },
  "offer-gone": {
    status: 409,
    message: "The offer is no longer open.",
    why: "{problem}",
    todo: "Discard the offer and poll again.",
  },
  "report-differs": {
    status: 409,
    message: "Attempt {attempt} was first reported as {first} and now as {second}.",
    why: "Two processes may be reporting for one attempt, or a runner's disk was restored from a backup.",
    todo: "Nothing: the first report counts. Check the runner's log.",
  },
  "cancel-unconfirmed": {
    status: 422,
    message: "Runner {runner} did not confirm that it stopped.",
    why: "The runner has not reported since the cancel.",
    todo: "Check what the job was doing before you run it again: it may have continued for a while.",
  },
  "runner-refused": {
    status: 401,
    message: "The task-agent at {agent} refused the runner {runner}.",
    why: "The runner's token is no longer valid, or an administrator has taken the runner out of service.",
    todo: "Give the runner a valid token, or another name, and start it again.",
  },
  "kill-failed": {
    status: 500,
    message: "Processes of the job could not be stopped on runner {runner}.",
    why: "They survived SIGKILL. Usually such processes wait in the kernel for a disk or a network file system.",
    todo: "Restart the machine or container of runner {runner}. Until then it takes no more jobs.",
  },
  "log-rewind": {
    status: 416,
    message: "The log has {ack|byte|bytes}, but this chunk begins at byte {offset}.",
    why: "Bytes in between are missing, or were sent before.",
    todo: "Send from byte {ack}.",
  },
  "log-differs": {
    status: 409,
    message: "The log has different bytes at this position.",
    why: "A chunk was sent again with different content.",
    todo: "Stop sending. The bytes that were received first are kept.",
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
