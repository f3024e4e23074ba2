// Makes untrusted text safe for a terminal or a log: characters that move the cursor, control the terminal, hide text or
// reorder it are shown as escapes. Pure.

/**
 * All control characters except line feed and tab (including ESC and its C1 forms), DEL, direction controls, line and
 * paragraph separators, and tag characters that no terminal shows.
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
