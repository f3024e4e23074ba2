// JSON as a type: values that may be sent to another process or stored in the journal.

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = { readonly [key: string]: JsonValue };

/** Whether a value is an object: not an array, null or a scalar. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether two values are the same JSON: the order of keys does not count, and a member that is undefined is not there. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((one: unknown, index) => isSameJson(one, b[index]));
  if (!isMap(a) || !isMap(b)) return a === b;
  const names = (of: object): string[] =>
    Object.entries(of).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  const mine = names(a);
  return (
    mine.length === names(b).length && mine.every((name) => Object.hasOwn(b, name) && isSameJson(a[name], b[name]))
  );
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
