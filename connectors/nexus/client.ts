// Client of Nexus Repository 3, with only the calls that the step makes.

import type { NexusSystem } from "@gantry/core/site/systems.ts";
import { z } from "zod";
import { basicAuth, createHttp } from "../http.ts";

export type Repository = z.infer<typeof repository>;

/** Errors are those of `Call` in ../http.ts. */
export type NexusClient = {
  /** Undefined: no repository has this name. */
  readonly repository: (name: string) => Promise<Repository | undefined>;
  /** Those that this account may browse. */
  readonly repositories: () => Promise<readonly Repository[]>;
};

export function createNexus(system: NexusSystem, fetcher: typeof fetch, signal: AbortSignal): NexusClient {
  const { username, password } = system;
  const signedIn = username !== undefined && password !== undefined;
  const http = createHttp({
    system: system.title ?? system.name,
    baseUrl: `${system.url}/service/rest`,
    headers: signedIn ? { authorization: basicAuth(username, password) } : {},
    fetch: fetcher,
    signal,
  });
  return {
    repository: async (name) => {
      const call = { what: `read repository ${name}`, schema: repository, expect: [404] };
      const answer = await http.get(`/v1/repositories/${encodeURIComponent(name)}`, call);
      return answer.ok ? answer.body : undefined;
    },
    repositories: async () => {
      const call = { what: "list the repositories", schema: z.array(repository) };
      return (await http.get("/v1/repositories", call)).body;
    },
  };
}

/** Older versions omit `online`; they list only repositories that are online. */
const repository = z.object({
  name: z.string(),
  format: z.string(),
  type: z.string(),
  online: z.boolean().default(true),
});
