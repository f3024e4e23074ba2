// A fake Jira with a bench whose steps use it.

import type { JiraSystem } from "@gantry/core/site/systems.ts";
import type { FakeServer } from "@gantry/lab/fakes/fake-server.ts";
import { startJira } from "@gantry/lab/fakes/jira.ts";
import { openBench, type StepBench } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";

export type JiraFlavour = "data-center" | "cloud";

/** `searchLagMs`: a new issue is found by a search only after this time. */
export async function openJira(
  t: Parameters<typeof tempDir>[0],
  flavour: JiraFlavour,
  searchLagMs = 0,
): Promise<{ jira: FakeServer; bench: StepBench; connection: JiraSystem }> {
  const account = { username: "gantry@example.com", token: "jira-token-1" };
  const jira = await startJira({ name: "jira", dir: await tempDir(t), flavour, searchLagMs, ...account });
  t.after(() => jira.close());
  const connection: JiraSystem = {
    kind: "jira",
    name: "jira",
    url: jira.url,
    standIn: true,
    flavour,
    lead: "mina",
    ...account,
  };
  const bench = await openBench({ systems: [connection], task: { pipeline: "create-app", site: "platform" } });
  t.after(() => bench.close());
  return { jira, bench, connection };
}
