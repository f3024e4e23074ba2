// The configuration of the journal: a file of this agent alone, or a Redis that several agents share.

import { z } from "zod";

const place = z.string().regex(/^[^\s:]+(:[^\s:]+)*:\d{1,5}$/, "host:port");

/** Flat, so that every field has an environment variable and passwords a `_FILE` form. */
export const journalConfig = z
  .strictObject({
    kind: z.enum(["sqlite", "redis"]).default("sqlite"),
    /** One of these three: the primary (or what leads to it), sentinels with the name they know it by, or a cluster. */
    address: place.optional(),
    sentinels: z.array(place).min(1).optional(),
    sentinelName: z.string().optional(),
    cluster: z.array(place).min(1).optional(),
    username: z.string().optional(),
    password: z.string().optional(),
    sentinelUsername: z.string().optional(),
    sentinelPassword: z.string().optional(),
    tls: z.boolean().default(false),
    /** PEM texts: who signed the server's certificate, and a certificate of our own where it asks for one. */
    tlsCa: z.string().optional(),
    tlsCert: z.string().optional(),
    tlsKey: z.string().optional(),
    tlsServername: z.string().optional(),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9_.:-]{1,60}$/)
      .default("gantry"),
    /** So many replicas must have a change before it is acknowledged. */
    waitReplicas: z.int().min(0).max(10).default(1),
    waitMs: z.int().min(10).max(1_500).default(500),
    /** Take a Redis that writes to disk now and then only. */
    allowLazyFsync: z.boolean().default(false),
  })
  .prefault({});

export type JournalConfig = z.output<typeof journalConfig>;
