// Who may create repositories in Bitbucket Data Center: it lists the projects in which the account has a permission.

import { z } from "zod";
import { no, yes } from "../examine.ts";
import type { HostAccess, HostCheck } from "../git/host.ts";
import { basicAuth, createHttp } from "../http.ts";

const projects = z.object({
  values: z.array(z.object({ key: z.string() })),
  isLastPage: z.boolean(),
  nextPageStart: z.number().nullish(),
});
const MOST_PAGES = 20;

export function bitbucketDcCheck({ system, fetch, signal }: HostAccess): HostCheck {
  const authorization =
    system.username === undefined ? `Bearer ${system.token}` : basicAuth(system.username, system.token);
  const baseUrl = system.api ?? `${system.url}/rest`;
  const http = createHttp({ system: system.name, baseUrl, headers: { authorization }, fetch, signal });
  const page = (start: number, limit: number, permission: string) =>
    http.get("/api/latest/projects", {
      query: { permission, start, limit },
      schema: projects,
      what: "list the projects",
    });
  const administered = async (): Promise<readonly string[]> => {
    const keys: string[] = [];
    for (let start = 0, pages = 0; pages < MOST_PAGES; pages += 1) {
      const { body } = await page(start, 500, "PROJECT_ADMIN");
      keys.push(...body.values.map(({ key }) => key.toUpperCase()));
      if (body.isLastPage || typeof body.nextPageStart !== "number") break;
      start = body.nextPageStart;
    }
    return keys;
  };
  let listed: Promise<readonly string[]> | undefined;
  return {
    login: async () => {
      const { headers } = await page(0, 1, "PROJECT_VIEW");
      const name = headers.get("x-ausername") ?? "";
      // Where anonymous access is allowed, an answer alone does not prove that the account was accepted.
      return name === "" && system.username === undefined
        ? yes("the token is accepted")
        : yes(`as ${name || system.username}`);
    },
    mayCreate: async (project) => {
      listed ??= administered();
      return (await listed).includes(project.toUpperCase())
        ? yes(project)
        : no(`it does not administer the project ${project}, or there is none`);
    },
  };
}
