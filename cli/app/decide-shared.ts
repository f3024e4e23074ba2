// Files that two apps write, in words. Pure.

import { recordOf } from "@gantry/core/app/app-record.ts";
import { writtenBy } from "@gantry/core/app/places.ts";
import type { AppOfFile } from "@gantry/core/app/read-apps-file.ts";
import type { AppOutcome } from "@gantry/wire/agent/agent-api.ts";

export type SharedFile = NonNullable<AppOutcome["shared"]>[number];

export function sharedInWords({ target, words, other = "another app" }: SharedFile): string {
  return `the target ${target} writes ${words}, and so does ${other === "another app" ? other : `the app ${other}`}: a CD of one changes the file of the other. If that is meant, say \`shared: true\` at the target`;
}

/** `isOverlay`: both apps would deploy all of it. */
export type FileOfTwo = SharedFile & { readonly isOverlay: boolean };

export function overlayInWords({ target, words, other }: SharedFile): string {
  return `the target ${target} deploys ${words}, and so does the app ${other}: make one app with several images of them, or give each an overlay of its own. If it is meant, say \`shared: true\` at one of the targets`;
}

/** Of apps that are in the files of one command: in a dry run, the portal knows none of them. */
export function sharedWithin(apps: readonly AppOfFile[]): ReadonlyMap<string, readonly FileOfTwo[]> {
  const all = apps.flatMap(({ name, fields }) =>
    writtenBy(name, recordOf(name, fields)).map((one) => ({ name, ...one })),
  );
  const byKey = Map.groupBy(all, ({ key }) => key);
  return new Map(
    apps.map(({ name }) => [
      name,
      all
        .filter((one) => one.name === name && !one.isShared)
        .flatMap(({ key, target, at, words, place, isOverlay }) => {
          const other = byKey
            .get(key)
            ?.find(
              (one) =>
                one.name !== name &&
                !one.isShared &&
                (one.place === undefined || place === undefined || one.place === place),
            );
          return other ? [{ target, pointer: `/targets/${at}`, words, other: other.name, isOverlay }] : [];
        }),
    ]),
  );
}
