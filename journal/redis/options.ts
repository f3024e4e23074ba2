// What the redis journal can be told.

import type { Clock } from "@gantry/runtime/clock.ts";

/** Where the primary is found. A Service, a virtual address or a proxy that follows the primary is a `host`. */
export type RedisAddress =
  | { readonly host: string; readonly port: number }
  /** Sentinels as `host:port`, and the name under which they watch the primary. */
  | { readonly sentinels: readonly string[]; readonly name: string }
  /** Nodes of a cluster as `host:port`; the one that has our hash slot is found through them. */
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
  /** The account at the sentinels, when they want one. */
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
  readonly tls?: RedisTls;
  /** First part of every key; the same for all who share the journal. Default `gantry`. */
  readonly prefix?: string;
  /** So many replicas must have an append before it is acknowledged. Default 0: one Redis, or losing a failover. */
  readonly waitReplicas?: number;
  /** How long to wait for them, ms. Default 500. */
  readonly waitMs?: number;
  /** Take a Redis that does not write every commit to disk at once; a warning instead of a refusal. Default false. */
  readonly allowLazyFsync?: boolean;
  /** File of this process alone, in which it keeps what it wrote of unfinished streams. Absent: nothing is repaired. */
  readonly localFile?: string;
  /**
   * Is this stream to be kept in the local file for good? Others are kept for ten minutes, longer than a failover takes.
   * `indexes` are those in which the stream has entries. Default: none is kept for good.
   */
  readonly keep?: (stream: string, indexes: readonly string[]) => boolean;
  readonly connectTimeoutMs?: number;
  /** Longest time to wait for an answer, ms; longer than `waitMs`. Default 2000. */
  readonly commandTimeoutMs?: number;
  readonly clock?: Clock;
  /** Hears what an operator should know. Must not throw. */
  readonly report?: (report: RedisReport) => void;
};

export type RedisReport =
  | { readonly kind: "connected"; readonly address: string; readonly epoch: number; readonly replicas: number }
  | { readonly kind: "disconnected"; readonly address: string; readonly problem: string }
  /** It works, but it is weaker than it should be. */
  | { readonly kind: "degraded"; readonly address: string; readonly problem: string }
  /** The store had lost acknowledged writes, and has them again. `events` are gone but for the fact that they were. */
  | { readonly kind: "repaired"; readonly wiped: boolean; readonly streams: number; readonly events: number }
  /** Acknowledged writes were lost and others are in their place: a person must look. */
  | { readonly kind: "differs"; readonly streams: readonly string[] };
