// Whether two addresses mean one repository: an address has several spellings. Pure.

/**
 * Whether two addresses mean one repository: with or without `.git`, a user, or a scheme, and `ssh://git@host:7999/apps/orders`
 * as `https://host/scm/apps/orders.git`. Case is ignored, as by the hosts.
 */
export function sameRepository(a: string, b: string): boolean {
  return plainRepository(a) === plainRepository(b);
}

/** Equal texts mean the same repository. */
export function plainRepository(address: string): string {
  const text = address
    .trim()
    .toLowerCase()
    .replace(/\/+$/, "")
    .replace(/\.git$/, "");
  const isSsh = /^ssh:\/\//.test(text) || !text.includes("://");
  const bare = text.replace(/^[a-z+]+:\/\//, "").replace(/^[^/@]*@/, "");
  if (!isSsh) return bare.replace(/^([^/]+)\/scm\//, "$1/");
  // The port of SSH says nothing about that of HTTP, and `host:path` has none.
  return bare.replace(/^([^/:]+):(?:\d+\/)?/, "$1/");
}

/** Equal texts mean the same folder of a repository. */
export function plainFolder(path: string | undefined): string {
  return (path ?? ".").replace(/^\.?\//, "").replace(/\/+$/, "") || ".";
}
