// The git program, hardened: an empty environment, no configuration but ours, no prompts, no hooks, no redirects, one
// protocol, and no search for repositories. Every option is a fixed string; names come from names.ts. README.md lists the
// protections and what each one prevents.

import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import type { CheckoutLimits } from "@gantry/core/step/step.ts";
import { GitPluginError, type SimpleGitOptions, simpleGit } from "simple-git";
import { plainLine } from "./names.ts";

/** A repository at a host, checked by `checkRemoteUrl`. */
export type Remote = {
  readonly system: string;
  readonly url: string;
  /** Value of the Authorization header. It reaches git in its environment: not in an address, an argument or a log. */
  readonly authorization: string;
  /** TLS settings of the system: a PEM file to trust, or no verification at all. */
  readonly tls?: { readonly ca: string | undefined; readonly insecureSkipVerify: boolean | undefined };
  /**
   * Throws when no git answers at this address. Git takes any text, or nothing, with status 200 for a repository without
   * branches.
   */
  readonly mustBeGit?: (url: string) => Promise<void>;
};

export type GitPlace = {
  /** The repository. It is always given, so that git searches for none and trusts none that it happens to find. */
  readonly gitDir: string;
  readonly workTree?: string;
  readonly indexFile?: string;
} & GitRuntime;

/** What every call of git in one step shares. */
export type GitRuntime = {
  /** Where programs are and how the network is reached; nothing else of the runner's environment reaches git. */
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly limits: CheckoutLimits;
};

export type GitCall = {
  /** The host that this call may reach. Without one, no protocol is allowed at all. */
  readonly remote?: Remote;
  /** Allows a fetch from a repository on this disk, whose path we made ourselves. */
  readonly local?: boolean;
  readonly input?: string;
  /** For a commit: who, and when in ms since 1970. */
  readonly stamp?: { readonly name: string; readonly email: string; readonly atMs: number };
  /** Exit codes that are not failures; default: only 0. */
  readonly exits?: readonly number[];
};

/** Runs git and returns its stdout. On failure throws the error from `gitError`, or the reason of the signal. */
export type Git = (args: readonly string[], call?: GitCall) => Promise<string>;

const GIT_GROUP = join(import.meta.dirname, "git-group.sh");
/** Starts a third of the programs. */
const GIT_ALONE = join(import.meta.dirname, "git-alone.sh");

/** A program that prints nothing for this long is ended. */
const SILENCE_MS = 120_000;

export function openGit(place: GitPlace): Git {
  return async (args, call = {}) => {
    place.signal.throwIfAborted();
    const git = simpleGit(optionsOf(place, call)).env(environmentOf(place, call));
    try {
      return await git.raw([...args]);
    } catch (error) {
      if (place.signal.aborted) throw place.signal.reason;
      // The kernel ended the program that wrote the downloaded pack.
      if (call.remote && /died of signal 25|File size limit exceeded|File too large/i.test(String(error))) {
        const problem = `git was stopped while it downloaded from ${call.remote.url}.`;
        throw new GantryError("checkout-too-large", { limit: `${place.limits.mb} MiB`, problem });
      }
      throw gitError(error, args[0] ?? "", call.remote);
    }
  };
}

/** Turns a failure of git into the error that says who has to act. */
export function gitError(error: unknown, verb: string, remote: Remote | undefined): unknown {
  if (!(error instanceof Error)) return error;
  const output =
    error instanceof GitPluginError && error.plugin === "timeout" ? "timed out without output" : error.message;
  const problem = plainLine(
    output
      .split(/[\r\n]+/)
      .filter(isTelling)
      .slice(-4)
      .join("; ") || output,
    500,
  );
  const what = `git ${verb}`;
  if (remote === undefined) return new GantryError("internal", { what, problem: `${what}: ${problem}` });
  if (/expected flush after ref listing|mismatched algorithms/i.test(output)) {
    const sha256 = "its objects have names of SHA-256, which cannot be read; only SHA-1 can";
    return new GantryError("system-refused", { system: remote.system, what: `read ${remote.url}`, problem: sha256 });
  }
  const status = statusIn(output);
  const details = { system: remote.system, what: `run ${what}`, problem, ...(status === undefined ? {} : { status }) };
  for (const [pattern, code] of MEANINGS) if (pattern.test(output)) return new GantryError(code, details);
  return new GantryError("system-refused", details);
}

