// A list that may be longer than one page: the first page, which stays up to date, and the older ones that were asked for.

import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import { useSignal } from "@preact/signals";
import { type Page, problemFrom, read } from "./api.ts";
import { type Resource, type Subscription, useResource } from "./store.ts";

export type Pages<T> = {
  readonly first: Resource<Page<T>>;
  /** Of the further pages that were read. When items were added since, the first page has some of them, too. */
  readonly older: readonly T[];
  /** Of a filtered list: there may be more that match, even when the pages so far are empty. */
  readonly hasMore: boolean;
  /** A further page is on its way. */
  readonly isReading: boolean;
  /** Why the last further page could not be read. */
  readonly problem: ProblemBody | undefined;
  readonly readMore: () => void;
};

/** The view must have `path` as its key: the older pages belong to it. */
export function usePages<T>(path: string, listening: Subscription<Page<T>> = {}): Pages<T> {
  const first = useResource<Page<T>>(path, listening);
  const older = useSignal<readonly T[]>([]);
  /** Undefined until a further page was read; null when there is none. */
  const cursor = useSignal<string | null | undefined>(undefined);
  const problem = useSignal<ProblemBody | undefined>(undefined);
  const isReading = useSignal(false);
  const next = cursor.value === undefined ? first.data.value?.nextCursor : (cursor.value ?? undefined);
  const readNext = async (): Promise<void> => {
    if (next === undefined || isReading.value) return;
    isReading.value = true;
    problem.value = undefined;
    try {
      const page = await read<Page<T>>(`${path}${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(next)}`);
      older.value = [...older.value, ...page.items];
      cursor.value = page.nextCursor ?? null;
    } catch (error) {
      problem.value = problemFrom(error);
    } finally {
      isReading.value = false;
    }
  };
  return {
    first,
    older: older.value,
    hasMore: next !== undefined,
    isReading: isReading.value,
    problem: problem.value,
    readMore: () => void readNext(),
  };
}
