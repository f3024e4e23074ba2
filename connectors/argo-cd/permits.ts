// What an AppProject permits, as Argo CD evaluates it: patterns with `*`, `**`, `?`, `[…]` and `{a,b}`, and denials that
// begin with `!`. Pure.

import type { Project } from "./model.ts";

export function permitsRepository(project: Project, url: string): boolean {
  const patterns = project.spec.sourceRepos ?? [];
  // A star does not match a slash here, except alone.
  return decide(patterns, (pattern) => pattern === "*" || matches(pattern, url, "/"));
}

export type Place = { readonly name: string; readonly server: string | undefined; readonly namespace: string };

/** `server`: the cluster's address; undefined when it is not known, and then patterns for addresses permit only by `*`. */
export function permitsDestination(project: Project, { name, server, namespace }: Place): boolean {
  const places = project.spec.destinations ?? [];
  const fits = (pattern: string | undefined, text: string | undefined): boolean => {
    if (pattern === undefined || pattern === "") return false;
    return text === undefined ? pattern === "*" : matches(pattern, text);
  };
  const denied = places.some((one) => {
    const inNamespace = fits(one.namespace, namespace);
    const inCluster = fits(one.server, server) || fits(one.name, name);
    if (one.namespace?.startsWith("!")) return matches(one.namespace.slice(1), namespace) && inCluster;
    if (one.server?.startsWith("!")) return server !== undefined && matches(one.server.slice(1), server) && inNamespace;
    return one.name?.startsWith("!") === true && matches(one.name.slice(1), name) && inNamespace;
  });
  if (denied) return false;
  return places.some((one) => fits(one.namespace, namespace) && (fits(one.server, server) || fits(one.name, name)));
}

function decide(patterns: readonly string[], fits: (pattern: string) => boolean): boolean {
  const [denials, grants] = [
    patterns.filter((one) => one.startsWith("!")),
    patterns.filter((one) => !one.startsWith("!")),
  ];
  return grants.some(fits) && !denials.some((one) => fits(one.slice(1)));
}

/** `separator`: what a single star and a question mark do not match; none when it is absent. */
function matches(pattern: string, text: string, separator = ""): boolean {
  const any = separator === "" ? "." : `[^${separator}]`;
  let depth = 0;
  const source = pattern.replace(/\*\*|\[!?[^\]]+\]|[\s\S]/g, (part) => {
    if (part === "**") return ".*";
    if (part === "*") return `${any}*`;
    if (part === "?") return any;
    if (part.length > 1) return part.replace(/^\[!/, "[^").replace(/\\/g, "\\\\");
    if (part === "{") {
      depth += 1;
      return "(?:";
    }
    if (part === "}" && depth > 0) {
      depth -= 1;
      return ")";
    }
    if (part === "," && depth > 0) return "|";
    return part.replace(/[.+^$()|[\]\\{}/]/, "\\$&");
  });
  return depth === 0 && new RegExp(`^${source}$`, "s").test(text);
}
