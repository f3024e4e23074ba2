// Every step that a runner knows: one line per step, sorted by name. After a change run `node lab/catalogue.ts`.

import type { AnyStep } from "@gantry/core/step/step.ts";

export const STEPS: readonly AnyStep[] = [];
