// What Argo CD says when it refuses, as errors of the connector: the gRPC code decides, and for a repository the text.

import { GantryError } from "@gantry/core/errors.ts";
import { truncate } from "@gantry/core/truncate.ts";
import type { OtherAnswer } from "../http.ts";
import { type Refusal, refusal } from "./model.ts";

const INVALID = 3;
export const NOT_FOUND = 5;
export const DENIED = 7;
export const PRECONDITION = 9;
const ABORTED = 10;

/** Every error of Argo CD has a gRPC code. One without comes from something else that answers at this address. */
export function readRefusal(system: string, what: string, { status, body }: OtherAnswer): Refusal {
  const parsed = refusal.safeParse(body);
  if (parsed.success) return parsed.data;
  const problem = `status ${status} without Argo CD's error code: is the sub-path of Argo CD missing in \`url:\`?`;
  throw new GantryError("system-strange", { system, what, problem, status });
}

export function isOtherSpec({ code, message }: Refusal): boolean {
  return code === INVALID && /existing .*spec is different/.test(message);
}

export function refusalError(system: string, what: string, said: Refusal): GantryError {
  if (said.code === ABORTED) return new GantryError("conflict", { what: `${system}: ${what}` });
  const code = said.code === DENIED ? "system-forbidden" : "system-refused";
  return new GantryError(code, { system, what, problem: truncate(said.message, 1_000) });
}

/** Argo CD reports a failure of git as its own, with status 500 and the cause only in the text. */
export function registrationFailure(
  system: string,
  what: string,
  desired: { readonly repo: string; readonly password?: string; readonly bearerToken?: string },
  status: number,
  said: Refusal,
): GantryError {
  const secrets = [desired.password, desired.bearerToken].filter((one) => one !== undefined && one !== "");
  const problem = truncate(
    secrets.reduce<string>((text, one) => text.replaceAll(String(one), "***"), said.message),
    1_000,
  );
  if (
    /authenticat|authoriz|credential|permission denied|access denied|invalid username/i.test(problem) &&
    said.code !== DENIED
  ) {
    return new GantryError("credential-refused", {
      system: `the git host of ${desired.repo}`,
      problem: `${system} says: ${problem}`,
    });
  }
  // A permanent error: the wrong address, or a certificate that Argo CD does not trust.
  const certificate = /x509|certificate/i.test(problem);
  if (
    certificate ||
    /not found|no such host|does not exist|unsupported (protocol|scheme)|invalid (url|character)/i.test(problem)
  ) {
    const hint = certificate ? " Add the authority of the git host in Argo CD, under Settings, Certificates." : "";
    return new GantryError("system-refused", { system, what, problem: `${problem}${hint}` });
  }
  if (status === 500) return new GantryError("system-unavailable", { system, what, problem });
  return refusalError(system, what, { ...said, message: problem });
}
