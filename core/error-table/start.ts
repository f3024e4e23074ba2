// Errors that prevent a process from starting or from storing data. Part of the table in ../errors.ts.

import type { ErrorEntry } from "./entry.ts";

export const START_ERRORS = {
  "config-invalid": {
    status: 500,
    message: "The configuration is not valid.",
    why: "{problem}",
    todo: "Correct the listed settings and start again.",
  },
  "start-incomplete": {
    status: 500,
    message: "Gantry did not come up: {problem}.",
    why: "{cause}",
    todo: "Read the messages of that process above, correct the cause and start again. On a slow machine, starting again may be enough.",
  },
  "argument-unusable": {
    status: 500,
    message: "{argument} cannot be used.",
    why: "{problem}",
    todo: "Correct the command and run it again.",
  },
  "store-busy": {
    status: 500,
    message: "{file} is in use by another process.",
    why: "Only one process may use it at a time. Its lock is held by {owner}.",
    todo: "Stop the other process, or use another data folder.",
  },
  "store-unreachable": {
    status: 500,
    message: "The journal at {address} cannot be reached.",
    why: "{problem}",
    todo: "Correct `journal` in the configuration or start this Redis, then start again.",
  },
  "data-unusable": {
    status: 500,
    message: "{file} cannot be used.",
    why: "{problem}",
    todo: "Let the user that Gantry runs as write there, free disk space, or configure another data folder.",
  },
  "port-unusable": {
    status: 500,
    message: "Gantry cannot listen on {address}.",
    why: "{problem}",
    todo: "Stop the process that uses this address, or configure another `host` or `port`.",
  },
  "secret-unreadable": {
    status: 500,
    message: "{what} cannot be read.",
    why: "{problem}",
    todo: "Provide the secret there or correct the configuration, then start again.",
  },
  "topic-unfit": {
    status: 500,
    message: "The Kafka topic {topic} cannot carry events: {problem}.",
    why: "Events could be lost or arrive out of order.",
    todo: "{todo}",
  },
  "bus-unreachable": {
    status: 500,
    message: "Kafka at {address} cannot be reached and has never been reached before.",
    why: "{problem}",
    todo: "Correct `brokers` in the configuration, or start Kafka. Once Kafka has been reached, Gantry also starts without it.",
  },
  "bus-refused": {
    status: 500,
    message: "Kafka at {address} refused Gantry's credentials.",
    why: "{problem}",
    todo: "Correct the account or its permissions: it must be able to read, write and describe the topic, and to read the group.",
  },
  "store-newer": {
    status: 500,
    message: "The journal {file} was written by a newer version of Gantry.",
    why: "It has layout version {found}; this version of Gantry supports up to {known}.",
    todo: "Start the newer version, or restore a backup.",
  },
  "backup-damaged": {
    status: 500,
    message: "The backup {file} is incomplete or damaged.",
    why: "{problem}",
    todo: "Nothing was restored. Use another backup.",
  },
  "store-unsafe": {
    status: 500,
    message: "Redis at {address} is not safe as a journal: {problem}.",
    why: "It could lose changes that it has acknowledged.",
    todo: "{todo}",
  },
  "store-refused": {
    status: 500,
    message: "Redis at {address} refused Gantry's credentials.",
    why: "{problem}",
    todo: "Correct the user, the password or the permissions of the journal's account, then start again.",
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
