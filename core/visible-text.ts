// Text of other people for a terminal or a log: characters that move the cursor, talk to the terminal, hide text or reorder
// it are shown as escapes. Pure.

/**
 * All control characters but line feed and tab (ESC and the C1 forms of it among them), DEL, controls of the writing direction,
 * line and paragraph separators, and tags that no terminal shows.
 */
const HARMFUL = /(?![\n\t])\p{Cc}|\p{Bidi_Control}|[\p{Zl}\p{Zp}\u{FFF9}-\u{FFFB}\u{E0000}-\u{E007F}]/gu;

/** The text with every such character as `\u001b`. JSON stays JSON with the same meaning. */
export function visibleText(text: string): string {
  return text.replace(HARMFUL, (found) =>
    Array.from({ length: found.length }, (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, "0")}`).join(
      "",
    ),
  );
}
