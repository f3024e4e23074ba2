// Whether two applications deploy the same: the address of a repository has several spellings. Pure.

import { plainFolder, sameRepository } from "@gantry/core/app/same-repository.ts";
import type { ListedApplication } from "./model.ts";

export function samePath(a: string | undefined, b: string | undefined): boolean {
  return plainFolder(a) === plainFolder(b);
}

export type Destination = {
  readonly cluster: string;
  /** The address of the cluster, if it is known. */
  readonly server?: string | undefined;
};

/** Whether an application deploys to this cluster, which it names by its name or its address. */
export function isAtCluster(
  there: { readonly name?: string | undefined; readonly server?: string | undefined },
  { cluster, server }: Destination,
): boolean {
  const plain = (url: string): string => url.replace(/\/+$/, "");
  if (there.name !== undefined && there.name !== "") return there.name === cluster;
  return there.server !== undefined && server !== undefined && plain(there.server) === plain(server);
}

export type DeployedPlace = Destination & {
  readonly repoUrl: string;
  readonly path: string;
  readonly namespace: string;
};

/** The applications that deploy this folder to this namespace already. */
export function deployersOf(all: readonly ListedApplication[], place: DeployedPlace): readonly ListedApplication[] {
  return all.filter(({ spec: { source, sources, destination } }) => {
    const isFrom = [source, ...(sources ?? [])].some(
      (one) => one && sameRepository(one.repoURL ?? "", place.repoUrl) && samePath(one.path, place.path),
    );
    return isFrom && isAtCluster(destination, place) && destination.namespace === place.namespace;
  });
}
