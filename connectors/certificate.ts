// Recognises TLS failures that retrying cannot cure: they need a change of the configuration or of the server.

/** OpenSSL's verification errors, as Node reports them, and Node's own check of the host name. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  "CERT_CHAIN_TOO_LONG",
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_REJECTED",
  "CERT_REVOKED",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "HOSTNAME_MISMATCH",
  "INVALID_CA",
  "INVALID_PURPOSE",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** What is wrong with a server's certificate or TLS, in words; undefined for every other error. */
export function tlsProblem(error: unknown): string | undefined {
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== undefined && UNTRUSTED.has(code))
      return `${code}: ${cause.message.replace(/; if the root CA is installed locally.*/, "")}`;
    if (/wrong version number|packet length too long|http request/i.test(cause.message)) {
      return "the server does not speak TLS on this port; the address may have to begin with http://";
    }
  }
  return undefined;
}
