// Addresses. Every view has an address that reproduces it, so links, back and forward always work.

import { computed, signal } from "@preact/signals";

export type Address = { readonly path: string; readonly query: URLSearchParams; readonly hash: string };

/** Values of `:name` parts, decoded. */
export type Params = { readonly [name: string]: string };

const current = signal<Address>(readAddress());
export const address = computed(() => current.value);

function readAddress(): Address {
  const { pathname, search, hash } = location;
  return { path: pathname, query: new URLSearchParams(search), hash: hash.slice(1) };
}

/** Opens an address of the console. `replace`: without an entry in the history of the browser. */
export function go(to: string, options: { readonly replace?: boolean } = {}): void {
  const url = new URL(to, location.href);
  if (url.href === location.href) return;
  const wasPath = current.value.path;
  history[options.replace ? "replaceState" : "pushState"](null, "", url);
  current.value = readAddress();
  if (current.value.path !== wasPath) {
    scrollTo(0, 0);
    document.getElementById("content")?.focus({ preventScroll: true });
  }
}

/** The address of the current page with some query parameters changed; undefined removes a parameter. */
export function withQuery(changes: { readonly [name: string]: string | undefined }, hash = ""): string {
  const { path, query } = current.value;
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) next.delete(name);
    else next.set(name, value);
  }
  const search = next.toString();
  return `${path}${search === "" ? "" : `?${search}`}${hash === "" ? "" : `#${hash}`}`;
}

/** The values in a path that has the form of a pattern such as `/tasks/:id`; undefined when it has another form. */
export function matchPath(pattern: string, path: string): Params | undefined {
  const wanted = pattern.split("/");
  const given = path.replace(/(.)\/$/, "$1").split("/");
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    const value = given[at] ?? "";
    if (part.startsWith(":")) {
      const decoded = decode(value);
      if (decoded === undefined || decoded === "") return undefined;
      params[part.slice(1)] = decoded;
    } else if (part !== value) return undefined;
  }
  return params;
}

/** Undefined when the text is not correctly encoded, which no link of the console is. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Handles clicks on links within the console. New tabs, downloads and links out of it are left to the browser. */
export function startRouter(): void {
  addEventListener("popstate", () => {
    current.value = readAddress();
  });
  addEventListener("hashchange", () => {
    current.value = readAddress();
  });
  addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!(link instanceof HTMLAnchorElement) || link.target !== "" || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || /^\/(v1|docs|sign-in|openapi\.json)(\/|$)/.test(link.pathname)) return;
    if (link.hasAttribute("data-native")) return;
    event.preventDefault();
    go(link.href);
  });
}
