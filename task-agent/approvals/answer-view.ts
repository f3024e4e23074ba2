// What a person has answered, as the HTTP API shows it.

import type { JobState } from "@gantry/core/task/model.ts";
import type { JobView } from "@gantry/wire/agent/views.ts";

type Answer = NonNullable<JobView["approval"]>["answers"][number];

export function answerView({
  by,
  at,
  answer,
  reason,
  inputs,
}: NonNullable<JobState["approval"]>["answers"][number]): Answer {
  return {
    ...{ by, answer },
    at: new Date(at).toISOString(),
    ...(reason === undefined ? {} : { reason }),
    ...(inputs === undefined ? {} : { inputs: inputs as Answer["inputs"] & {} }),
  };
}
