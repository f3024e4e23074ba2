// Addresses that are told when a task has ended: what a request and a pipeline file may say. Pure.

import { z } from "zod";
import { OUTCOMES, type Outcome } from "../task/states.ts";

const MAX_URL = 2_000;

/** `on`: the outcomes that are told; absent: all. `requested`: whoever requested the task wants it, not the pipeline. */
export type Callback = {
  readonly url: string;
  readonly on?: readonly Outcome[] | undefined;
  readonly requested?: true | undefined;
};

const on = z
  .array(z.enum(OUTCOMES))
  .min(1)
  .max(OUTCOMES.length)
  .optional()
  .describe("Only when the task has ended with one of these outcomes. Default: however it ends");

/** Of a request. */
export const callbackRequest = z
  .strictObject({
    url: z
      .string()
      .max(MAX_URL)
      .superRefine((url, context) => {
        const message = addressProblem(url);
        if (message !== undefined) context.addIssue({ code: "custom", message });
      })
      .describe("Where the message goes: http or https, without a user name"),
    on,
  })
  .describe("An address that is told when the task has ended, with a signature");

/** Of a pipeline file. */
export const callbackShape = z.strictObject({
  url: z.string().min(1).max(MAX_URL).describe("The address. It may contain ${{ expression }}; empty: nobody is told"),
  on,
});

/** What is wrong with the address, as the rest of a sentence; undefined: nothing. */
export function addressProblem(text: string): string | undefined {
  if (text.length > MAX_URL) return `must have at most ${MAX_URL} characters`;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return "must be an address with http:// or https://";
  if (url.username !== "" || url.password !== "")
    return "must not contain a user name or a password: who may see the task sees it";
  return undefined;
}
