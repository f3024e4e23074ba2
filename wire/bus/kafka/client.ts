// The one place where kafkajs is set up: address, TLS, SASL, log lines, and what keeps its mistakes inside.

import { createRequire } from "node:module";
import type { ConnectionOptions } from "node:tls";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { Kafka, type LogEntry, logLevel, type SASLOptions } from "kafkajs";
import type { KafkaConfig } from "./config.ts";

/** How long one request to a broker may take, and one connection. */
const REQUEST_MS = 10_000;
const CONNECT_MS = 3_000;

quietTimers();

/** Makes no connection yet. */
export function makeKafka(config: KafkaConfig, logger: Logger): Kafka {
  const { brokers, clientId, sasl } = config;
  return new Kafka({
    brokers: [...brokers],
    clientId,
    ssl: config.tls && tlsOf(config),
    ...(sasl ? { sasl: sasl as SASLOptions } : {}),
    requestTimeout: REQUEST_MS,
    connectionTimeout: CONNECT_MS,
    authenticationTimeout: REQUEST_MS,
    // Short: whoever uses the client tries again by itself, for as long as it takes.
    retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 2_000 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => tell(logger, entry),
  });
}

/**
 * While `held`, a promise of kafkajs that rejects with nobody listening is a line in the log and not the end of the
 * process: its runner of consumers leaves one behind when the disconnecting after a crash fails. Any other rejection
 * ends the process, as ever. Answers what lets go.
 */
export function holdStrayRejections(logger: Logger): () => void {
  const onStray = (reason: unknown): void => {
    if (isKafkaError(reason)) {
      logger.warn({ err: reason }, "the Kafka client left an error behind");
      return;
    }
    setImmediate(() => {
      throw reason;
    });
  };
  process.on("unhandledRejection", onStray);
  return () => void process.off("unhandledRejection", onStray);
}

/** The chain of causes in words; kafkajs puts what matters at its end. */
export function problemOfKafka(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const deepest = deepestCause(error, 5);
  return deepest.message.replace(/\.?$/, ".");
}

function isKafkaError(reason: unknown): boolean {
  return reason instanceof Error && reason.name.startsWith("KafkaJS");
}

function deepestCause(error: Error, depth: number): Error {
  return depth > 0 && error.cause instanceof Error ? deepestCause(error.cause, depth - 1) : error;
}

/** kafkajs repeats itself during an outage, so its own lines are for those who look closely. */
function tell(logger: Logger, { namespace, log }: LogEntry): void {
  const { message, timestamp: _, ...fields } = log;
  logger.debug({ kafkajs: namespace, ...fields }, message);
}

function tlsOf({ tlsCa, tlsCert, tlsKey, tlsServername }: KafkaConfig): ConnectionOptions {
  return {
    ...(tlsCa === undefined ? {} : { ca: tlsCa }),
    ...(tlsCert === undefined ? {} : { cert: tlsCert }),
    ...(tlsKey === undefined ? {} : { key: tlsKey }),
    ...(tlsServername === undefined ? {} : { servername: tlsServername }),
  };
}

type RequestQueue = { readonly pending: readonly unknown[]; scheduleCheckPendingRequests(): void };

/**
 * kafkajs 2.2.4 looks for waiting requests every millisecond on every connection, for ever, also where none waits (and
 * Node warns of its negative timers). Looked at only while there is something to look for.
 */
function quietTimers(): void {
  const require = createRequire(import.meta.url);
  const queue = require("kafkajs/src/network/requestQueue") as { prototype: RequestQueue };
  const schedule = queue.prototype.scheduleCheckPendingRequests;
  queue.prototype.scheduleCheckPendingRequests = function scheduleIfNeeded(this: RequestQueue): void {
    if (this.pending.length > 0) schedule.call(this);
  };
}
