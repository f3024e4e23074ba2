// How one target is: what runs, sync and health, since when, and why it is not well.

import { LIVE_LOOKS } from "@gantry/core/fleet/live-states.ts";
import type { TargetView } from "@gantry/wire/agent/fleet.ts";
import { to } from "../data/api.ts";
import { versionOf } from "../data/decide-fleet.ts";
import { clockTime } from "./format.ts";
import { LiveGlyph } from "./live-badge.tsx";
import { ExternalLink, RelativeTime } from "./values.tsx";

const OF_SYNC = {
  Synced: ["healthy", "synced"],
  OutOfSync: ["out-of-sync", "out of sync"],
  Unknown: ["unknown", "sync unknown"],
} as const;

/** `column`: shown on phones, where the cells of a row are below each other. */
export function TargetCell({ target, column }: { target: TargetView; column: string }) {
  const { state, since, sync, notHeardSince, drift, running } = target;
  const { word, hue } = LIVE_LOOKS[state];
  return (
    <div class={`cell hue-${state === "not-heard-from" ? "silent" : hue}`} data-column={column} title={tipOf(target)}>
      <a href={`${to.app(target.app)}#targets`}>
        <LiveGlyph state={state} />
        <span class="mono version">{versionOf(target)}</span>
        <span class="health">
          {notHeardSince === undefined ? word : `not heard from since ${clockTime(notHeardSince)}`}
        </span>
        <span class="soft when">
          {running?.subject === undefined ? null : <span class="subject">{running.subject} · </span>}
          {sync !== undefined && state !== "out-of-sync" && sync !== "Synced" ? `${OF_SYNC[sync][1]} · ` : null}
          {drift ? `${drift.count} differ · ` : null}
          {since === undefined ? "nothing seen" : <RelativeTime at={since} />}
        </span>
        {target.reason === undefined ? null : <span class="why">{target.reason}</span>}
      </a>
      {target.url === undefined ? null : <ExternalLink href={target.url}>Argo CD</ExternalLink>}
    </div>
  );
}

function tipOf({ app, target, application, health, sync, reason, revisions, images, heardAt }: TargetView): string {
  return [
    `${app} at ${target}: ${application}`,
    health && `${health}, ${sync ?? "?"}${heardAt === undefined ? "" : `, as of ${clockTime(heardAt)}`}`,
    reason,
    ...revisions.map((revision) => `commit ${revision}`),
    ...images,
  ]
    .filter(Boolean)
    .join("\n");
}
