// What a request to the fake registry brings to the code that answers it.

import type Koa from "koa";
import type { RegistryAccess } from "./auth.ts";
import type { RegistryStore } from "./store.ts";

export type PushedManifest = {
  readonly repository: string;
  readonly digest: string;
  readonly tag: string | undefined;
  readonly mediaType: string;
};

export type RegistryRoutes = {
  readonly store: RegistryStore;
  readonly access: RegistryAccess;
  /** Called before an upload begins and before a manifest is stored; throws an Answer to refuse it (no such project …). */
  readonly beforePush?: (repository: string) => void;
  readonly onPushed?: (pushed: PushedManifest) => void;
};

export type Call = {
  readonly ctx: Koa.Context;
  readonly registry: RegistryRoutes;
  readonly store: RegistryStore;
  readonly repository: string;
  /** The last part of the path: a tag, a digest, or the id of an upload. */
  readonly reference: string;
};
