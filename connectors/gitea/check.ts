// Who may create repositories at Gitea: it tells what the account may do in an organisation, but not the scopes of the token.

import { z } from "zod";
import { no, yes } from "../examine.ts";
import { type HostAccess, type HostCheck, pathOf } from "../git/host.ts";
import { giteaHttp } from "./client.ts";

export function giteaCheck(access: HostAccess): HostCheck {
  const http = giteaHttp(access);
  let self = "";
  return {
    login: async () => {
      const what = "read who the token belongs to";
      self = (await http.get("/user", { schema: z.object({ login: z.string() }), what })).body.login;
      return yes(`as ${self}`);
    },
    mayCreate: async (owner) => {
      if (self.toLowerCase() === owner.toLowerCase()) return yes(`${owner} is the account itself`);
      const answer = await http.get(`/users/${pathOf(self)}/orgs/${pathOf(owner)}/permissions`, {
        schema: z.object({ can_create_repository: z.boolean() }),
        what: `look at ${owner}`,
        expect: [404],
      });
      if (!answer.ok) return no(`there is no organisation ${owner}, or ${self} does not see it`);
      return answer.body.can_create_repository
        ? yes(`${owner}: ${self} may create repositories`)
        : no(`${owner}: ${self} may not create repositories`);
    },
  };
}
