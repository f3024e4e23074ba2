// Who may create repositories at GitHub: answers to a classic token name its scopes. Fine-grained tokens do not say.

import { z } from "zod";
import { no, unknown, yes } from "../examine.ts";
import { type HostAccess, type HostCheck, pathOf } from "../git/host.ts";
import { createHttp } from "../http.ts";

export function githubCheck({ system, fetch, signal }: HostAccess): HostCheck {
  const own = system.url === "https://github.com" ? "https://api.github.com" : `${system.url}/api/v3`;
  const headers = { authorization: `Bearer ${system.token}` };
  const http = createHttp({ system: system.name, baseUrl: system.api ?? own, headers, fetch, signal });
  let scopes: readonly string[] | undefined;
  let self = "";
  return {
    login: async () => {
      const { body, headers: answered } = await http.get("/user", {
        schema: z.object({ login: z.string() }),
        what: "read who the token belongs to",
      });
      self = body.login;
      scopes = answered.get("x-oauth-scopes")?.split(/[\s,]+/);
      return yes(`as ${body.login}`);
    },
    mayCreate: async (owner) => {
      const call = { schema: z.object({ type: z.string() }), what: `look at ${owner}`, expect: [404] };
      const found = await http.get(`/users/${pathOf(owner)}`, call);
      if (!found.ok) return no(`there is no organisation ${owner}`);
      if (found.body.type === "User" && self.toLowerCase() !== owner.toLowerCase())
        return no(`${owner} is a person, and the token belongs to ${self}`);
      if (scopes === undefined) return unknown(`${owner}: GitHub does not say what a fine-grained token may do`);
      return scopes.includes("repo")
        ? yes(`${owner}: the token has the scope repo`)
        : no(`${owner}: the token has only the scopes ${scopes.join(", ") || "(none)"}`);
    },
  };
}
