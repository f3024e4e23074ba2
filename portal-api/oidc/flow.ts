// The authorization code flow with PKCE, state and nonce. openid-client checks the answers; the remaining checks are here.

import { GantryError } from "@gantry/core/errors.ts";
import * as client from "openid-client";
import { type Claims, decideIdentity, type Identity, isIncomplete } from "./decide-identity.ts";
import { wrongTime } from "./decide-times.ts";
import { type Issuer, unavailable } from "./issuers.ts";
import type { Transaction, Transactions } from "./transaction.ts";

/** What an issuer gave for a session. `sid`: its own id of the session, for back-channel logout. */
export type Grant = {
  readonly identity: Identity;
  readonly sid: string | undefined;
  readonly tokens: SsoTokens;
};
export type SsoTokens = { readonly idToken?: string | undefined; readonly refreshToken?: string | undefined };

/** The address of the issuer that the browser has to open, and the cookie that belongs to it. Throws `unavailable`. */
export async function beginSignIn(
  issuer: Issuer,
  transactions: Transactions,
  { address, next }: { readonly address: string; readonly next: string },
): Promise<{ readonly url: string; readonly cookie: string }> {
  const configuration = await issuer.configuration();
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const nonce = client.randomNonce();
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: callbackOf(address, issuer),
    scope: issuer.settings.scopes.join(" "),
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  });
  return {
    url: url.href,
    cookie: transactions.begin({ issuer: issuer.settings.id, address, next, state, nonce, verifier }),
  };
}

/**
 * Exchanges the answer that the browser brought for tokens and claims of the issuer. Throws `sign-in-refused` when the
 * issuer or a check refuses, and `unavailable` when the issuer cannot be reached.
 */
export async function finishSignIn(
  issuer: Issuer,
  begun: Transaction,
  { query, nowMs }: { readonly query: URLSearchParams; readonly nowMs: number },
): Promise<Grant> {
  const configuration = await issuer.configuration();
  const current = new URL(`${callbackOf(begun.address, issuer)}?${query}`);
  try {
    const answer = await client.authorizationCodeGrant(configuration, current, {
      pkceCodeVerifier: begun.verifier,
      expectedState: begun.state,
      expectedNonce: begun.nonce,
      idTokenExpected: true,
    });
    return await grantOf(issuer, configuration, answer, nowMs);
  } catch (error) {
    throw refusal(issuer, error);
  }
}

/**
 * Asks the issuer whether the session is still valid. Throws `sign-in-refused` if it is not, and `unavailable` if the issuer
 * cannot be asked.
 */
export async function refreshGrant(
  issuer: Issuer,
  refreshToken: string,
  nowMs: number,
): Promise<{ readonly claims: Grant["identity"] | undefined; readonly tokens: SsoTokens }> {
  const configuration = await issuer.configuration();
  try {
    const answer = await client.refreshTokenGrant(configuration, refreshToken);
    const tokens = tokensOf(answer);
    const hasClaims = answer.claims() !== undefined || configuration.serverMetadata().userinfo_endpoint !== undefined;
    const identity = hasClaims ? (await grantOf(issuer, configuration, answer, nowMs)).identity : undefined;
    return { claims: identity, tokens: { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken } };
  } catch (error) {
    throw refusal(issuer, error);
  }
}

export function callbackOf(address: string, { settings }: Issuer): string {
  return `${address}/sign-in/callback/${settings.id}`;
}

type Answer = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers;

async function grantOf(
  issuer: Issuer,
  configuration: client.Configuration,
  answer: Answer,
  nowMs: number,
): Promise<Grant> {
  const { settings } = issuer;
  const own: Claims = answer.claims() ?? {};
  if (own.azp !== undefined && own.azp !== settings.clientId)
    throw refused(issuer, "the ID token is for another client");
  const problem = wrongTime(own, nowMs / 1_000);
  if (problem !== undefined) throw refused(issuer, problem);
  const endpoint = configuration.serverMetadata().userinfo_endpoint;
  const asks = endpoint !== undefined && isIncomplete(own, settings);
  const subject = typeof own.sub === "string" ? own.sub : client.skipSubjectCheck;
  const more: Claims = asks ? await client.fetchUserInfo(configuration, answer.access_token, subject) : {};
  const identity = decideIdentity({ ...more, ...own }, settings);
  if ("problem" in identity) throw refused(issuer, identity.problem);
  return { identity, sid: typeof own.sid === "string" ? own.sid : undefined, tokens: tokensOf(answer) };
}

function tokensOf(answer: Answer): SsoTokens {
  return { idToken: answer.id_token, refreshToken: answer.refresh_token };
}

/**
 * The issuer's own refusals have a code of OAuth. A network error or a 5xx answer is not about the person. All other errors
 * are failed checks of data from the issuer or the browser.
 */
function refusal(issuer: Issuer, error: unknown): GantryError {
  if (error instanceof GantryError) return error;
  if (error instanceof client.AuthorizationResponseError)
    return refused(issuer, `it answered ${codeOf(error.error)}`, error);
  if (error instanceof client.ResponseBodyError) {
    const isOurs = error.error !== "invalid_grant";
    return isOurs ? unavailable(issuer.settings, error) : refused(issuer, "it answered invalid_grant", error);
  }
  const isNetwork = error instanceof TypeError || (error instanceof client.ClientError && isOutage(error));
  return isNetwork ? unavailable(issuer.settings, error) : refused(issuer, "its answer did not pass the checks", error);
}

const OUTAGES: readonly (string | undefined)[] = ["OAUTH_TIMEOUT", "OAUTH_ABORT", "OAUTH_RESPONSE_IS_NOT_CONFORM"];

function isOutage({ code, cause }: client.ClientError): boolean {
  return OUTAGES.includes(code) || (code === undefined && cause instanceof TypeError);
}

function refused({ settings }: Issuer, problem: string, cause?: unknown): GantryError {
  const details = { issuer: settings.name, problem };
  return new GantryError("sign-in-refused", details, cause === undefined ? {} : { cause });
}

/** Codes are short words. Other text of an answer is not repeated: anyone can put it into the address of the callback. */
function codeOf(code: string): string {
  return /^[a-z_]{1,50}$/.test(code) ? code : "an error";
}
