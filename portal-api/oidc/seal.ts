// Encrypts texts that only this process, or only the owner of a session, can read: AES-256-GCM with a random nonce.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export function seal(key: Buffer, text: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64url");
}

/** Undefined when the text was sealed with another key, or was changed. */
export function unseal(key: Buffer, text: string): string | undefined {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    const opened = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
    return opened.toString("utf8");
  } catch {
    // The only error of these calls with a key of the right length: the tag does not match.
    return undefined;
  }
}

/** The key for the data of a session. Only its cookie has the secret, so a copy of the journal reveals nothing. */
export function sessionKey(secret: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "", "gantry session tokens", 32));
}
