// kafkajs as a client of the bus: addresses, TLS, SASL, log lines, and workarounds for its bugs.

import { createRequire } from "node:module";
import type { ConnectionOptions } from "node:tls";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { Kafka, type LogEntry, logLevel, type SASLOptions } from "kafkajs";
import type { KafkaConfig } from "../config.ts";
import { type ClientDeps, CONNECT_MS, type KafkaClient, REQUEST_MS, RETRIES } from "../kafka-client.ts";
import { openMember } from "./member.ts";
import { openProducer } from "./producer.ts";
import { openTopicAdmin } from "./topic-admin.ts";

quietTimers();

export function openKafkajsClient({ config, clock, logger }: ClientDeps): KafkaClient {
  const kafka = makeKafka(config, logger);
  const removeHandler = logStrayRejections(logger);
  return {
    openProducer: () => openProducer(kafka, config),
    openTopicAdmin: () => openTopicAdmin(kafka),
    openMember: (task) => openMember({ kafka, topic: config.topic, clock }, task),
    close: removeHandler,
  };
}

/** Makes no connection yet. */
function makeKafka(config: KafkaConfig, logger: Logger): Kafka {
  const { brokers, clientId, sasl } = config;
  return new Kafka({
    brokers: [...brokers],
    clientId,
    ssl: config.tls && tlsOf(config),
    ...(sasl ? { sasl: sasl as SASLOptions } : {}),
    requestTimeout: REQUEST_MS,
    connectionTimeout: CONNECT_MS,
    authenticationTimeout: REQUEST_MS,
    retry: { retries: RETRIES, initialRetryTime: 100, maxRetryTime: 2_000 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => logEntry(logger, entry),
  });
}

/**
 * Logs unhandled rejections of kafkajs instead of letting them end the process: its consumer runner leaves one behind when
 * disconnecting after a crash fails. Any other unhandled rejection ends the process as usual. The answer removes the
 * handler.
 */
function logStrayRejections(logger: Logger): () => void {
  const onStray = (reason: unknown): void => {
    if (isKafkaError(reason)) {
      logger.warn({ err: reason }, "the Kafka client left a rejection unhandled");
      return;
    }
    setImmediate(() => {
      throw reason;
    });
  };
  process.on("unhandledRejection", onStray);
  return () => void process.off("unhandledRejection", onStray);
}

function isKafkaError(reason: unknown): boolean {
  return reason instanceof Error && reason.name.startsWith("KafkaJS");
}

/** kafkajs repeats its messages during an outage, so they are logged at level debug. */
function logEntry(logger: Logger, { namespace, log }: LogEntry): void {
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
 * kafkajs 2.2.4 checks every connection for waiting requests every millisecond, even when none waits (and Node warns about
 * its negative timers). With this patch it checks only while requests wait.
 */
function quietTimers(): void {
  const require = createRequire(import.meta.url);
  const queue = require("kafkajs/src/network/requestQueue") as { prototype: RequestQueue };
  const schedule = queue.prototype.scheduleCheckPendingRequests;
  queue.prototype.scheduleCheckPendingRequests = function scheduleIfNeeded(this: RequestQueue): void {
    if (this.pending.length > 0) schedule.call(this);
  };
}
