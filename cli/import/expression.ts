// Parts of expressions that every import writes. Pure.

/** Says what has no counterpart: a sentence without its full stop. */
export class Untranslatable extends Error {
  override readonly name = "Untranslatable";
}

export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** `a.b`, with `["…"]` for what is no name in CEL. */
export function member([first = "", ...rest]: readonly string[]): string {
  return rest.reduce((all, one) => (/^[A-Za-z_]\w*$/.test(one) ? `${all}.${one}` : `${all}[${quoted(one)}]`), first);
}

/** The variables of a table that a script names, as `env`. */
export function variablesIn(
  script: string,
  names: RegExp,
  expressionOf: (name: string) => string | undefined,
): { readonly [name: string]: string } {
  const used = [...new Set(script.match(names) ?? [])].flatMap((name) => {
    const expression = expressionOf(name);
    return expression === undefined ? [] : [[name, `\${{ ${expression} }}`] as const];
  });
  return Object.fromEntries(used);
}
