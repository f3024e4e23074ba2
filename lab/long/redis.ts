// The long runs against a real Redis: `node lab/long/redis.ts [kills|failovers|cut|behind|emptied|away …]`, all without a
// name. Prints one line of figures each; the exit code is 1 when something acknowledged was lost. What was measured is
// in docs/redis.md.

import { emptyRedis, type Figures, failOver, failOverToTheWrongOne, killRedis, stopRedis } from "../redis/faults.ts";
import { noRedis } from "../redis/server.ts";

const RUNS: { readonly [name: string]: () => Promise<Figures> } = {
  kills: () => killRedis(200),
  failovers: () => failOver(100, () => Math.random() * 10_000),
  cut: () => failOver(1, () => 60_000),
  behind: () => failOverToTheWrongOne(100),
  emptied: () => emptyRedis(20),
  away: () => stopRedis(600_000),
};

if (noRedis) throw new Error(noRedis);
const wanted = process.argv.slice(2);
for (const [name, run] of Object.entries(RUNS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const started = performance.now();
  const figures = await run();
  const seconds = Math.round((performance.now() - started) / 1_000);
  process.stdout.write(`${name} ${JSON.stringify({ ...figures, seconds })}\n`);
  const vanished = name === "behind" ? 0 : figures.vanished;
  if (figures.missing + figures.ackedWhileCut + figures.repeatedTimes + vanished + figures.differing > 0)
    process.exitCode = 1;
}
