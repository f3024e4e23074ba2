// Addresses. Every view has one that reproduces it; back and forward always work.

import { computed, signal } from "@preact/signals";

export type Address = { readonly path: string; readonly query: URLSearchParams; readonly hash: string };

/** Values of `:name` parts, decoded. */
export type Params = { readonly [name: string]: string };

const here = signal<Address>(readAddress());
export const address = computed(() => here.value);

function readAddress(): Address {
  const { pathname, search, hash } = location;
  return { path: pathname, query: new URLSearchParams(search), hash: hash.slice(1) };
}

/** Goes to an address of the console. `replace` is for what one would not want to step back through. */
export function go(to: string, options: { readonly replace?: boolean } = {}): void {
  const url = new URL(to, location.href);
  if (url.href === location.href) return;
  const wasPath = here.value.path;
  history[options.replace ? "replaceState" : "pushState"](null, "", url);
  here.value = readAddress();
  if (here.value.path !== wasPath) {
    scrollTo(0, 0);
    document.getElementById("content")?.focus({ preventScroll: true });
  }
}

/** The address of the same page with some parameters changed; undefined takes one away. */
export function withQuery(changes: { readonly [name: string]: string | undefined }, hash = ""): string {
  const { path, query } = here.value;
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) next.delete(name);
    else next.set(name, value);
  }
  const search = next.toString();
  return `${path}${search === "" ? "" : `?${search}`}${hash === "" ? "" : `#${hash}`}`;
}

/** Matches `/tasks/:id` and the like; undefined when the path is another one. */
export function match(pattern: string, path: string): Params | undefined {
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

/** Undefined for what no address of ours ever held. */
export function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Takes over clicks on our own links; anything a browser does better (new tab, download) is left to it. */
export function startRouter(): void {
  addEventListener("popstate", () => {
    here.value = readAddress();
  });
  addEventListener("hashchange", () => {
    here.value = readAddress();
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
