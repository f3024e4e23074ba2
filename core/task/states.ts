// The names of states, with glyph, word and colour. Console, CLI, mail and chat all use this table.

/**
 * The outcomes of a task, a job or a step. `failed`: the user's work failed. `errored`: the platform failed. The two are
 * never merged.
 */
export const OUTCOMES = ["succeeded", "failed", "errored", "timed-out", "canceled", "skipped"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Outcomes of work that did not succeed and was neither canceled nor skipped. */
export function isBad(outcome: Outcome | undefined): boolean {
  return outcome === "failed" || outcome === "errored" || outcome === "timed-out";
}

/** States as people see them. `held` is a question that only a person can answer, not an outcome. */
export const STATES = ["queued", "waiting", "running", "finalizing", "held", ...OUTCOMES] as const;
export type State = (typeof STATES)[number];

export type StateLook = {
  readonly word: string;
  readonly glyph: string;
  /** The glyph for terminals and fonts with only ASCII. */
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
