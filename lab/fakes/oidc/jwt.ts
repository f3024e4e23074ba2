// JSON Web Tokens as an issuer makes them, and, for tests, as an attacker would.

import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";

export type Claims = { readonly [claim: string]: unknown };

export type SigningKey = { readonly kid: string; readonly privateKey: KeyObject; readonly jwk: Claims };

/** How a token is signed. All but `normal` must be refused by every client. */
export type Signature = "normal" | "none" | "hs256-with-public-key" | "unknown-key" | "cut" | "of-other-content";

export function newKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const kid = randomUUID();
  return { kid, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, alg: "RS256", use: "sig" } };
}

export function makeJwt(claims: Claims, key: SigningKey, signature: Signature = "normal", typ = "JWT"): string {
  const alg = signature === "none" ? "none" : signature === "hs256-with-public-key" ? "HS256" : "RS256";
  const content = `${encode({ alg, typ, kid: key.kid })}.${encode(claims)}`;
  if (signature === "none") return `${content}.`;
  if (signature === "hs256-with-public-key") {
    const pem = createPublicKey(key.privateKey).export({ type: "spki", format: "pem" });
    return `${content}.${createHmac("sha256", pem).update(content).digest("base64url")}`;
  }
  if (signature === "cut") return content;
  const signer = signature === "unknown-key" ? newKey().privateKey : key.privateKey;
  const signed = signature === "of-other-content" ? `${content}x` : content;
  return `${content}.${sign("sha256", Buffer.from(signed), signer).toString("base64url")}`;
}

/** The claims of a token, unverified. */
export function claimsOf(token: string): Claims {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as Claims;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