/** The status of the answer that git complains about; undefined: it complains about something else. */
function statusIn(output: string): number | undefined {
  const named = /requested URL returned error: (\d{3})/i.exec(output)?.[1];
  if (named !== undefined) return Number(named);
  if (/Authentication failed|could not read Username/i.test(output)) return 401;
  if (/^fatal: repository .* not found/im.test(output)) return 404;
  return /not valid: is this a git repository|redirect|DAV locking|git-http-push/i.test(output) ? 200 : undefined;
}

/** The first pattern that matches decides. The texts are those of git and curl in the C locale. */
const MEANINGS = [
  [
    /certificate verification failed|SSL certificate problem|unable to get local issuer|self.signed certificate|certificate has expired|no alternative certificate subject name|server certificate verification failed|does not match target host/i,
    "certificate-untrusted",
  ],
  [/Authentication failed|could not read Username|requested URL returned error: 401/i, "credential-refused"],
  [/requested URL returned error: 403/i, "system-forbidden"],
  [/requested URL returned error: (408|429|5\d\d)/i, "system-unavailable"],
  [
    /requested URL returned error: [34]\d\d|redirect|not valid: is this a git repository|DAV locking|git-http-push|bad line length|protocol error/i,
    "system-strange",
  ],
  [
    /Could not resolve|Failed to connect|Connection (refused|reset|timed out)|Couldn't connect|timed out|Empty reply|early EOF|RPC failed|unexpected disconnect|hung up unexpectedly|unexpectedly closed|transfer closed|Recv failure|Send failure|SSL|GnuTLS|too slow/i,
    "system-unavailable",
  ],
] as const;

/** Progress of the remote is no error. Kept, it would push out the line that names the cause. */
function isTelling(line: string): boolean {
  if (/^remote:\s*(Enumerating|Counting|Compressing|Resolving|Total|Reused|\d+%|$)/i.test(line.trim())) return false;
  return /^(fatal|error|remote|!|hint)|rejected|denied/i.test(line.trim()) || /^\s*! /.test(line);
}

/**
 * Old defects of commits, tags and trees that every host accepts. They are in the history of well-known repositories and do
 * no harm and cannot be changed any more. All other findings of fsck are errors: `.git` in disguise, hostile `.gitmodules`.
 */
const HARMLESS_DEFECTS = [
  "badDate",
  "badDateOverflow",
  "badEmail",
  "badFilemode",
  "badName",
  "badTagName",
  "badTimezone",
  "duplicateEntries",
  "extraHeaderEntry",
  "missingAuthor",
  "missingEmail",
  "missingNameBeforeEmail",
  "missingSpaceBeforeDate",
  "missingSpaceBeforeEmail",
  "missingTaggerEntry",
  "multipleAuthors",
  "nulInCommit",
  "treeNotSorted",
  "zeroPaddedDate",
  "zeroPaddedFilemode",
] as const;

const CONFIG = [
  "core.hooksPath=/dev/null",
  "core.symlinks=false",
  "core.fsmonitor=false",
  "core.protectNTFS=true",
  "core.protectHFS=true",
  "core.autocrlf=false",
  "core.quotePath=false",
  "core.attributesFile=/dev/null",
  "core.excludesFile=/dev/null",
  "protocol.allow=never",
  "http.followRedirects=false",
  "http.lowSpeedLimit=1",
  "http.lowSpeedTime=60",
  "safe.bareRepository=explicit",
  "transfer.fsckObjects=true",
  ...HARMLESS_DEFECTS.map((defect) => `fetch.fsck.${defect}=ignore` as const),
  "submodule.recurse=false",
  "fetch.recurseSubmodules=false",
  "commit.gpgSign=false",
  // Nothing is deleted while another job may be reading the same mirror.
  "gc.auto=0",
  "maintenance.auto=false",
] as const;

