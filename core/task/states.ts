// The one vocabulary of states: console, CLI, mail and chat all read this table. Glyph, word and colour together.

/** How a task, a job or a step can end. `failed` is the user's work failing, `errored` is ours; never merged. */
export const OUTCOMES = ["succeeded", "failed", "errored", "timed-out", "canceled", "skipped"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The work did not succeed, and nobody canceled or skipped it. */
export function isBad(outcome: Outcome | undefined): boolean {
  return outcome === "failed" || outcome === "errored" || outcome === "timed-out";
}

/** What a person sees. `held` is a question that only a person can answer; it is not an end. */
export const STATES = ["queued", "waiting", "running", "finalizing", "held", ...OUTCOMES] as const;
export type State = (typeof STATES)[number];

export type StateLook = {
  readonly word: string;
  readonly glyph: string;
  /** The glyph where the terminal or the font knows only ASCII. */
  readonly ascii: string;
  /** Name of the colour pair in the console's tokens. */
  readonly hue: "grey" | "amber" | "blue" | "green" | "red" | "orange" | "faint" | "violet";
  readonly ended: boolean;
};

export const STATE_LOOKS: { readonly [S in State]: StateLook } = {
  queued: { word: "queued", glyph: "○", ascii: ".", hue: "grey", ended: false },
  waiting: { word: "waiting", glyph: "⏸", ascii: "=", hue: "amber", ended: false },
  running: { word: "running", glyph: "◐", ascii: "~", hue: "blue", ended: false },
  finalizing: { word: "finalizing", glyph: "◐", ascii: "~", hue: "blue", ended: false },
  held: { word: "held", glyph: "?", ascii: "?", hue: "violet", ended: false },
  succeeded: { word: "succeeded", glyph: "✓", ascii: "+", hue: "green", ended: true },
  failed: { word: "failed", glyph: "✕", ascii: "x", hue: "red", ended: true },
  errored: { word: "errored", glyph: "⚠", ascii: "!", hue: "orange", ended: true },
  "timed-out": { word: "timed out", glyph: "⏱", ascii: "t", hue: "red", ended: true },
  canceled: { word: "canceled", glyph: "⊘", ascii: "/", hue: "grey", ended: true },
  skipped: { word: "skipped", glyph: "–", ascii: "-", hue: "faint", ended: true },
};
