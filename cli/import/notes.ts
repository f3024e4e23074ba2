// What an import could not carry over.

export type Place = { readonly line: number; readonly column: number };

export type Note = Place & {
  /** What is not carried over, or means something else here. A sentence without its full stop. */
  readonly what: string;
};

export type Notes = {
  readonly add: (at: Place, what: string) => void;
  /** In the order of the file, each once. */
  readonly all: () => readonly Note[];
};

export function openNotes(): Notes {
  const notes = new Map<string, Note>();
  return {
    add: (at, what) => void notes.set(`${at.line}:${at.column}:${what}`, { ...at, what }),
    all: () => [...notes.values()].sort((a, b) => a.line - b.line || a.column - b.column),
  };
}
