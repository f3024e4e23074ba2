// The configuration of the journal: a file of this agent, or a Redis that several agents share.

import { z } from "zod";

const hostAndPort = z.string().regex(/^[^\s:]+(:[^\s:]+)*:\d{1,5}$/, "must be host:port");

/** Flat, so that every field has an environment variable and every password a `_FILE` form. */
export const journalConfig = z
  .strictObject({
    kind: z.enum(["sqlite", "redis"]).default("sqlite"),
    /** One of `address` (the primary, or a proxy to it), `sentinels` with `sentinelName`, or `cluster`. */
    address: hostAndPort.optional(),
    sentinels: z.array(hostAndPort).min(1).optional(),
    sentinelName: z.string().optional(),
    cluster: z.array(hostAndPort).min(1).optional(),
    username: z.string().optional(),
    password: z.string().optional(),
    sentinelUsername: z.string().optional(),
    sentinelPassword: z.string().optional(),
    tls: z.boolean().default(false),
    /** PEM texts: the certificate authority of the server, and a client certificate with its key if the server asks for one. */
    tlsCa: z.string().optional(),
    tlsCert: z.string().optional(),
    tlsKey: z.string().optional(),
    tlsServername: z.string().optional(),
    /** Accept a Redis on another machine without a password or without TLS: a warning instead of a refusal. */
    allowInsecure: z.boolean().default(false),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9_.:-]{1,60}$/)
      .default("gantry"),
    /** The number of replicas that must have a change before it is acknowledged. */
    waitReplicas: z.int().min(0).max(10).default(1),
    waitMs: z.int().min(10).max(1_500).default(500),
    /** Accept a Redis that does not write every change to disk at once. */
    allowLazyFsync: z.boolean().default(false),
  })
  .prefault({});

export type JournalConfig = z.output<typeof journalConfig>;
