// Fills the gaps of an installation with fakes of the lab, so that one can begin with one's own git host or Argo CD. Pure.

import type { Configs } from "./configs.ts";

type Runner = Configs["runners"][number];
type LabRunner = Omit<Runner, "agent" | "token">;
type Systems = NonNullable<Runner["systems"]>;

/** Sites for which fakes are needed; undefined: the installation has no site of its own, so those of the lab are used. */
export function sitesOf(own: readonly Runner[]): readonly string[] | undefined {
  const sites = [...new Set(own.map(({ site }) => site))].filter((site) => site !== "platform");
  return sites.length === 0 ? undefined : sites;
}

/**
 * The runners of the installation, with a fake of each kind of system that their site lacks, and a runner of the lab for each
 * site that has none. A git host or a Jira of the installation is used at every site, never beside a fake of the same kind.
 * `connect`: the agent and the token for a runner of the lab.
 */
export function mixRunners(
  own: readonly Runner[],
  lab: readonly LabRunner[],
  connect: (site: string) => Pick<Runner, "agent" | "token">,
): readonly Runner[] {
  const shared = own.map((runner) => only(runner, ["git", "jira"]));
  return lab.flatMap((fake): readonly Runner[] => {
    const here = own.filter(({ site }) => site === fake.site);
    const others = here.length > 0 ? here : [{ ...fake, ...connect(fake.site), systems: {}, secrets: {} }];
    const has = kindsOf(here);
    const sharedKinds = kindsOf(shared);
    const wanted = kindsOf([fake]);
    const fromShared = shared.map((one) =>
      only(
        one,
        [...wanted].filter((kind) => sharedKinds.has(kind) && !has.has(kind)),
      ),
    );
    const fromLab = only(
      fake,
      [...wanted].filter((kind) => !has.has(kind) && !sharedKinds.has(kind)),
    );
    // The programs of fakes, such as the scanner of SonarQube, are in the PATH of the lab.
    const path = fake.path !== undefined && Object.keys(fromLab.systems).length > 0 ? { path: fake.path } : {};
    return others.map((runner) => [...fromShared, forLab(fromLab)].reduce(join, { ...path, ...runner }));
  });
}

function kindsOf(runners: readonly Pick<Runner, "systems">[]): ReadonlySet<string> {
  const kinds = runners.flatMap(({ systems }) => Object.values(systems ?? {}).map((one) => kindOf(one)));
  // Another registry takes the place of Harbor.
  return new Set(kinds.flatMap((kind) => (kind === "registry" ? ["registry", "harbor"] : [kind])));
}

type Part = { readonly systems: Systems; readonly secrets: NonNullable<Runner["secrets"]> };

/** The systems of these kinds, with all secrets: unused ones do no harm. */
function only({ systems = {}, secrets = {} }: Pick<Runner, "systems" | "secrets">, kinds: readonly string[]): Part {
  const chosen = Object.entries(systems).filter(([, system]) => kinds.includes(kindOf(system)));
  return { systems: Object.fromEntries(chosen), secrets: chosen.length === 0 ? {} : secrets };
}

const CREDENTIALS = ["token", "password", "scannerToken"] as const;

/** Secrets of fakes get names of their own, so that none hides one of the installation. */
function forLab({ systems, secrets }: Part): Part {
  const renamed = Object.entries(systems).map(([name, system]) => {
    const fields = Object.entries(system as object).map(([field, value]): [string, unknown] => [
      field,
      CREDENTIALS.some((one) => one === field) ? `LAB_${String(value)}` : value,
    ]);
    return [name, Object.fromEntries(fields)] as const;
  });
  const named = Object.entries(secrets).map(([name, source]) => [`LAB_${name}`, source] as const);
  return { systems: Object.fromEntries(renamed) as Systems, secrets: Object.fromEntries(named) };
}

/** A system whose name is taken by one of another kind gets `-lab` behind it. */
function join(runner: Runner, { systems, secrets }: Part): Runner {
  const taken = runner.systems ?? {};
  const added = Object.entries(systems).map(
    ([name, system]) => [name in taken ? `${name}-lab` : name, system] as const,
  );
  return {
    ...runner,
    systems: { ...taken, ...Object.fromEntries(added) },
    secrets: { ...runner.secrets, ...secrets },
  };
}

function kindOf(system: unknown): string {
  return (system as { readonly kind: string }).kind;
}
