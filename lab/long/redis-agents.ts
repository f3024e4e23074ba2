// The long run of two task-agents on one Redis: `node lab/long/redis-agents.ts [kills]`. One line of figures; the exit
// code is 1 when a task was lost. What was measured is in docs/redis.md.

import { killAgents } from "../redis/agents.ts";
import { noRedis } from "../redis/server.ts";

if (noRedis) throw new Error(noRedis);
const started = performance.now();
const figures = await killAgents(Number(process.argv[2] ?? 60), 15, 50);
const seconds = Math.round((performance.now() - started) / 1_000);
process.stdout.write(`agents ${JSON.stringify({ ...figures, seconds })}\n`);
if (figures.lost + figures.doubled > 0) process.exitCode = 1;
