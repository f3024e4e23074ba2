// What stops a process from starting or from remembering. Part of the one table in ../errors.ts.

import type { ErrorEntry } from "./entry.ts";

export const START_ERRORS = {
  "config-invalid": {
    status: 500,
    message: "The configuration is not valid.",
    why: "{problem}",
    todo: "Correct what is listed and start again.",
  },
  "store-busy": {
    status: 500,
    message: "The journal {file} is in use by another process.",
    why: "Only one process may own it; the lock is held by {owner}.",
    todo: "Stop the other process, or use another data folder.",
  },
  "store-unreachable": {
    status: 500,
    message: "The journal at {address} cannot be reached.",
    why: "{problem}",
    todo: "Correct `journal` in the configuration, or start that Redis, and start again.",
  },
  "data-unusable": {
    status: 500,
    message: "{file} cannot be used.",
    why: "{problem}",
    todo: "Give the user that Gantry runs as the right to write there, make room, or configure another data folder.",
  },
  "port-unusable": {
    status: 500,
    message: "Gantry cannot listen at {address}.",
    why: "{problem}",
    todo: "Stop what listens there, or configure another `host` or `port`.",
  },
  "secret-unreadable": {
    status: 500,
    message: "{what} cannot be read.",
    why: "{problem}",
    todo: "Put the secret there, or correct the configuration, and start again.",
  },
  "topic-unfit": {
    status: 500,
    message: "The Kafka topic {topic} cannot carry events: {problem}.",
    why: "Events could be lost, or reach their readers out of order.",
    todo: "{todo}",
  },
  "bus-unreachable": {
    status: 500,
    message: "Kafka at {address} cannot be reached, and was never reached before.",
    why: "{problem}",
    todo: "Correct `brokers` in the configuration, or start Kafka; once it was reached, Gantry starts without it, too.",
  },
  "bus-refused": {
    status: 500,
    message: "Kafka at {address} does not let Gantry in.",
    why: "{problem}",
    todo: "Correct the account or its rights: it must read, write and describe the topic, and read the group.",
  },
  "store-newer": {
    status: 500,
    message: "The journal {file} was written by a newer version of Gantry.",
    why: "It has migration {found}; this version knows {known}.",
    todo: "Start the newer version, or restore a backup.",
  },
  "backup-damaged": {
    status: 500,
    message: "The backup {file} is not whole.",
    why: "{problem}",
    todo: "Nothing was restored. Use another backup.",
  },
  "store-unsafe": {
    status: 500,
    message: "Redis at {address} is not safe as a journal: {problem}.",
    why: "It could lose what it has acknowledged.",
    todo: "{todo}",
  },
  "store-refused": {
    status: 500,
    message: "Redis at {address} does not let Gantry in.",
    why: "{problem}",
    todo: "Correct the user, the password or the rights of the journal's account, and start again.",
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
