// For tests of the Harbor steps: a fake Harbor with a project, and a step bench at a site that uses it.

import type { TestContext } from "node:test";
import type { HarborSystem } from "@gantry/core/site/systems.ts";
import type { FakeServer } from "@gantry/lab/fakes/fake-server.ts";
import { type HarborOptions, startHarbor } from "@gantry/lab/fakes/harbor/harbor.ts";
import { createRegistry, type Registry } from "../oci/client.ts";
import { openBench, type StepBench } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";

export const ACCOUNT = { username: "admin", password: "harbor-pass-1" };

/** Fast enough for tests, slow enough that every state of a scan can be observed. */
const TIMING = { registerMs: 15, queueMs: 15, scanMs: 30 };

export type HarborBench = {
  readonly harbor: FakeServer;
  readonly bench: StepBench;
  readonly system: HarborSystem;
  /** `127.0.0.1:port` */
  readonly host: string;
  readonly api: (method: string, path: string, body?: object) => Promise<Response>;
};

/** Contains the project `orders`, unless `projects` is given. */
export async function harborBench(
  t: TestContext,
  options: Partial<HarborOptions> & {
    readonly projects?: Readonly<Record<string, object>>;
    readonly as?: Partial<HarborSystem>;
    readonly nowMs?: () => number;
  } = {},
): Promise<HarborBench> {
  const { projects = { orders: { public: "false", auto_scan: "true" } }, as, nowMs: _, ...rest } = options;
  const dir = await tempDir(t);
  const harbor = await startHarbor({ name: "harbor", dir, empty: true, timing: TIMING, ...ACCOUNT, ...rest });
  t.after(() => harbor.close());
  const authorization = `Basic ${Buffer.from(`${ACCOUNT.username}:${ACCOUNT.password}`).toString("base64")}`;
  const api = (method: string, path: string, body?: object): Promise<Response> =>
    fetch(`${harbor.url}/api/v2.0${path}`, {
      method,
      headers: { authorization, "content-type": "application/json" },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  for (const [project_name, metadata] of Object.entries(projects)) {
    await api("POST", "/projects", { project_name, metadata });
  }
  const system: HarborSystem = { kind: "harbor", name: "harbor", url: harbor.url, standIn: true, ...ACCOUNT, ...as };
  const bench = await openBench({
    systems: [system],
    task: { requestedAtMs: Date.now() - 1_000 },
    nowMs: options.nowMs ?? Date.now,
  });
  t.after(() => bench.close());
  harbor.exchanges.length = 0;
  return { harbor, bench, system, host: new URL(harbor.url).host, api };
}

/** A client of the fake's registry, with administrator rights. */
export function registryOf(setup: HarborBench): Registry {
  const signal = new AbortController().signal;
  return createRegistry({
    title: "harbor",
    url: setup.harbor.url,
    credentials: ACCOUNT,
    fetch,
    signal,
    nowMs: Date.now,
  });
}
