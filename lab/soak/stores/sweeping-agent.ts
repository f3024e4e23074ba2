// A task-agent or notify-agent whose retention passes run without a pause: `node … --config FILE` (JSON). It is a
// notify-agent when its configuration names a task-agent.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { startNotifyAgent } from "@gantry/notify-agent/main.ts";
import { type Clock, systemClock } from "@gantry/runtime/clock.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";

/** In production the first pass runs after five minutes or more, each further one after an hour. */
const PASSES_MS = 5 * 60_000;
const SOON_MS = 20;

const clock: Clock = { ...systemClock, after: (ms, run) => systemClock.after(ms < PASSES_MS ? ms : SOON_MS, run) };
const { values } = parseArgs({ options: { config: { type: "string", default: "" } } });
const config = JSON.parse(readFileSync(values.config, "utf8")) as { agent?: object };
const logger = makeLogger("sweeping-agent", "error", { write: (line) => void process.stderr.write(line) });
if (config.agent) await startNotifyAgent(config as Parameters<typeof startNotifyAgent>[0], { clock, logger });
else await startTaskAgent(config as Parameters<typeof startTaskAgent>[0], { clock, logger });
