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
    return others
      .map((runner) => [...fromShared, forLab(fromLab)].reduce(join, { ...path, ...runner }))
      .map((runner) => withReaders(runner, readerIn(forLab(only(fake, ["argocd"])).systems)));
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
  const ofLab = (fields: object): object =>
    Object.fromEntries(
      Object.entries(fields).map(([field, value]): [string, unknown] => {
        if (field === "git") return [field, mapValues(value as object, (reader) => ofLab(reader as object))];
        return [field, CREDENTIALS.some((one) => one === field) ? `LAB_${String(value)}` : value];
      }),
    );
  const renamed = Object.entries(systems).map(([name, system]) => [name, ofLab(system as object)] as const);
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

type SystemFields = {
  readonly kind: string;
  readonly standIn?: boolean;
  readonly username?: string;
  readonly token?: string;
  readonly git?: Readonly<Record<string, unknown>>;
};

/** The account with which the Argo CD of the lab reads the git host of the lab. */
function readerIn(systems: Systems): unknown {
  const argocd = fieldsOf(systems).find(([, { kind }]) => kind === "argocd")?.[1];
  return Object.values(argocd?.git ?? {})[0];
}

/**
 * With what each Argo CD reads the git hosts that are there now. The fake is on this machine, and there is nobody whom one
 * could ask for a second account of one's own git host, so it reads that with the account of the installation.
 */
function withReaders(runner: Runner, labReader: unknown): Runner {
  const all = fieldsOf(runner.systems ?? {});
  const hosts = all.filter(([, { kind }]) => kind === "git");
  const systems = all.map(([name, system]) => {
    if (system.kind !== "argocd") return [name, system];
    const added = hosts.flatMap(([host, { standIn, username, token }]) => {
      if (standIn === true) return labReader === undefined ? [] : [[host, labReader]];
      return system.standIn === true
        ? [[host, { ...(username === undefined ? {} : { username }), password: token }]]
        : [];
    });
    const own = system.standIn === true ? {} : system.git;
    const git = { ...Object.fromEntries(added), ...own };
    return [name, Object.keys(git).length === 0 ? system : { ...system, git }];
  });
  return { ...runner, systems: Object.fromEntries(systems) as Systems };
}

function fieldsOf(systems: Systems): readonly (readonly [string, SystemFields])[] {
  return Object.entries(systems as Readonly<Record<string, SystemFields>>);
}

function mapValues(map: object, change: (value: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}
