// Opens the journal that the configuration names.

import { hostname } from "node:os";
import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { RedisAddress, RedisReport } from "@gantry/journal/redis/options.ts";
import { openSqliteJournal } from "@gantry/journal/sqlite/sqlite.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { checkTls } from "@gantry/runtime/process/tls-files.ts";
import type { Alarms } from "../alarms.ts";
import type { AgentConfig } from "../config.ts";
import { AGENT_INDEXES } from "../tasks/tasks.ts";
import type { JournalConfig } from "./journal-config.ts";

export type OpenedJournal = {
  readonly journal: Journal;
  /** The name of this agent, where the journal is shared. */
  readonly name: string | undefined;
};

/** Opens what the configuration names. Throws what the adapters throw, `store-unreachable` and `config-invalid`. */
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
  // Only who uses it loads it.
  const { openRedisJournal } = await import("@gantry/journal/redis/redis.ts");
  checkTls(given, "/journal");
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
    keep: isKept,
    clock,
    report: (report) => tell(logger, alarms, report),
  }).catch((error: unknown) => {
    throw unreachable(error, address);
  });
  return { journal, name: config.name ?? hostname().replace(/[^A-Za-z0-9_.-]/g, "-") };
}

/** Unfinished tasks and the little that is needed to go on with them. Ended tasks are history: Redis alone has it. */
export function isKept(stream: string, indexes: readonly string[]): boolean {
  if (stream.startsWith("task/")) return indexes.includes("open");
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

/** While it runs, waiting helps; when it starts, somebody must look. */
function unreachable(error: unknown, address: RedisAddress): unknown {
  if (!(error instanceof GantryError) || error.code !== "unavailable") return error;
  const places =
    "host" in address
      ? [`${address.host}:${address.port}`]
      : "sentinels" in address
        ? address.sentinels
        : address.cluster;
  const problem = String(error.details.problem ?? "");
  return new GantryError("store-unreachable", { address: places.join(", "), problem }, { cause: error });
}

function tlsOf({ tlsCa, tlsCert, tlsKey, tlsServername }: JournalConfig): Record<string, string> {
  return withoutUndefined({ ca: tlsCa, cert: tlsCert, key: tlsKey, servername: tlsServername });
}

function withoutUndefined<T extends Record<string, string | undefined>>(fields: T): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function tell(logger: Logger, alarms: Alarms, report: RedisReport): void {
  const { kind, ...fields } = report;
  const lost = (text: string): void => alarms.raise("store-lost-writes", fields, text);
  if (kind === "connected") logger.info(fields, "the journal is connected");
  else if (kind === "disconnected") logger.warn(fields, "the journal is not connected");
  else if (kind === "degraded") logger.warn(fields, "the journal is weaker than it should be");
  else if (kind === "repaired") lost("the journal had lost what it had acknowledged; it was put back");
  else lost("the journal has lost what it had acknowledged, and has something else in its place");
}
