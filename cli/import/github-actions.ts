// The actions of GitHub that have a counterpart.

import { isJsonObject, type JsonObject } from "@gantry/core/json.ts";
import type { Path } from "./foreign-file.ts";
import { ofDownload, ofUpload } from "./github-artifacts.ts";
import { ofCache, ofSetup } from "./github-caches.ts";
import type { Importing, NameTable } from "./github-names.ts";
import { type Caching, restoreStep, saveCacheStep } from "./job-files.ts";
import { checkout } from "./target.ts";

/** Actions that only put a program on the machine. */
const TOOL = /\/setup-|^pnpm\/action-setup|-toolchain@|^shivammathur\//;
const CACHE = /^actions\/cache(?:\/(?<part>restore|save))?@/;

export type StepOf = {
  readonly job: string;
  readonly index: number;
  readonly step: JsonObject;
  readonly at: Path;
  readonly names: NameTable;
  readonly importing: Importing;
  /** Those that are saved when the job ends. */
  readonly caches: Caching[];
};

/** The steps that do what the action does. What cannot be said is noted. */
export function ofAction(
  uses: string,
  { job, index, step, at, names, importing, caches }: StepOf,
): readonly JsonObject[] {
  const { note, uploads } = importing;
  const inputs = isJsonObject(step.with) ? step.with : {};
  if (uses.startsWith("actions/checkout@")) return [ofCheckout(inputs, at, importing)];
  if (uses.startsWith("actions/upload-artifact@")) {
    const upload = uploads.find((one) => one.job === job && one.step === index);
    const made = ofUpload(upload, inputs, [...at, "with"], names.template, note);
    return made ? [made] : [];
  }
  if (uses.startsWith("actions/download-artifact@")) return ofDownload(step, at, { ...importing, job }, note);
  const taken = caches.map(({ name }) => name);
  const cache = CACHE.exec(uses);
  if (cache) return ofCacheAction(cache.groups?.part, { step, at, names, importing, caches, job, index });
  if (TOOL.test(uses)) {
    note([...at, "uses"], `\`${uses}\` is left out: give the runner this tool, and choose it by \`labels\``);
    const kept = ofSetup(uses, step, taken);
    if (kept === undefined) return [];
    caches.push(kept);
    return [restoreStep(kept)];
  }
  note([...at, "uses"], `the action \`${uses}\` has no counterpart: write a script, or use a step of \`gantry steps\``);
  return [];
}

function ofCheckout(inputs: JsonObject, at: Path, importing: Importing): JsonObject {
  importing.used.add("ref");
  if (inputs.repository !== undefined || inputs.ref !== undefined)
    importing.note([...at, "with"], "the checkout of another repository or ref is that of the app's source");
  return checkout("checkout", typeof inputs.path === "string" ? { directory: inputs.path } : {});
}

/** `part`: restore or save; without it, the cache is also saved when the job ends. */
function ofCacheAction(
  part: string | undefined,
  { step, at, names, importing, caches }: StepOf,
): readonly JsonObject[] {
  const inputs = isJsonObject(step.with) ? step.with : {};
  const taken = part === undefined ? caches.map(({ name }) => name) : [];
  // A cache that is only saved was restored by an earlier step, which has told what it leaves out.
  const note = part === "save" ? () => {} : importing.note;
  const cache = ofCache(inputs, [...at, "with"], names, taken, note);
  if (cache === undefined) return [];
  if (part === "save") return [saveCacheStep(cache)];
  if (part === undefined) caches.push(cache);
  return [restoreStep(cache)];
}
