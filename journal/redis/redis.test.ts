import { after, before, describe } from "node:test";
import { noRedis, type RedisServer, startRedis } from "@gantry/lab/faults/redis/server.ts";
import { journalSuite } from "../journal.suite.ts";
import { openRedisJournal } from "./redis.ts";

let count = 0;

describe("one Redis", { skip: noRedis }, () => {
  let server: RedisServer;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.dispose());

  journalSuite("redis", async () => {
    count += 1;
    const prefix = `suite-${count}`;
    return {
      open: (indexes) => openRedisJournal({ address: server, indexes, prefix }),
      dispose: async () => {},
    };
  });
});
