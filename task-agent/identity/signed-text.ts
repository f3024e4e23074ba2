// Short-lived signed texts that every agent with the same key recognises. Nothing is stored for them.

import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";

type Claims = { readonly [name: string]: string };

/**
 * Signs claims that are valid until `expiresAt`, ms since 1970. `purpose` prevents a text of one kind from being accepted as
 * another.
 */
export function signClaims(key: KeyObject, purpose: string, claims: Claims, expiresAt: number): string {
  const body = Buffer.from(JSON.stringify({ ...claims, expiresAt })).toString("base64url");
  return `${body}.${macOf(key, purpose, body)}`;
}

/** The claims of a text that was signed with this key for this purpose and has not expired; else undefined. */
export function readClaims(key: KeyObject, purpose: string, text: string, now: number): Claims | undefined {
  const [body = "", mac = "", ...more] = text.split(".");
  const expected = Buffer.from(macOf(key, purpose, body));
  const given = Buffer.from(mac);
  if (more.length > 0 || given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  // The signature proves that `signClaims` wrote it.
  const { expiresAt, ...claims } = JSON.parse(Buffer.from(body, "base64url").toString("utf8"));
  return now < expiresAt ? claims : undefined;
}

function macOf(key: KeyObject, purpose: string, body: string): string {
  return createHmac("sha256", key).update(`${purpose}\n${body}`).digest("base64url");
}
