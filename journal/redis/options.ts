// Options and reports of the Redis journal.

import type { Clock } from "@gantry/runtime/clock.ts";

/** Where to find the primary. A Kubernetes Service, a virtual address or a proxy that follows the primary is a `host`. */
export type RedisAddress =
  | { readonly host: string; readonly port: number }
  /** Sentinels as `host:port`, and their name for the primary. */
  | { readonly sentinels: readonly string[]; readonly name: string }
  /** Nodes of a cluster as `host:port`; they are asked which node has our hash slot. */
  | { readonly cluster: readonly string[] };

export type RedisTls = {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
};

export type RedisOptions = {
  readonly address: RedisAddress;
  readonly indexes: readonly string[];
  readonly username?: string;
  readonly password?: string;
  /** Credentials for the sentinels, when they need any. */
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
  readonly tls?: RedisTls;
  /** Prefix of every key; the same for all processes that share the journal. Default `gantry`. */
  readonly prefix?: string;
  /** How many replicas must have an append before it is acknowledged. Default 0: a failover may lose writes. */
  readonly waitReplicas?: number;
  /** How long to wait for them, ms. Default 500. */
  readonly waitMs?: number;
  /** Accept a Redis that does not sync every commit to disk: a warning instead of a refusal. Default false. */
  readonly allowLazyFsync?: boolean;
  /** Recovery file of this process; no other process may use it. Absent: nothing is restored after a failover. */
  readonly localFile?: string;
  /**
   * Whether this stream stays in the recovery file for good. Others stay for ten minutes, longer than a failover takes.
   * `indexes`: the indexes in which the stream has entries. Default: no stream stays for good.
   */
  readonly keep?: (stream: string, indexes: readonly string[]) => boolean;
  readonly connectTimeoutMs?: number;
  /** Longest time to wait for an answer, ms; longer than `waitMs`. Default 2000. */
  readonly commandTimeoutMs?: number;
  readonly clock?: Clock;
  /** Gets what an operator should know. Must not throw. */
  readonly report?: (report: RedisReport) => void;
};

export type RedisReport =
  | { readonly kind: "connected"; readonly address: string; readonly epoch: number; readonly replicas: number }
  | { readonly kind: "disconnected"; readonly address: string; readonly problem: string }
  /** It works, but with weaker guarantees than it should have. */
  | { readonly kind: "degraded"; readonly address: string; readonly problem: string }
  /** Lost acknowledged writes were restored. Of `events` events only their former existence could be restored. */
  | { readonly kind: "repaired"; readonly wiped: boolean; readonly streams: number; readonly events: number }
  /** Acknowledged writes were lost and other writes have taken their place: a person must check. */
  | { readonly kind: "differs"; readonly streams: readonly string[] };
