// JSON for generated files in git: sorted keys, two spaces, a newline at the end.

export function sortedJson(value: unknown): string {
  return `${JSON.stringify(value, (_, inner: unknown) => (isObject(inner) ? sortKeys(inner) : inner), 2)}\n`;
}

function sortKeys(object: object): object {
  return Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
