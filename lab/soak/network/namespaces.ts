// A network namespace for one runner, connected to the agent through a router namespace. A cut drops packets in the router,
// so neither side notices except by TCP timeouts. Needs Linux, root and `ip`.

import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { readdirSync } from "node:fs";
import type { RunnerLink } from "./cut.ts";
import type { Fault } from "./faulty-proxy.ts";

/** Why network namespaces cannot be used on this machine; undefined when they can. */
export function noNamespaces(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "network namespaces need Linux and root";
  const name = `gantry-try-${process.pid}`;
  try {
    ip("netns add", name);
    ip("netns del", name);
    return undefined;
  } catch {
    return "network namespaces cannot be created on this machine";
  }
}

/** The link of a runner in its own namespace. The agent must listen on all addresses. */
export async function openNamespaces(agentUrl: string): Promise<RunnerLink> {
  const net = freeNet();
  const [runner, router] = [`gantry-${net}-runner`, `gantry-${net}-router`];
  const at = (host: number): string => `10.213.${net}.${host}`;
  const inRouter = (command: string): void => ip(`-n ${router}`, command);
  const routes = { up: `blackhole ${at(1)}/32`, down: `blackhole ${at(6)}/32` };
  const close = async (): Promise<void> => {
    // The virtual links are removed with the namespaces.
    for (const name of [runner, router]) ip("netns del", name);
  };
  ip("netns add", router);
  ip("netns add", runner);
  try {
    ip(`link add gantry${net}a type veth peer name agent netns ${router}`);
    ip(`-n ${router} link add runner type veth peer name agent netns ${runner}`);
    ip(`addr add ${at(1)}/30 dev gantry${net}a`);
    inRouter(`addr add ${at(2)}/30 dev agent`);
    inRouter(`addr add ${at(5)}/30 dev runner`);
    ip(`-n ${runner} addr add ${at(6)}/30 dev agent`);
    ip(`link set gantry${net}a up`);
    for (const device of ["agent", "runner"]) inRouter(`link set ${device} up`);
    for (const device of ["agent", "lo"]) ip(`-n ${runner} link set ${device} up`);
    ip(`route add ${at(4)}/30 via ${at(2)}`);
    ip(`-n ${runner} route add default via ${at(5)}`);
    execFileSync("ip", ["netns", "exec", router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
  } catch (error) {
    await close();
    throw error;
  }
  let now: Fault = {};
  return {
    url: `http://${at(1)}:${new URL(agentUrl).port}`,
    before: ["ip", "netns", "exec", runner],
    set: (fault) => {
      for (const way of ["up", "down"] as const) {
        if (fault[way] && !now[way]) inRouter(`route add ${routes[way]}`);
        if (!fault[way] && now[way]) inRouter(`route del ${routes[way]}`);
      }
      now = fault;
    },
    close,
  };
}

/** An unused part of 10.213.0.0/16. */
function freeNet(): number {
  const taken = new Set(readdirSync("/sys/class/net"));
  for (;;) {
    const net = randomInt(1, 255);
    if (!taken.has(`gantry${net}a`)) return net;
  }
}

function ip(...words: readonly string[]): void {
  execFileSync("ip", words.join(" ").split(" "), { stdio: ["ignore", "ignore", "pipe"] });
}
