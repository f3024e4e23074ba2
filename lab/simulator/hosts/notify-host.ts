// The notify-agent of the simulation: the real loop and queues, with a channel to the simulated outside system.

import type { Channel } from "@gantry/core/notify/channel.ts";
import { compileRules } from "@gantry/core/notify/compile-rules.ts";
import { newMemoryStore, openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { openChannelQueues } from "@gantry/notify-agent/deliveries/channel-queues.ts";
import { type Delivery, NOTIFY_INDEXES } from "@gantry/notify-agent/deliveries/delivery.ts";
import { startBusSource } from "@gantry/notify-agent/sources/bus-source.ts";
import { startFeedSource } from "@gantry/notify-agent/sources/feed-source.ts";
import { deadlineBy } from "@gantry/runtime/deadline.ts";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { Invariants } from "../invariants/invariants.ts";
import type { SimBus } from "../machine/bus.ts";
import { errorLogger } from "../machine/logger.ts";
import type { Network } from "../machine/network.ts";
import { createProcess, type Machine, type Process, type Simulation } from "../machine/process.ts";
import { faultyStore, NO_STORE_FAULTS, type StoreFaultProfile } from "../machine/store.ts";

export type NotifyHost = {
  readonly machine: Machine;
  readonly faultProfile: StoreFaultProfile;
  readonly process: () => Process | undefined;
  readonly boot: () => void;
};

type NotifyHostDeps = {
  readonly simulation: Simulation;
  readonly machine: Machine;
  readonly network: Network;
  readonly invariants: Invariants;
  /** Source of events; absent: the feed of the task-agent. */
  readonly bus: SimBus | undefined;
};

export const CHANNEL = "chat";
const { rules } = compileRules(
  [
    { name: "ended", when: 'event.kind == "TaskEnded"', oncePer: "task.id", send: [{ channel: CHANNEL }] },
    {
      name: "held",
      when: 'event.kind == "JobHeld"',
      oncePer: 'task.id + "/" + event.job + "/" + string(event.at)',
      send: [{ channel: CHANNEL }],
    },
  ],
  [CHANNEL],
);
const POLICY = { firstRetryMs: 2_000, maxRetryMs: 60_000, maxTries: 500, giveUpAfterMs: 259_200_000, sendMs: 30_000 };

export function createNotifyHost({ simulation, machine, network, invariants, bus }: NotifyHostDeps): NotifyHost {
  const random = simulation.random.fork("notify");
  const store = newMemoryStore();
  const faultProfile: StoreFaultProfile = { ...NO_STORE_FAULTS };
  const recorded = new Set<string>();
  let current: Process | undefined;
  let boots = 0;

  const onCommit: Parameters<typeof faultyStore>[1]["onCommit"] = (batch) => {
    for (const { stream, snapshot } of batch) {
      if (!stream.startsWith("delivery/")) continue;
      const { key, state } = snapshot as unknown as Delivery;
      if (state === "delivered") recorded.add(key);
    }
  };
  const channelOf = (process: Process): Channel => {
    const fetchOutside = network.fetchFor(process);
    const delivered = new Set<string>();
    return {
      send: async ({ key }, signal) => {
        if (recorded.has(key))
          invariants.violated("notifications", `${key} is sent again after it was recorded as delivered`);
        if (delivered.has(key))
          invariants.violated("notifications", `${key} is sent again by the process that delivered it`);
        try {
          const body = JSON.stringify({ name: "", key });
          const answer = await fetchOutside("http://outside/message", { method: "POST", body, signal });
          if (!answer.ok) return { kind: "retry", problem: `status ${answer.status}` };
          delivered.add(key);
          return { kind: "delivered" };
        } catch (error) {
          return { kind: "retry", problem: String(error) };
        }
      },
    };
  };
  const crashOf = (process: Process) => (): void => {
    process.kill();
    simulation.timeline.at(simulation.timeline.nowMs() + random.between(100, 20_000), boot);
  };
  const open = async (process: Process): Promise<void> => {
    const { clock } = process;
    const inner = openMemoryJournal({ indexes: NOTIFY_INDEXES, store, clock });
    const journal = faultyStore(inner, { process, random, faultProfile, crash: crashOf(process), onCommit });
    const logger = errorLogger(invariants, process.name);
    const deliverer = openChannelQueues({
      journal,
      channels: new Map([[CHANNEL, channelOf(process)]]),
      policy: POLICY,
      clock,
      random: random.next,
      logger,
      onTried: () => {},
    });
    await deliverer.resumePending();
    const facts = {
      journal,
      rules: () => rules,
      maxAgeMs: POLICY.giveUpAfterMs,
      portalUrl: undefined,
      hasCallbacks: false,
      clock,
      random: random.next,
      logger,
      onRecorded: deliverer.add,
      resumePending: deliverer.resumePending,
      onFeed: () => {},
    };
    const agent = makeAgentClient({
      url: "http://agent",
      token: "notify",
      fetch: network.fetchFor(process),
      deadline: (ms) => deadlineBy(clock, ms),
    });
    if (bus) startBusSource({ ...facts, bus: bus.seenBy(process), group: "notify" });
    else startFeedSource({ ...facts, agent });
  };
  const boot = (): void => {
    if (current?.isAlive()) return;
    boots += 1;
    const process = createProcess(simulation, machine, `notify#${boots}`);
    current = process;
    simulation.trace.line(`${process.name} starts`);
    open(process).catch((error: unknown) =>
      invariants.violated("no-unexpected-error", `notify cannot start: ${String(error)}`),
    );
  };
  return { machine, faultProfile, boot, process: () => current };
}
