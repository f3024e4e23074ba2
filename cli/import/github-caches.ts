// actions/cache, and what the setup actions keep in caches.

import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { Untranslatable } from "./expression.ts";
import type { Path } from "./foreign-file.ts";
import { pathLines } from "./github-artifacts.ts";
import type { NameTable } from "./github-names.ts";
import { type Caching, cacheName, patternOf } from "./job-files.ts";
import { textsOf } from "./target.ts";

type Note = (path: Path, what: string) => void;
const HASH = /\$\{\{\s*hashFiles\(([^()]*)\)\s*\}\}/g;

/** Undefined: it is noted. A cache saves time only, so a job without it works. */
export function ofCache(
  inputs: JsonObject,
  at: Path,
  names: NameTable,
  taken: readonly string[],
  note: Note,
): Caching | undefined {
  const lines = pathLines(inputs.path);
  const paths = lines.flatMap((line) => patternOf(line, true) ?? []);
  const missing = lines.filter((line) => patternOf(line, true) === undefined || line.includes("${{"));
  if (missing.length > 0 || paths.length === 0) {
    note(
      [...at, "path"],
      `the cache is left out: its path ${missing.join(", ")} is not below the workspace or the home`,
    );
    return undefined;
  }
  const given = String(inputs.key ?? "");
  try {
    const { files, prefix, text } = keyOf(given);
    const key = tidy(names.template(text));
    const fallback = fallbacksOf(inputs["restore-keys"], prefix, names, (what) => note([...at, "restore-keys"], what));
    if (files.length > 0 && inputs["restore-keys"] === undefined)
      note(
        [...at, "key"],
        "without `restore-keys` the job began without files when what the key is made of had changed; here it begins with the newest ones",
      );
    return { name: cacheName(paths, taken), paths, files, key, fallback };
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    note([...at, "key"], `the cache is left out: ${error.message}`);
    return undefined;
  }
}

/** `a-${{ hashFiles('x') }}`: the files, what comes before the first of them, and the text without them. */
function keyOf(key: string): { readonly files: readonly string[]; readonly prefix: string; readonly text: string } {
  const found = [...key.matchAll(HASH)];
  const files = found.flatMap(([, args = ""]) => [...args.matchAll(/'([^']*)'/g)].map(([, file = ""]) => file));
  const wrong = files.find((file) => patternOf(file) === undefined || file.includes("${{"));
  if (wrong !== undefined) throw new Untranslatable(`the files ${wrong} of its key are not below the workspace`);
  const prefix = key.slice(0, found[0]?.index ?? key.length);
  return { files: files.map((file) => patternOf(file) ?? file), prefix, text: key.replace(HASH, "") };
}

/** `a--b-` is `a-b`. */
function tidy(key: string): string {
  return key
    .trim()
    .replace(/-{2,}/g, "-")
    .replace(/^[-_]+|[-_]+$/g, "");
}

/** GitHub takes what begins with one of the keys. Our caches are found by whole keys, whatever their files were. */
function fallbacksOf(
  value: JsonValue | undefined,
  prefix: string,
  names: NameTable,
  note: (what: string) => void,
): readonly string[] {
  const lines = textsOf(value)
    .flatMap((text) => text.split("\n"))
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return lines.flatMap((line) => {
    if (tidy(line) === tidy(prefix)) return [];
    if (line.includes("hashFiles(") || prefix.startsWith(line)) {
      note(`the restore key ${line} stands for all keys that begin with it; \`fallback\` has whole keys`);
      return [];
    }
    return [tidy(names.template(line))];
  });
}

type Known = { readonly paths: readonly string[]; readonly files: readonly string[] };
/** What a setup action keeps when its input `cache` says so. */
const SETUP: { readonly [action: string]: { readonly [cache: string]: Known } } = {
  "actions/setup-node": {
    npm: { paths: ["~/.npm"], files: ["package-lock.json"] },
    yarn: { paths: ["~/.cache/yarn"], files: ["yarn.lock"] },
    pnpm: { paths: ["~/.local/share/pnpm/store"], files: ["pnpm-lock.yaml"] },
  },
  "actions/setup-python": {
    pip: { paths: ["~/.cache/pip"], files: ["**/requirements.txt", "**/pyproject.toml"] },
    poetry: { paths: ["~/.cache/pypoetry"], files: ["**/poetry.lock"] },
  },
  "actions/setup-go": { true: { paths: ["~/go/pkg/mod", "~/.cache/go-build"], files: ["go.sum"] } },
  "actions/setup-java": {
    maven: { paths: ["~/.m2/repository"], files: ["**/pom.xml"] },
    gradle: {
      paths: ["~/.gradle/caches", "~/.gradle/wrapper"],
      files: ["**/*.gradle*", "**/gradle-wrapper.properties"],
    },
  },
};

/** The cache of a setup action, if it keeps one. */
export function ofSetup(uses: string, step: JsonObject, taken: readonly string[]): Caching | undefined {
  const [action = ""] = uses.split("@");
  const inputs = isJsonObject(step.with) ? step.with : {};
  // setup-go keeps its cache unless it is told not to.
  const wanted = String(inputs.cache ?? (action === "actions/setup-go" ? "true" : ""));
  const known = SETUP[action]?.[wanted];
  if (known === undefined) return undefined;
  const given = pathLines(inputs["cache-dependency-path"]).flatMap((line) =>
    line.includes("${{") ? [] : (patternOf(line) ?? []),
  );
  return { name: cacheName(known.paths, taken), paths: known.paths, files: given.length > 0 ? given : known.files };
}
