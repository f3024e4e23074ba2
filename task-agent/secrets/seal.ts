// Seals texts with AES-256-GCM. A sealed text names its key, so that keys can be rotated, and is bound to its place: it
// cannot be moved to another task or parameter.

import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";

export type SealKey = { readonly id: string; readonly key: Uint8Array };

export type Seal = {
  readonly seal: (text: string, place: string) => string;
  /** Undefined when the key is not there any more, or the text is not one that was sealed for this place. */
  readonly open: (sealed: string, place: string) => string | undefined;
  /** Equal for equal texts. Without the keys it reveals nothing about the text. */
  readonly digest: (text: string) => string;
};

const PREFIX = "sealed.v1.";
const NONCE = 12;
const TAG = 16;

/** `keys`: the first one seals, all of them open. Called each time, because the file can change. */
export function openSeal(keys: () => readonly [SealKey, ...SealKey[]]): Seal {
  return {
    seal: (text, place) => {
      const [{ id, key }] = keys();
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      cipher.setAAD(Buffer.from(`${id}\n${place}`));
      const sealed = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return `${PREFIX}${id}.${sealed.toString("base64url")}`;
    },
    open: (sealed, place) => {
      const [id = "", text = "", more] = sealed.slice(PREFIX.length).split(".");
      const found = keys().find((one) => one.id === id);
      const bytes = Buffer.from(text, "base64url");
      if (!sealed.startsWith(PREFIX) || more !== undefined || !found || bytes.length < NONCE + TAG) return undefined;
      const decipher = createDecipheriv("aes-256-gcm", found.key, bytes.subarray(0, NONCE), { authTagLength: TAG });
      decipher.setAAD(Buffer.from(`${id}\n${place}`));
      decipher.setAuthTag(bytes.subarray(-TAG));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]).toString("utf8");
      } catch {
        // Node reports only that it is not authentic.
        return undefined;
      }
    },
    // With the oldest key: a rotation must not change the digests by which repeated requests are compared.
    digest: (text) =>
      createHmac("sha256", keys().at(-1)?.key ?? "")
        .update(text)
        .digest("hex"),
  };
}
