// Other tools paste the values of expressions into scripts. Gantry gives them as environment variables, so that no value can
// become a command.

export type ScriptValue = { readonly name: string; readonly expression: string };

/**
 * A script of `sh` or `bash` in which every `${{ expression }}` has become a variable, and those variables. `nameOf` gives a
 * name for an expression; the same expression always gets the same name.
 */
export function takeValues(script: string): { readonly script: string; readonly values: readonly ScriptValue[] } {
  const values = new Map<string, string>();
  const nameOf = (expression: string): string => {
    const known = values.get(expression);
    if (known !== undefined) return known;
    const wanted = variableName(expression);
    const taken = new Set(values.values());
    let name = wanted;
    for (let count = 2; taken.has(name); count += 1) name = `${wanted}_${count}`;
    values.set(expression, name);
    return name;
  };
  let result = "";
  let quote: "'" | '"' | undefined;
  for (let at = 0; at < script.length; ) {
    const end = script.startsWith("${{", at) ? script.indexOf("}}", at) : -1;
    if (end !== -1) {
      const variable = `\${${nameOf(script.slice(at + 3, end).trim())}}`;
      // A variable means nothing inside single quotes: close them around it.
      result += quote === "'" ? `'"${variable}"'` : variable;
      at = end + 2;
      continue;
    }
    const one = script[at] ?? "";
    if (one === "\\" && quote !== "'") {
      result += script.slice(at, at + 2);
      at += 2;
      continue;
    }
    if ((one === "'" || one === '"') && (quote === undefined || quote === one)) quote = quote ? undefined : one;
    result += one;
    at += 1;
  }
  return { script: result, values: [...values].map(([expression, name]) => ({ expression, name })) };
}

/** `matrix.node` → MATRIX_NODE. */
function variableName(expression: string): string {
  const name = expression
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .toUpperCase()
    .slice(0, 60);
  return /^[A-Z]/.test(name) ? name : `VALUE_${name}`;
}
