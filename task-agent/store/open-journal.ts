// Opens the configured journal.

import { hostname } from "node:os";
import { join } from "node:path";
import { configInvalid } from "@gantry/core/config/read.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { RedisAddress, RedisReport } from "@gantry/journal/redis/options.ts";
import { openSqliteJournal } from "@gantry/journal/sqlite/sqlite.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { checkTls } from "@gantry/runtime/process/tls-files.ts";
import type { Alarms } from "../alarms.ts";
import type { AgentConfig } from "../config.ts";
import { taskStream } from "../tasks/task-stream.ts";
import { decideRedisLine } from "./decide-redis-line.ts";
import { AGENT_INDEXES } from "./indexes.ts";
import type { JournalConfig } from "./journal-config.ts";

export type OpenedJournal = {
  readonly journal: Journal;
  /** The name of this agent where several share the journal. */
  readonly name: string | undefined;
};

/** Rejects with what the adapter throws, with `store-unreachable` and with `config-invalid`. */
export async function openAgentJournal(
  config: AgentConfig,
  { clock, logger, alarms }: { readonly clock: Clock; readonly logger: Logger; readonly alarms: Alarms },
): Promise<OpenedJournal> {
  const given = config.journal;
  if (given.kind === "sqlite") {
    const file = join(config.data, "journal.sqlite");
    return { journal: await openSqliteJournal({ file, indexes: AGENT_INDEXES, clock }), name: undefined };
  }
  const { username, password, sentinelUsername, sentinelPassword, prefix, waitReplicas, waitMs, allowLazyFsync } =
    given;
  const account = { username, password, sentinelUsername, sentinelPassword };
  // Loaded only when it is used.
  const { openRedisJournal } = await import("@gantry/journal/redis/redis.ts");
  checkTls(given, "/journal");
  const weak = decideRedisLine(given);
  if (weak.length > 0 && !given.allowInsecure) throw configInvalid(weak);
  for (const { pointer } of weak)
    logger.warn({ setting: pointer }, "an unprotected Redis on another machine is allowed");
  const address = addressOf(given);
  const journal = await openRedisJournal({
    address,
    ...withoutUndefined(account),
    ...(given.tls ? { tls: tlsOf(given) } : {}),
    prefix,
    waitReplicas,
    waitMs,
    allowLazyFsync,
    indexes: AGENT_INDEXES,
    localFile: join(config.data, "journal.local"),
    keep: isKeptLocally,
    clock,
    report: (report) => logReport(logger, alarms, report),
  }).catch((error: unknown) => {
    throw unreachable(error, address);
  });
  return { journal, name: config.name ?? hostname().replace(/[^A-Za-z0-9_.-]/g, "-") };
}

/**
 * Streams that this agent keeps in its own file, to restore them if Redis loses writes: unfinished tasks and what is needed to
 * continue them. Ended tasks are in Redis only.
 */
function isKeptLocally(stream: string, indexes: readonly string[]): boolean {
  if (taskStream.idOf(stream) !== undefined) return indexes.includes("open");
  return !/^(key|group|reader|agent\/(peer|leases))\//.test(stream);
}

function addressOf({ address, sentinels, sentinelName, cluster }: JournalConfig): RedisAddress {
  const given = [address, sentinels, cluster].filter((one) => one !== undefined);
  if (given.length !== 1)
    throw new GantryError("config-invalid", { problem: "journal needs one of address, sentinels or cluster" });
  if (cluster) return { cluster };
  if (sentinels && sentinelName !== undefined) return { sentinels, name: sentinelName };
  if (sentinels) throw new GantryError("config-invalid", { problem: "journal.sentinels needs journal.sentinelName" });
  const cut = address?.lastIndexOf(":") ?? 0;
  return { host: address?.slice(0, cut) ?? "", port: Number(address?.slice(cut + 1)) };
}

/** At the start, an unavailable store is an error that an operator must see. The agent does not wait for it. */
function unreachable(error: unknown, address: RedisAddress): unknown {
  if (!(error instanceof GantryError) || error.code !== "unavailable") return error;
  const addresses =
    "host" in address
      ? [`${address.host}:${address.port}`]
      : "sentinels" in address
        ? address.sentinels
        : address.cluster;
  const problem = String(error.details.problem ?? "");
  return new GantryError("store-unreachable", { address: addresses.join(", "), problem }, { cause: error });
}

function tlsOf({ tlsCa, tlsCert, tlsKey, tlsServername }: JournalConfig): Record<string, string> {
  return withoutUndefined({ ca: tlsCa, cert: tlsCert, key: tlsKey, servername: tlsServername });
}

function withoutUndefined<T extends Record<string, string | undefined>>(fields: T): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function logReport(logger: Logger, alarms: Alarms, report: RedisReport): void {
  const { kind, ...fields } = report;
  const lost = (text: string): void => alarms.raise("store-lost-writes", fields, text);
  if (kind === "connected") logger.info(fields, "connected to the journal");
  else if (kind === "disconnected") logger.warn(fields, "disconnected from the journal");
  else if (kind === "degraded") logger.warn(fields, "the journal is less durable than configured");
  else if (kind === "repaired")
    lost("the journal had lost acknowledged writes; they were restored from this agent's file");
  else lost("the journal has lost acknowledged writes and has other data in their place; they cannot be restored");
}
