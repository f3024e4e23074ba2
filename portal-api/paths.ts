// Finds what belongs to a path among templates like `/v1/apps/{app}`, in as many look-ups as the path has parts.

export type Found<T> = { readonly value: T; readonly params: { readonly [name: string]: string } };

type Place<T> = {
  readonly inner: Map<string, Place<T>>;
  /** What a part leads to that is none of `inner`. */
  any?: Place<T>;
  end?: { readonly value: T; readonly names: readonly string[] };
};

/**
 * A part in braces stands for one part that is not empty, decoded, unless another template has that very part there. One
 * slash more at the end of a path changes nothing.
 */
export function findByPath<T>(templates: Iterable<readonly [string, T]>): (path: string) => Found<T> | undefined {
  const root: Place<T> = { inner: new Map() };
  for (const [template, value] of templates) {
    const names: string[] = [];
    let place = root;
    for (const part of template.slice(1).split("/")) {
      const name = /^\{(\w+)\}$/.exec(part)?.[1];
      if (name !== undefined) names.push(name);
      const next: Place<T> = (name === undefined ? place.inner.get(part) : place.any) ?? { inner: new Map() };
      if (name === undefined) place.inner.set(part, next);
      else place.any = next;
      place = next;
    }
    place.end = { value, names };
  }
  return (path) => {
    const values: string[] = [];
    let place: Place<T> | undefined = root;
    for (const part of path.slice(1, path.endsWith("/") ? -1 : undefined).split("/")) {
      const known: Place<T> | undefined = place.inner.get(part);
      if (!known && part !== "") values.push(part);
      place = known ?? (part === "" ? undefined : place.any);
      if (!place) return undefined;
    }
    if (!place.end) return undefined;
    const { value, names } = place.end;
    const params: { [name: string]: string } = {};
    for (const [at, name] of names.entries()) params[name] = decodeURIComponent(values[at] ?? "");
    return { value, params };
  };
}
