// Who may create repositories at Gitee: the account's role in the organisation. The organisation's own settings may let
// members create repositories, too; the API does not say so.

import { z } from "zod";
import { no, unknown, yes } from "../examine.ts";
import { type HostAccess, type HostCheck, pathOf } from "../git/host.ts";
import { giteeHttp } from "./client.ts";

export function giteeCheck(access: HostAccess): HostCheck {
  const http = giteeHttp(access);
  let self = "";
  return {
    login: async () => {
      const what = "read who the token belongs to";
      self = (await http.get("/user", { schema: z.object({ login: z.string() }), what })).body.login;
      return yes(`as ${self}`);
    },
    mayCreate: async (owner) => {
      if (self.toLowerCase() === owner.toLowerCase()) return yes(`${owner} is the account itself`);
      const answer = await http.get(`/orgs/${pathOf(owner)}/memberships/${pathOf(self)}`, {
        schema: z.object({ role: z.string() }),
        what: `look at ${owner}`,
        expect: [404],
      });
      if (!answer.ok) return no(`there is no organisation ${owner}, or ${self} is no member`);
      return answer.body.role === "admin"
        ? yes(`${owner}: ${self} administers the organisation`)
        : unknown(
            `${owner}: ${self} is a member; the organisation's settings say whether members may create repositories`,
          );
    },
  };
}
