// Who may create repositories in Bitbucket Cloud: an answer names the scopes of the token.

import { z } from "zod";
import { no, unknown, yes } from "../examine.ts";
import { type HostAccess, type HostCheck, pathOf } from "../git/host.ts";
import { basicAuth, createHttp } from "../http.ts";

/** Scopes of access tokens, and those of API tokens of an account. */
const CREATES = /^(?:repository:admin|admin:repository:bitbucket)$/;

export function bitbucketCloudCheck({ system, fetch, signal }: HostAccess): HostCheck {
  const { username, token } = system;
  const authorization = username === undefined ? `Bearer ${token}` : basicAuth(username, token);
  const cloud = system.url === "https://bitbucket.org" ? "https://api.bitbucket.org/2.0" : `${system.url}/2.0`;
  const http = createHttp({
    system: system.name,
    baseUrl: system.api ?? cloud,
    headers: { authorization },
    fetch,
    signal,
  });
  let scopes: readonly string[] | undefined;
  return {
    login: async (project) => {
      const [workspace] = (project ?? "").split("/");
      if (!workspace) return unknown("no workspace to ask about: name one in `appsMay:` of the system");
      const { headers } = await http.get(`/repositories/${pathOf(workspace)}`, {
        query: { pagelen: 1 },
        schema: z.object({ values: z.array(z.unknown()) }),
        what: `list the repositories of ${workspace}`,
      });
      scopes = headers.get("x-oauth-scopes")?.split(/[\s,]+/);
      return yes(username === undefined ? "the access token is accepted" : `as ${username}`);
    },
    mayCreate: async (project) => {
      if (scopes === undefined) return unknown("Bitbucket Cloud does not name the scopes of this token");
      return scopes.some((one) => CREATES.test(one))
        ? yes(`${project}: the token has a scope for it`)
        : no(`${project}: the token has only the scopes ${scopes.join(", ")}`);
    },
  };
}
