// A fake git host with a bench whose steps use it.

import { fastClock, openBench, type StepBench } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { type LabHost, startLabHost } from "./lab.fixture.ts";

export async function labWithBench(t: Parameters<typeof tempDir>[0]): Promise<{ lab: LabHost; bench: StepBench }> {
  const lab = await startLabHost("bitbucket-dc", await tempDir(t));
  const bench = await openBench({
    systems: [lab.system],
    limits: { maxPauseMs: 5, limitMs: 60_000 },
    nowMs: fastClock(),
  });
  t.after(async () => {
    await bench.close();
    await lab.server.close();
  });
  return { lab, bench };
}