/** Every guarded variable that we set ourselves; simple-git drops or refuses all others. */
const ALLOWED_ENVIRONMENT = [
  "GIT_DIR",
  "GIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_CONFIG_NOSYSTEM",
  "GIT_CONFIG_GLOBAL",
  "GIT_CONFIG_COUNT",
  "GIT_CONFIG_KEY_0",
  "GIT_CONFIG_VALUE_0",
  "GIT_CONFIG_KEY_1",
  "GIT_CONFIG_VALUE_1",
  "GIT_CONFIG_KEY_2",
  "GIT_CONFIG_VALUE_2",
  "GIT_ATTR_NOSYSTEM",
  "GIT_TERMINAL_PROMPT",
  "GIT_ALLOW_PROTOCOL",
  "GIT_PROTOCOL_FROM_USER",
  "GIT_SSH_COMMAND",
  "GIT_OPTIONAL_LOCKS",
  "GIT_AUTHOR_NAME",
  "GIT_AUTHOR_EMAIL",
  "GIT_AUTHOR_DATE",
  "GIT_COMMITTER_NAME",
  "GIT_COMMITTER_EMAIL",
  "GIT_COMMITTER_DATE",
  "GIT_SSL_CAINFO",
] as const;

function optionsOf(place: GitPlace, call: GitCall): Partial<SimpleGitOptions> {
  const exits = call.exits ?? [0];
  return {
    baseDir: place.workTree ?? place.gitDir,
    binary: ["sh", call.remote || call.local ? GIT_GROUP : GIT_ALONE],
    config: [...CONFIG],
    allowEnvironment: ALLOWED_ENVIRONMENT,
    // simple-git always refuses these. Here they are fixed strings of ours, and each one restricts git further.
    unsafe: {
      allowUnsafeHooksPath: true,
      allowUnsafeFsMonitor: true,
      allowUnsafeProtocolOverride: true,
      allowUnsafeSshCommand: true,
      allowUnsafeConfigPaths: true,
      allowUnsafeConfigEnvCount: true,
      allowUnsafeTemplateDir: true,
      // The path of our own script may hold a space or an at sign.
      allowUnsafeCustomBinary: true,
    },
    abort: place.signal,
    timeout: { block: SILENCE_MS },
    completion: { onClose: true, onExit: false },
    // simple-git's own rule treats a failure without output as success.
    errors: (error, { exitCode, stdErr, stdOut }) => {
      if (exits.includes(exitCode)) return undefined;
      return error ?? Buffer.concat([...stdErr, ...stdOut, Buffer.from(`\nexit code ${exitCode}`)]);
    },
    ...(call.input === undefined ? {} : { input: () => call.input }),
  };
}

function environmentOf(place: GitPlace, call: GitCall): Record<string, string> {
  const protocols = [call.remote && new URL(call.remote.url).protocol.slice(0, -1), call.local && "file"];
  return {
    ...place.environment,
    // The largest file that git may write, in blocks of 512 bytes: a fetch writes one pack.
    ...(call.remote === undefined ? {} : { GANTRY_MAX_BLOCKS: String(place.limits.mb * 2_048) }),
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_DIR: place.gitDir,
    ...(place.workTree === undefined ? {} : { GIT_WORK_TREE: place.workTree }),
    ...(place.indexFile === undefined ? {} : { GIT_INDEX_FILE: place.indexFile }),
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_PROTOCOL_FROM_USER: "0",
    // An empty list would mean "as configured"; this name is no protocol.
    GIT_ALLOW_PROTOCOL: protocols.filter(Boolean).join(":") || "none",
    GIT_SSH_COMMAND: "/bin/false",
    GIT_OPTIONAL_LOCKS: "0",
    ...(call.remote === undefined ? {} : remoteConfig(call.remote)),
    ...(call.stamp === undefined ? {} : stampOf(call.stamp)),
  };
}

/** Bound to the remote's own address, so that the credential and the TLS settings apply to no other host. */
function remoteConfig(remote: Remote): Record<string, string> {
  const scope = `http.${new URL(remote.url).origin}/`;
  const settings: [string, string][] = [[`${scope}.extraHeader`, `Authorization: ${remote.authorization}`]];
  if (remote.tls?.ca !== undefined) settings.push([`${scope}.sslCAInfo`, remote.tls.ca]);
  if (remote.tls?.insecureSkipVerify === true) settings.push([`${scope}.sslVerify`, "false"]);
  const pairs = settings.flatMap(([key, value], at) => [
    [`GIT_CONFIG_KEY_${at}`, key],
    [`GIT_CONFIG_VALUE_${at}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(pairs) };
}

function stampOf({ name, email, atMs }: NonNullable<GitCall["stamp"]>): Record<string, string> {
  const date = `${Math.floor(atMs / 1000)} +0000`;
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
    GIT_COMMITTER_DATE: date,
  };
}
