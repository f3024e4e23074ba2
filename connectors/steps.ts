// Every step that a runner knows: one line per step, sorted by name. After a change run `node lab/catalogue.ts`.

import type { AnyStep } from "@gantry/core/step/step.ts";
import { ensureProject as harborEnsureProject, waitForScan } from "./harbor/steps.ts";
import { buildPush } from "./image/steps.ts";

export const STEPS: readonly AnyStep[] = [harborEnsureProject, waitForScan, buildPush];
