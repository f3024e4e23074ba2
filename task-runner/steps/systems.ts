// Which systems of the site a step can use: only those of the kinds that it declares, with their credentials resolved.

import { GantryError } from "@gantry/core/errors.ts";
import type { Masker } from "@gantry/core/mask/masker.ts";
import { otherSiteOf, type System, type SystemKind, type SystemOf } from "@gantry/core/site/systems.ts";
import type { OfSite } from "@gantry/core/step/step.ts";
import { authorityOf } from "@gantry/runtime/http/trusting-fetch.ts";
import { credentialsOf, type RunnerConfig, type SystemSettings, withCredentials } from "../config.ts";
import type { Secrets } from "./secrets.ts";

export type SystemLookup = <K extends SystemKind>(kind: K, which?: string | OfSite) => SystemOf<K>;

/**
 * Prepares the systems that the step needs. A missing credential is an error only when the step looks that system up. The
 * lookup throws `system-missing`, `credential-missing`, or `bad-input` when several systems match.
 */
export async function resolveSystems(
  config: Pick<RunnerConfig, "site" | "systems">,
  step: { readonly name: string; readonly needs: readonly SystemKind[] },
  secrets: Secrets,
  masker: Masker,
): Promise<SystemLookup> {
  const named = Object.entries(config.systems).filter(([, settings]) => step.needs.includes(settings.kind));
  const resolved = new Map<string, System | GantryError>();
  for (const [name, settings] of named) resolved.set(name, await resolveSystem(name, settings, secrets, masker));

  return <K extends SystemKind>(kind: K, which?: string | OfSite): SystemOf<K> => {
    const fits = ([name, settings]: (typeof named)[number]): boolean =>
      typeof which === "string" ? name === which : otherSiteOf(settings) === which?.ofSite;
    const matching = named.filter((one) => one[1].kind === kind && fits(one));
    const [first, ...others] = matching.map(([one]) => one);
    if (first === undefined) {
      const wanted =
        which === undefined ? "" : typeof which === "string" ? ` named ${which}` : ` of site ${which.ofSite}`;
      throw new GantryError("system-missing", { site: config.site, kind, name: wanted, step: step.name });
    }
    if (others.length > 0) {
      const problem = `Site ${config.site} has several ${kind} systems. Name one of them in \`system:\`: ${[first, ...others].join(", ")}.`;
      throw new GantryError("bad-input", { step: step.name, problem });
    }
    const system = resolved.get(first);
    if (system instanceof GantryError) throw system;
    return system as SystemOf<K>;
  };
}

const [RED, PLAIN] = ["\u001b[1;31m", "\u001b[0m"];

/** The same lookup; the first use of a system with `insecureSkipVerify` is written to the step's log in red. */
export function warnOfInsecure(lookup: SystemLookup, log: (line: string) => void): SystemLookup {
  const warned = new Set<string>();
  return (kind, which) => {
    const system = lookup(kind, which);
    if (system.insecureSkipVerify === true && !warned.has(system.name)) {
      warned.add(system.name);
      const risk = "its certificate is not checked, so its credentials and answers can be read and changed on the way";
      log(`${RED}[gantry] insecureSkipVerify is set for ${system.name}: ${risk}${PLAIN}`);
    }
    return system;
  };
}

async function resolveSystem(
  name: string,
  settings: SystemSettings,
  secrets: Secrets,
  masker: Masker,
): Promise<System | GantryError> {
  const values = new Map<string, string>();
  try {
    for (const { secret } of credentialsOf(settings)) values.set(secret, await secrets.resolve(secret, masker));
    await authorityOf(name, settings);
  } catch (error) {
    if (error instanceof GantryError) return error;
    throw error;
  }
  return { ...withCredentials(settings, (secret) => values.get(secret) ?? ""), name };
}
