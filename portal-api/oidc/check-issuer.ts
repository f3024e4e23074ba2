// Tests an issuer as a sign-in would use it, without a person: its address, its certificate, and Gantry's client there.

import { explain, GantryError } from "@gantry/core/errors.ts";
import * as client from "openid-client";
import { callbackOf } from "./flow.ts";
import { type Issuer, unavailable } from "./issuers.ts";

/** `may`: completes "Gantry's client …" or "the issuer …". `todo`: what to do about it. */
export type PlatformFinding = {
  readonly may: string;
  readonly verdict: "yes" | "no" | "unknown";
  readonly says: string;
  readonly todo?: string;
};

/** `address`: of the portal. Never rejects because of the issuer. */
export async function checkIssuer(issuer: Issuer, address: string): Promise<readonly PlatformFinding[]> {
  const reach = "answers as an issuer";
  let configuration: client.Configuration;
  try {
    configuration = await issuer.discoverNow();
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    const todo = "Check `issuer`, `ca` and the firewall: the portal must reach it. docs/sign-in.md";
    return [{ may: reach, verdict: "no", says: explain(error).why, todo }];
  }
  const answers = { may: reach, verdict: "yes", says: issuer.settings.issuer } as const;
  return [answers, await checkClient(issuer, configuration, address)];
}

/** An issuer first checks who asks for a token, and then what for: a code that it has never given tells the two apart. */
async function checkClient(
  issuer: Issuer,
  configuration: client.Configuration,
  address: string,
): Promise<PlatformFinding> {
  const may = "accepts the client";
  const { clientId } = issuer.settings;
  const redirect = callbackOf(address, issuer);
  try {
    await client.genericGrantRequest(configuration, "authorization_code", {
      code: "gantry-doctor",
      redirect_uri: redirect,
      code_verifier: client.randomPKCECodeVerifier(),
    });
    return { may, verdict: "unknown", says: "it gave a token for a code that it has never given" };
  } catch (error) {
    const code = error instanceof client.ResponseBodyError ? error.error : undefined;
    if (code === "invalid_grant")
      return { may, verdict: "yes", says: `${clientId}; it must also allow the address ${redirect}` };
    const isRefused = code === "invalid_client" || code === "unauthorized_client";
    const { why } = explain(unavailable(issuer.settings, error));
    const todo = "Correct `clientId` and the client secret. docs/sign-in.md";
    return isRefused ? { may, verdict: "no", says: why, todo } : { may, verdict: "unknown", says: why };
  }
}
