// Shortens texts for people without splitting a character. Pure.

const ELLIPSIS = "…";
/**
 * A longer grapheme (a letter with many combining marks) is split at a code point, so that a single one cannot use up the
 * limit.
 */
const MAX_GRAPHEME = 64;
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * At most `limit` UTF-16 units. A longer text ends with an ellipsis and is cut between two graphemes: never inside a
 * surrogate pair, a combined letter or an emoji of several code points. Every text that has a limit is cut by this
 * function or by `truncateEscaped`.
 */
export function truncate(text: string, limit: number): string {
  return truncateEscaped(text, limit, (part) => part);
}

/**
 * The escaped text, at most `limit` UTF-16 units. The text is cut before it is escaped, so that no entity (`&lt;`) and no
 * backslash escape is cut in two. `escapeText` may lengthen a text but not shorten it.
 */
export function truncateEscaped(text: string, limit: number, escapeText: (text: string) => string): string {
  if (text.length <= limit) {
    const whole = escapeText(text);
    if (whole.length <= limit) return whole;
  }
  if (limit < 1) return "";
  const start = (length: number): string => escapeText(text.slice(0, boundaryBefore(text, length)));
  let [fits, tooLong] = [0, Math.min(limit, text.length)];
  if (start(tooLong - 1).length < limit) return `${start(tooLong - 1)}${ELLIPSIS}`;
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1;
    if (start(middle).length < limit) fits = middle;
    else tooLong = middle;
  }
  return `${start(fits)}${ELLIPSIS}`;
}

/** The last position at or before `at` that is between two graphemes. */
function boundaryBefore(text: string, at: number): number {
  if (at <= 0) return 0;
  // The text ends where the grapheme that contains the first omitted unit begins.
  const start = graphemes.segment(text).containing(at)?.index ?? at;
  if (at - start <= MAX_GRAPHEME) return start;
  return /[\udc00-\udfff]/.test(text.charAt(at)) && /[\ud800-\udbff]/.test(text.charAt(at - 1)) ? at - 1 : at;
}
