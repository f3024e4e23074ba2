// Processes of different versions beside each other. Each side says which versions of a protocol it speaks; the newest that
// both speak is used. Whoever says nothing is of Gantry 0.1, which knew no versions.
//
// Within a version fields may be added, and whoever does not know them ignores them. What the other side must understand
// (another kind of message, another meaning) makes a new version, and is said only to those who speak it. A release speaks
// at least the newest version of the release before it.

import { GantryError } from "@gantry/core/errors.ts";
import type Koa from "koa";

export type Versions = { readonly oldest: number; readonly newest: number };

/** 2: requests of runners may have fields that the agent does not know; 1 refused them. */
export const RUNNER_PROTOCOL: Versions = { oldest: 1, newest: 2 };
/** Of portal-api and notify-agent with the task-agent, and of portal-api with the notify-agent. 2 as above. */
export const PLATFORM_PROTOCOL: Versions = { oldest: 1, newest: 2 };

/** Carries `oldest-newest`. */
export const PROTOCOL_HEADER = "gantry-protocol";

export function versionsText({ oldest, newest }: Versions): string {
  return `${oldest}-${newest}`;
}

/** The newest version that both speak. Throws `version-unfit` when there is none, `bad-request` for a header that is none. */
export function agreeOn(mine: Versions, header: string, names: { readonly me: string; readonly peer: string }): number {
  const theirs = readVersions(header);
  const version = Math.min(mine.newest, theirs.newest);
  if (version >= mine.oldest && version >= theirs.oldest) return version;
  const older = theirs.newest < mine.oldest ? names.peer : names.me;
  const peer = names.peer.charAt(0).toUpperCase() + names.peer.slice(1);
  const details = { me: names.me, peer, theirs: versionsText(theirs), mine: versionsText(mine), older };
  throw new GantryError("version-unfit", details);
}

/** Refuses who speaks no version of the platform's protocol that this process does. */
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
