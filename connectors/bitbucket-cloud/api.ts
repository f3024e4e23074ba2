// The package `bitbucket` with types for the calls that Gantry makes: its own types refer to sources that do not compile
// with our settings.

import { createRequire } from "node:module";

type Place = { readonly workspace: string; readonly repo_slug: string };
type Answer = Promise<{ readonly data: unknown }>;
type RepositoryBody = {
  readonly type: "repository";
  readonly description: string;
  readonly scm?: "git";
  readonly is_private?: boolean;
  readonly project?: { readonly type: "project"; readonly key: string };
};

type PullRequestBody = {
  readonly type: "pullrequest";
  readonly title: string;
  readonly description: string;
  readonly source: { readonly branch: { readonly name: string } };
  readonly destination: { readonly branch: { readonly name: string } };
};

type MergeBody = { readonly type: "pullrequest_merge_parameters" };

export type Api = {
  readonly pullrequests: {
    readonly list: (call: Place & { readonly q: string; readonly sort: string; readonly pagelen: number }) => Answer;
    readonly create: (call: Place & { readonly _body: PullRequestBody }) => Answer;
    readonly get: (call: Place & { readonly pull_request_id: number }) => Answer;
    readonly decline: (call: Place & { readonly pull_request_id: number }) => Answer;
    readonly listStatuses: (call: Place & { readonly pull_request_id: number; readonly pagelen: number }) => Answer;
    readonly merge: (call: Place & { readonly pull_request_id: number; readonly _body: MergeBody }) => Answer;
  };
  readonly repositories: {
    readonly create: (call: Place & { readonly _body: RepositoryBody }) => Answer;
    readonly update: (call: Place & { readonly _body: RepositoryBody }) => Answer;
    readonly get: (call: Place) => Answer;
    readonly list: (call: { readonly workspace: string; readonly q?: string; readonly pagelen: number }) => Answer;
    readonly delete: (call: Place) => Answer;
    readonly listBranches: (call: Place & { readonly pagelen: number }) => Answer;
  };
};

export type ApiOptions = {
  readonly baseUrl: string;
  readonly auth: { readonly token: string } | { readonly username: string; readonly password: string };
  /** False stops the package from printing an advertisement to the console. */
  readonly notice: false;
  readonly request: { readonly fetch: typeof fetch };
};

type Package = { readonly Bitbucket: new (options: ApiOptions) => Api };

const { Bitbucket } = createRequire(import.meta.url)("bitbucket") as Package;

export function openApi(options: ApiOptions): Api {
  return new Bitbucket(options);
}
