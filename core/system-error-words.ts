// Errors of the operating system in words, for sentences that people read. The code follows in parentheses, so that it can
// be searched for.

type Words = { readonly [code: string]: string };

const FILES: Words = {
  ENOENT: "there is no such file",
  EACCES: "this user has no permission for it",
  EPERM: "this user has no permission for it",
  EEXIST: "it exists already",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EISDIR: "it is a folder",
  ENOTDIR: "part of its path is a file, not a folder",
  ELOOP: "its path is a loop of symbolic links",
  ENAMETOOLONG: "its path is too long",
  EMFILE: "the process has too many open files",
  EIO: "the disk reports an I/O error",
};

const UNTRUSTED = "its certificate is not signed by an authority that this process trusts";
const CONNECTIONS: Words = {
  ECONNREFUSED: "nothing listens on that address",
  ECONNRESET: "the other side closed the connection",
  ECONNABORTED: "the connection was aborted",
  EPIPE: "the other side closed the connection",
  UND_ERR_SOCKET: "the other side closed the connection",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the name of the host cannot be looked up at the moment",
  ETIMEDOUT: "there was no answer in time",
  UND_ERR_CONNECT_TIMEOUT: "there was no answer in time",
  UND_ERR_HEADERS_TIMEOUT: "there was no answer in time",
  UND_ERR_BODY_TIMEOUT: "the answer stopped before its end",
  EHOSTUNREACH: "there is no route to that host",
  ENETUNREACH: "there is no route to that network",
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet",
  ERR_SSL_WRONG_VERSION_NUMBER: "the other side does not speak TLS",
};

/** Why a file cannot be read: "there is no such file (ENOENT)". Ends a sentence, without its full stop. */
export function fileProblem(error: unknown): string {
  return inWords(error, FILES) ?? "the reason is unknown";
}

/**
 * Why a connection failed: "nothing listens on that address (connect ECONNREFUSED 127.0.0.1:9)". The innermost cause
 * counts, because `fetch` wraps it. Ends a sentence, without its full stop.
 */
export function connectionProblem(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return inWords(cause, CONNECTIONS, true) ?? "the connection failed";
}

function inWords(error: unknown, words: Words, withAddress = false): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return message === "" ? undefined : message.replace(/\.$/, "");
  const known = Object.hasOwn(words, code) ? words[code] : undefined;
  if (known !== undefined) return `${known} (${withAddress && message.includes(code) ? message : code})`;
  if (message === "") return `the operating system reports ${code}`;
  return message.includes(code) ? message : `${message.replace(/\.$/, "")} (${code})`;
}
