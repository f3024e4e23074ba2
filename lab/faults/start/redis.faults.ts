// Starts that must fail because of the Redis of the journal.

import { test } from "node:test";
import { noRedis, redisFor, SAFE } from "../redis/server.ts";
import { type BadStart, startsBadly, withFolder } from "./table.ts";

type RefusedStore = {
  readonly what: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly prepare?: readonly string[];
  readonly journal?: object;
  /** The message after the address. */
  readonly says: (at: string) => BadStart["says"];
};

const REFUSED: readonly RefusedStore[] = [
  {
    what: "a wrong password",
    settings: { ...SAFE, requirepass: "redis-password-of-this-test" },
    journal: { password: "wrong-password-of-this-test" },
    says: (at) =>
      new RegExp(
        `^Redis at ${at} refused Gantry's credentials\\. Redis answered: WRONGPASS .+ Correct the user, the password or the permissions of the journal's account, then start again\\.\\n$`,
      ),
  },
  {
    what: "no password",
    settings: { ...SAFE, requirepass: "redis-password-of-this-test" },
    says: (at) => new RegExp(`^Redis at ${at} refused Gantry's credentials\\. Redis answered: NOAUTH `),
  },
  {
    what: "eviction",
    settings: { ...SAFE, "maxmemory-policy": "allkeys-lru" },
    says: (at) =>
      `Redis at ${at} is not safe as a journal: maxmemory-policy is allkeys-lru. It could lose changes that it has acknowledged. Set maxmemory-policy to noeviction: a full Redis must refuse.`,
  },
  {
    what: "no append-only file",
    settings: { ...SAFE, appendonly: "no" },
    says: (at) =>
      `Redis at ${at} is not safe as a journal: appendonly is no. It could lose changes that it has acknowledged. Set appendonly yes and appendfsync always, or allow lazy fsync in the configuration.`,
  },
  {
    what: "a store of a newer version",
    prepare: ["HSET", "{gantry}:meta", "layout", "9000"],
    says: (at) =>
      new RegExp(
        `^The journal \\{gantry\\} of Redis at ${at} was written by a newer version of Gantry\\. It has layout version 9000; this version of Gantry supports up to \\d+\\. Start the newer version, or restore a backup\\.\\n$`,
      ),
  },
];

for (const { what, settings = SAFE, prepare, journal, says } of REFUSED) {
  test(`a Redis with ${what}`, { skip: noRedis }, (t) =>
    withFolder(async (dir) => {
      const redis = await redisFor(t, settings);
      if (prepare) await redis.command(...prepare);
      const address = `127.0.0.1:${redis.port}`;
      const config = { journal: { kind: "redis", address, waitReplicas: 0, ...journal } };
      await startsBadly(dir, { process: "task-agent", config, says: says(address) });
    }),
  );
}
