// Protocol versions between processes of different releases. Each side sends the versions that it supports; the newest
// common one is used. A process that sends none is Gantry 0.1, which had no versions.
//
// Within a version, fields may be added, and a process that does not know them ignores them. A change that the other side
// must understand (a new kind of message, a new meaning) is a new version, and is used only with processes that support
// it. A release supports at least the newest version of the previous release.

import { GantryError } from "@gantry/core/errors.ts";
import type Koa from "koa";

export type Versions = { readonly oldest: number; readonly newest: number };

/** 2: requests of runners may have fields that the agent does not know; 1 refused them. */
export const RUNNER_PROTOCOL: Versions = { oldest: 1, newest: 2 };
/** With older ones, a JobRef has no `proof`: they refuse fields that they do not know. */
export const PROOFS_SINCE = 2;
/** Between portal-api or notify-agent and the task-agent, and between portal-api and notify-agent. 2: as above. */
export const PLATFORM_PROTOCOL: Versions = { oldest: 1, newest: 2 };

/** Header with `oldest-newest`. */
export const PROTOCOL_HEADER = "gantry-protocol";

export function versionsText({ oldest, newest }: Versions): string {
  return `${oldest}-${newest}`;
}

function inWords({ oldest, newest }: Versions): string {
  return oldest === newest ? `version ${oldest}` : `versions ${oldest} to ${newest}`;
}

/** The newest common version. Throws `version-unfit` when there is none, `bad-request` for an invalid header. */
export function agreeOn(mine: Versions, header: string, names: { readonly me: string; readonly peer: string }): number {
  const theirs = readVersions(header);
  const version = Math.min(mine.newest, theirs.newest);
  if (version >= mine.oldest && version >= theirs.oldest) return version;
  const older = theirs.newest < mine.oldest ? names.peer : names.me;
  const peer = names.peer.charAt(0).toUpperCase() + names.peer.slice(1);
  const details = { me: names.me, peer, theirs: inWords(theirs), mine: inWords(mine), older };
  throw new GantryError("version-unfit", details);
}

/** Refuses clients that have no version of the platform protocol in common with this process. */
export function requireProtocol(me: string): Koa.Middleware {
  return async (ctx, next) => {
    agreeOn(PLATFORM_PROTOCOL, ctx.get(PROTOCOL_HEADER), { me, peer: "the caller" });
    await next();
  };
}

function readVersions(header: string): Versions {
  if (header === "") return { oldest: 1, newest: 1 };
  const [, oldest, newest] = /^(\d{1,6})-(\d{1,6})$/.exec(header) ?? [];
  if (oldest === undefined || Number(oldest) > Number(newest))
    throw new GantryError("bad-request", { problem: `the header ${PROTOCOL_HEADER} must be like 1-2` });
  return { oldest: Number(oldest), newest: Number(newest) };
}
