// Speed of the Redis journal on this machine: `node lab/soak/stores/redis-speed.ts`. Appends one event with a task of 4 KB,
// sequentially and 100 at once, without and with a confirming replica, and measures the memory that Redis uses for them.

import { openRedisJournal } from "@gantry/journal/redis/redis.ts";
import { command, startRedis } from "../../faults/redis/server.ts";

const SNAPSHOT = { text: "x".repeat(4_000) };
const SECONDS = 5;

const primary = await startRedis();
const replica = await startRedis();
await command(replica.port, ["REPLICAOF", "127.0.0.1", String(primary.port)]);
while (!/state=online/.test(await primary.command("INFO", "replication")));
try {
  for (const waitReplicas of [0, 1]) {
    for (const together of [1, 100]) {
      const prefix = `speed-${waitReplicas}-${together}`;
      const journal = await openRedisJournal({ address: primary, indexes: ["open"], prefix, waitReplicas });
      const before = await memory();
      const until = performance.now() + SECONDS * 1_000;
      const times: number[] = [];
      const write = async (writer: number): Promise<void> => {
        for (let n = 0; performance.now() < until; n += 1) {
          const began = performance.now();
          const stream = `task/${writer}-${n}`;
          const index = { open: [stream] };
          await journal.append([
            { stream, expected: 0, events: [{ kind: "TaskRequested", n }], snapshot: SNAPSHOT, index },
          ]);
          times.push(performance.now() - began);
        }
      };
      await Promise.all(Array.from({ length: together }, (_, writer) => write(writer)));
      times.sort((a, b) => a - b);
      const at = (part: number): string => (times[Math.floor(times.length * part)] ?? 0).toFixed(1);
      const bytes = Math.round(((await memory()) - before) / times.length);
      const perSecond = Math.round(times.length / SECONDS);
      process.stdout.write(
        `replicas ${waitReplicas}, ${together} at once: ${perSecond}/s, median ${at(0.5)} ms, p99 ${at(0.99)} ms, ${bytes} bytes each\n`,
      );
      await journal.close();
    }
  }
} finally {
  await primary.dispose();
  await replica.dispose();
}

async function memory(): Promise<number> {
  return Number(/used_memory_dataset:(\d+)/.exec(await primary.command("INFO", "memory"))?.[1]);
}
