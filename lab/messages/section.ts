// The parts of the page of all messages.

/** A message as a person reads it: whole sentences, or the rest of a sentence behind a place such as `demo.yaml:3:`. */
export type Entry = {
  readonly name: string;
  readonly sentences: readonly string[];
  readonly details?: readonly string[];
};
export type Section = { readonly title: string; readonly entries: readonly Entry[] };

/** Details that differ, in order. */
export function distinct(details: Iterable<string>): readonly string[] {
  return [...new Set(details)].toSorted();
}
