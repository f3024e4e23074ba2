// The calls we make to SonarQube. Parameters of POST are a form, never JSON.

import { GantryError } from "@gantry/core/errors.ts";
import type { SonarqubeSystem } from "@gantry/core/site/systems.ts";
import { z } from "zod";
import { createHttp } from "../http.ts";
import { problemOf } from "../http-problem.ts";

export type CeTask = z.infer<typeof ceTask>;
export type Gate = z.infer<typeof gate>;
export type Condition = Gate["conditions"][number];

/** Errors are those of `Call` in ../http.ts. */
export type SonarqubeClient = {
  readonly projectExists: (key: string) => Promise<boolean>;
  /** Answers false when it was there already. */
  readonly createProject: (key: string, name: string) => Promise<boolean>;
  /** The background task that takes in an analysis; undefined: purged, or not visible to this token. */
  readonly ceTask: (id: string) => Promise<CeTask | undefined>;
  /** The verdict on one analysis. Asked by analysis, because by project a later analysis could answer. */
  readonly gate: (analysis: string) => Promise<Gate>;
};

export function createSonarqube(system: SonarqubeSystem, fetcher: typeof fetch, signal: AbortSignal): SonarqubeClient {
  const title = system.title ?? system.name;
  const http = createHttp({
    system: title,
    baseUrl: system.url,
    headers: { authorization: `Bearer ${system.token}` },
    fetch: fetcher,
    signal,
  });
  const projectExists = async (key: string): Promise<boolean> => {
    const call = { what: `read project ${key}`, query: { component: key }, expect: [404] };
    return (await http.get("/api/components/show", call)).ok;
  };
  return {
    projectExists,
    createProject: async (key, name) => {
      const what = `create project ${key}`;
      // A project that exists is answered 400, by old versions 500; both say so only in prose.
      const answer = await http.post("/api/projects/create", {
        what,
        form: { project: key, name },
        expect: [400, 500],
      });
      if (answer.ok) return true;
      if (await projectExists(key)) return false;
      const code = answer.status === 400 ? "system-refused" : "system-unavailable";
      throw new GantryError(code, { system: title, what, problem: problemOf(answer.body) });
    },
    ceTask: async (id) => {
      const call = {
        what: `read background task ${id}`,
        schema: z.object({ task: ceTask }),
        query: { id },
        expect: [404],
      };
      const answer = await http.get("/api/ce/task", call);
      return answer.ok ? answer.body.task : undefined;
    },
    gate: async (analysis) => {
      const call = {
        what: "read the quality gate",
        schema: z.object({ projectStatus: gate }),
        query: { analysisId: analysis },
      };
      return (await http.get("/api/qualitygates/project_status", call)).body.projectStatus;
    },
  };
}

const ceTask = z.object({
  id: z.string(),
  status: z.enum(["PENDING", "IN_PROGRESS", "SUCCESS", "FAILED", "CANCELED"]),
  componentKey: z.string().optional(),
  analysisId: z.string().optional(),
  errorMessage: z.string().optional(),
  warnings: z.array(z.string()).default([]),
});

const gate = z.object({
  /** WARN is what versions before 7.6 could say. NONE: the project has no gate. */
  status: z.enum(["OK", "WARN", "ERROR", "NONE"]),
  conditions: z
    .array(
      z.object({
        status: z.string(),
        metricKey: z.string(),
        comparator: z.string(),
        errorThreshold: z.string().optional(),
        actualValue: z.string().optional(),
      }),
    )
    .default([]),
});
