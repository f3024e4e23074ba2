// Reads JSON of the portal. Texts in it come from many people: from commits, names, reasons.

/** They would turn around what stands beside a text, too. Marks that affect only their own place stay. */
const REORDERING = /[\u202a-\u202e\u2066-\u2069]/g;

/** Without characters that change the order of the text around them. Throws a SyntaxError. */
export function parseJson<T>(text: string): T {
  return JSON.parse(text.replace(REORDERING, "")) as T;
}
