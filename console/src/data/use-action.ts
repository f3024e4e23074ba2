// Sends one request of a button or form at a time, and keeps the error of the last one.

import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import { useSignal } from "@preact/signals";
import { problemFrom } from "./api.ts";

export type Action = {
  readonly isSending: boolean;
  /** The error of the last request; undefined while one is sent and after one succeeded. */
  readonly problem: ProblemBody | undefined;
  /** Does nothing while another request is sent. */
  readonly run: (send: () => Promise<void>) => void;
};

export function useAction(): Action {
  const isSending = useSignal(false);
  const problem = useSignal<ProblemBody | undefined>(undefined);
  const run = (send: () => Promise<void>): void => {
    if (isSending.value) return;
    isSending.value = true;
    problem.value = undefined;
    send()
      .catch((error: unknown) => {
        problem.value = problemFrom(error);
      })
      .finally(() => {
        isSending.value = false;
      });
  };
  return { isSending: isSending.value, problem: problem.value, run };
}
