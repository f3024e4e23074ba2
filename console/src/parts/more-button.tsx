// Below a list that has more pages: the button that reads the next one, and why it could not be read.

import type { Pages } from "../data/use-pages.ts";
import { ProblemBox } from "./loading-states.tsx";

/** `what`: the plural of an item. */
export function MoreButton({ pages, what }: { pages: Pages<unknown>; what: string }) {
  return (
    <>
      {pages.problem ? <ProblemBox problem={pages.problem} /> : null}
      {pages.hasMore ? (
        <button type="button" class="button" disabled={pages.isReading} onClick={pages.readMore}>
          Show older {what}
        </button>
      ) : null}
    </>
  );
}
