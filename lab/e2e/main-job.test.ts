// The main job, end to end: Gantry as a process, three buttons by the API, and checks from outside. main-job.system.ts presses
// them in a browser, and goes on.

import { join } from "node:path";
import { test } from "node:test";
import { GantryProcess } from "../processes/gantry-process.ts";
import { pressByApi, testMainJob } from "./main-job.fixture.ts";
import { latestFirst, tempFolder } from "./outside.fixture.ts";

test("create app, CI and CD lead to Synced and Healthy on two clusters at two sites", {
  timeout: 480_000,
}, async (t) => {
  const ends = latestFirst(t);
  const data = await tempFolder(ends, "main-job");
  const gantry = await GantryProcess.start(join(data, "gantry"));
  ends.after(() => gantry.stop());
  await pressByApi(gantry);
  await testMainJob(t, gantry, data);
});
