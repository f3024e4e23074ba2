// Cursors of pages contain the key of the last item that was read. If the caller may not see that item, the cursor is
// encrypted.

import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";

export type Cursors = {
  /** The same text for the same cursor, so that an unchanged page has the same ETag. */
  readonly seal: (cursor: string) => string;
  /** A cursor that is not sealed is returned as it is. Throws `bad-request` for one that was changed. */
  readonly open: (text: string) => string;
};

const PREFIX = "sealed.";
const NONCE = 12;
const TAG = 16;

/** `secret`: shared by all portals of an installation, because a page may be continued at another one. */
export function makeCursors(secret: string): Cursors {
  const keyFor = (use: string): Buffer => Buffer.from(hkdfSync("sha256", secret, "", `gantry cursor ${use}`, 32));
  const key = keyFor("encryption");
  const nonceKey = keyFor("nonce");
  return {
    seal: (cursor) => {
      // Derived from the content: different cursors do not share a nonce, and the same cursor is always sealed to the same
      // text.
      const nonce = createHmac("sha256", nonceKey).update(cursor).digest().subarray(0, NONCE);
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      const sealed = Buffer.concat([nonce, cipher.update(cursor, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return PREFIX + sealed.toString("base64url");
    },
    open: (text) => {
      if (!text.startsWith(PREFIX)) return text;
      const bytes = Buffer.from(text.slice(PREFIX.length), "base64url");
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE), { authTagLength: TAG });
        decipher.setAuthTag(bytes.subarray(-TAG));
        return decipher.update(bytes.subarray(NONCE, -TAG), undefined, "utf8") + decipher.final("utf8");
      } catch (error) {
        throw new GantryError(
          "bad-request",
          { problem: "the cursor was not given out by this portal, or its key has changed" },
          { cause: error },
        );
      }
    },
  };
}
