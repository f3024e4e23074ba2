// Who may create repositories at GitLab: the scopes of the token, and the account's role in the group.

import { z } from "zod";
import { type Answer, no, unknown, yes } from "../examine.ts";
import { type HostAccess, type HostCheck, pathOf } from "../git/host.ts";
import { gitlabHttp } from "./api.ts";

/** The lowest access level that may create projects, by the group's own setting. */
const LEVELS: Readonly<Record<string, number>> = { developer: 30, maintainer: 40, owner: 50 };
const ROLES: Readonly<Record<string, string>> = { 30: "Developer", 40: "Maintainer", 50: "Owner" };

const userSchema = z.object({ id: z.number(), username: z.string(), is_admin: z.boolean().nullish() });

export function gitlabCheck(access: HostAccess): HostCheck {
  const http = gitlabHttp(access);
  let self: z.output<typeof userSchema> | undefined;
  /** Undefined: it does not say, as for a token of OAuth. */
  let scopes: readonly string[] | undefined;
  const inGroup = async (path: string): Promise<Answer> => {
    const what = `look at ${path}`;
    const groupSchema = z.object({ project_creation_level: z.string().nullish() });
    const group = await http.get(`/groups/${pathOf(path)}`, { schema: groupSchema, what, expect: [404] });
    if (!group.ok) return no(`there is no group ${path}, or ${self?.username} does not see it`);
    if (self?.is_admin === true) return yes(`${path}: ${self.username} is an administrator`);
    const level = group.body.project_creation_level ?? "developer";
    if (level === "noone") return no(`${path}: the group lets nobody create projects`);
    const needed = LEVELS[level];
    if (needed === undefined) return unknown(`${path}: the group lets ${level} create projects`);
    const memberSchema = z.object({ access_level: z.number() });
    const address = `/groups/${pathOf(path)}/members/all/${self?.id}`;
    const member = await http.get(address, { schema: memberSchema, what, expect: [404] });
    if (!member.ok) return no(`${path}: ${self?.username} is no member`);
    return member.body.access_level >= needed
      ? yes(`${path}: ${self?.username} may create projects`)
      : no(`${path}: ${self?.username} needs at least the role ${ROLES[needed]}`);
  };
  return {
    login: async () => {
      self = (await http.get("/user", { schema: userSchema, what: "read who the token belongs to" })).body;
      const token = await http.get("/personal_access_tokens/self", {
        schema: z.object({ scopes: z.array(z.string()) }),
        what: "read the scopes of the token",
        expect: [400, 401, 403, 404],
      });
      scopes = token.ok ? token.body.scopes : undefined;
      return yes(`as ${self.username}`);
    },
    mayCreate: async (path) => {
      if (scopes !== undefined && !scopes.includes("api"))
        return no(`${path}: the token has only the scopes ${scopes.join(", ") || "(none)"}`);
      if (self?.username.toLowerCase() === path.toLowerCase()) return yes(`${path} is the account itself`);
      return inGroup(path);
    },
  };
}
