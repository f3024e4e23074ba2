// Patterns of paths with `*`, `**`, `?`, `[a-z]` and `\`, as .dockerignore files and COPY have them. A path is matched in one
// pass over its characters, because a regular expression with many `*` may need longer than a build lasts. Pure.

/** Says whether the pattern fits a whole path, with slashes and without one at its beginning or end. */
export type PathPattern = (path: string) => boolean;

type Token =
  /** One character that fits. */
  | ((character: string) => boolean)
  /** Any characters but a slash, or none. */
  | "star"
  /** Nothing, or with "inside" behind it anything that ends with a slash. */
  | "folders"
  | "inside"
  /** Anything. */
  | "rest";

export function isGlob(text: string): boolean {
  return /[*?[\\]/.test(text);
}

/**
 * `below`: what fits a directory fits everything below it. `**` crosses slashes; without `crosses` it is as `*`. Undefined when
 * the text is not a pattern, e.g. `[z-a]`.
 */
export function pathPattern(
  text: string,
  { below, crosses }: { readonly below: boolean; readonly crosses: boolean },
): PathPattern | undefined {
  const tokens = tokensOf(text, crosses);
  return tokens && ((path) => fits(tokens, path, below));
}

function tokensOf(text: string, crosses: boolean): readonly Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    const close = character === "[" ? endOfClass(text, at) : -1;
    if (character === "*" && text.charAt(at + 1) === "*") {
      while (text.charAt(at + 1) === "*") at++;
      if (crosses && text.charAt(at + 1) === "/") at++;
      if (!crosses) tokens.push("star");
      else if (at + 1 >= text.length) tokens.push("rest");
      else tokens.push("folders", "inside");
    } else if (character === "*") tokens.push("star");
    else if (character === "?") tokens.push((one) => one !== "/");
    else if (close !== -1) {
      const fitsClass = classOf(text.slice(at + 1, close));
      if (!fitsClass) return undefined;
      tokens.push(fitsClass);
      at = close;
    } else {
      const literal = character === "\\" && at + 1 < text.length ? text.charAt(++at) : character;
      tokens.push((one) => one === literal);
    }
  }
  return tokens;
}

/** A bracket that is never closed stands for itself. */
function endOfClass(text: string, open: number): number {
  for (let at = open + (text.charAt(open + 1) === "^" ? 3 : 2); at < text.length; at++) {
    if (text.charAt(at) === "]") return at;
  }
  return -1;
}

/** As in Go only ^ negates: [!a] is an exclamation mark or an a. */
function classOf(set: string): ((character: string) => boolean) | undefined {
  try {
    const pattern = new RegExp(`^[${set.replace(/[\\\]]/g, "\\$&")}]$`);
    return (character) => pattern.test(character);
  } catch {
    // A range that ends before it begins.
    return undefined;
  }
}

/** Keeps every place of the pattern that the path so far can have reached. */
function fits(tokens: readonly Token[], path: string, below: boolean): boolean {
  let places = new Set<number>();
  reach(tokens, places, 0);
  for (let at = 0; at < path.length && places.size > 0; at++) {
    const character = path.charAt(at);
    if (below && character === "/" && at > 0 && places.has(tokens.length)) return true;
    const next = new Set<number>();
    for (const place of places) step(tokens, next, place, character);
    places = next;
  }
  return places.has(tokens.length);
}

/** Adds a place, and those behind it that need no character. */
function reach(tokens: readonly Token[], places: Set<number>, place: number): void {
  if (places.has(place)) return;
  places.add(place);
  const token = tokens[place];
  if (token === "star" || token === "folders" || token === "rest") reach(tokens, places, place + 1);
  if (token === "folders") reach(tokens, places, place + 2);
}

function step(tokens: readonly Token[], next: Set<number>, place: number, character: string): void {
  const token = tokens[place];
  if (typeof token === "function") {
    if (token(character)) reach(tokens, next, place + 1);
  } else if (token === "rest" || (token === "star" && character !== "/")) reach(tokens, next, place);
  else if (token === "inside") {
    reach(tokens, next, place);
    if (character === "/") reach(tokens, next, place + 1);
  }
}
