// How much of a site's store each owner of artifacts takes: the distinct content of all that it keeps there, whoever has saved the
// same content, too.

import type { Content } from "./artifact-store.ts";

/** A file takes at least this much: very small ones would fill the disk, and the memory that counts them, long before their bytes do. */
const LEAST_BYTES = 16_384;

type Owned = { readonly digests: Set<string>; bytes: number };

export type SpaceOfOwners = {
  /** Counts content as the owner's, or returns how much it would have if that is more than `most`. */
  readonly add: (place: string, files: readonly Content[], most: number) => Promise<number | undefined>;
  /** Counts everything again when it is next needed. */
  readonly forget: () => void;
};

/** `keptBy`: the files that an owner keeps. It is read once for each owner, then after every `forget`. */
export function openSpaceOfOwners(keptBy: (place: string) => AsyncIterable<readonly Content[]>): SpaceOfOwners {
  const known = new Map<string, Promise<Owned>>();
  const count = async (place: string): Promise<Owned> => {
    const owned: Owned = { digests: new Set(), bytes: 0 };
    for await (const files of keptBy(place)) addTo(owned, newIn(owned, files));
    return owned;
  };
  const ownedAt = (place: string): Promise<Owned> => {
    const owned = known.get(place) ?? count(place);
    known.set(place, owned);
    owned.catch(() => known.delete(place));
    return owned;
  };
  return {
    add: async (place, files, most) => {
      const owned = await ownedAt(place);
      const added = newIn(owned, files);
      const bytes = owned.bytes + spaceOf(added);
      // Whoever saves again what is there already is never refused, also when the limit has been lowered.
      if (added.length > 0 && bytes > most) return bytes;
      addTo(owned, added);
      return undefined;
    },
    forget: () => known.clear(),
  };
}

function newIn({ digests }: Owned, files: readonly Content[]): readonly Content[] {
  return [...new Map(files.map((file) => [file.digest, file])).values()].filter(({ digest }) => !digests.has(digest));
}

function addTo(owned: Owned, files: readonly Content[]): void {
  for (const { digest } of files) owned.digests.add(digest);
  owned.bytes += spaceOf(files);
}

function spaceOf(files: readonly Content[]): number {
  return files.reduce((sum, { size }) => sum + Math.max(size, LEAST_BYTES), 0);
}
