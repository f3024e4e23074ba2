// A runner that watches the Argo CD of its site, and its task-agent. What Argo CD shows is scripted here; connectors/argo-cd has the
// tests of the stream.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import type { ObservedApplication } from "@gantry/core/fleet/observed.ts";
import type { FleetTools } from "../ports.ts";
import { openTestRunner } from "../runner.fixture.ts";

const SECRET = "argocd-token-of-seoul";
const config = {
  systems: {
    argocd: { kind: "argocd", url: "http://argocd.seoul", token: { secret: "argocd" } },
  },
  secrets: { argocd: { env: "ARGOCD" } },
};

function application(name: string, changes: Partial<ObservedApplication> = {}): ObservedApplication {
  return {
    ...{ name, namespace: "argocd", project: "p", sources: [], autoSync: true, sync: "Synced", revisions: [] },
    ...{ health: "Healthy", conditions: [], images: [], resources: 1, reasons: [] },
    ...changes,
  };
}

type Watching = Parameters<FleetTools["watchApplications"]>[1];

/** An Argo CD whose looks the test makes. */
function scripted() {
  const looks: { readonly system: string; readonly watching: Watching; readonly end: (error?: Error) => void }[] = [];
  const tools: FleetTools = {
    fetch,
    watchApplications: (system, watching) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error): void => (error ? reject(error) : resolve());
        watching.signal.addEventListener("abort", () => reject(watching.signal.reason as Error), { once: true });
        looks.push({ system: system.name, watching, end });
      }),
  };
  const look = async (number: number) => {
    await until(() => looks.length >= number);
    const found = looks[number - 1];
    assert.ok(found);
    return found;
  };
  return { tools, looks, look };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

async function open(t: TestContext) {
  const argocd = scripted();
  const opened = await openTestRunner(t, { config, fleet: argocd.tools, env: { ARGOCD: SECRET } });
  return { ...opened, ...argocd };
}

test("a runner that the task-agent chose reports what it sees, and only changes after that", async (t) => {
  const { agent, look, runner } = await open(t);
  await until(() => agent.observed.length > 2);
  assert.ok(agent.observed.every(({ system, changed }) => system === "argocd" && changed.length === 0));
  agent.watches = true;
  const { watching, system } = await look(1);
  assert.equal(system, "argocd");
  watching.onAlive();
  watching.onList(["argocd/a", "argocd/b"]);
  watching.onSeen(
    new Map([
      ["argocd/a", application("a")],
      ["argocd/b", application("b", { healthMessage: `refused ${SECRET}` })],
    ]),
  );
  const told = () => agent.observed.flatMap(({ changed }) => changed.map(({ name, health }) => `${name} ${health}`));
  await until(() => told().length === 2);
  assert.deepEqual(agent.observed.at(-1)?.all, ["argocd/a", "argocd/b"]);
  assert.doesNotMatch(JSON.stringify(agent.observed), new RegExp(SECRET), "secrets of the site do not leave it");
  watching.onSeen(
    new Map([
      ["argocd/a", application("a", { health: "Degraded" })],
      ["argocd/b", application("b", { healthMessage: `refused ${SECRET}` })],
    ]),
  );
  await until(() => told().length === 3);
  assert.equal(told().at(-1), "a Degraded");

  agent.forgetSessions();
  watching.onSeen(new Map([["argocd/b", undefined]]));
  await until(() => told().length === 4);
  assert.deepEqual(agent.observed.at(-1)?.all, ["argocd/a"], "a new session is told everything again");

  await runner.close();
  assert.equal(agent.observed.at(-1)?.leaving, true);
});

test("an Argo CD that cannot be watched is told with the reason, and that it is heard again", async (t) => {
  const { agent, look } = await open(t);
  agent.watches = true;
  const problem = () => agent.observed.at(-1)?.problem;
  const down = new GantryError("system-unavailable", { system: "argocd", what: "list", problem: "no connection" });
  (await look(1)).end(down);
  (await look(2)).end(down);
  await until(() => problem() !== undefined);
  assert.match(problem() ?? "", /argocd/);
  const { watching } = await look(3);
  watching.onAlive();
  await until(() => problem() === undefined);
  assert.ok((agent.observed.at(-1)?.silentMs ?? -1) >= 0);
});

test("another runner takes over: this one stops to watch; and an older task-agent is no error", async (t) => {
  const { agent, look, lines } = await open(t);
  agent.watches = true;
  const { watching } = await look(1);
  agent.watches = false;
  watching.onList([]);
  await until(() => watching.signal.aborted);
  agent.isOld = true;
  await until(() => lines.some((line) => line.includes("takes no reports about the fleet")));
});
