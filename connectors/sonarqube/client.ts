// Client of SonarQube 9.9 LTS to 26.x, with only the calls that the steps make. Parameters of POST are a form, never JSON.

import { GantryError } from "@gantry/core/errors.ts";
import { isJsonObject } from "@gantry/core/json.ts";
import type { SonarqubeSystem } from "@gantry/core/site/systems.ts";
import { z } from "zod";
import { basicAuth, createHttp, type Http, type OtherAnswer } from "../http.ts";
import { problemOf } from "../http-problem.ts";

export type CeTask = z.infer<typeof ceTask>;
export type Gate = z.infer<typeof gate>;
export type Condition = Gate["conditions"][number];

/** Errors are those of `Call` in ../http.ts; a server that is starting is `system-unavailable`. */
export type SonarqubeClient = {
  /** `hidden`: this token may not browse projects, as a global analysis token may not; the project may exist. */
  readonly findProject: (key: string) => Promise<"exists" | "absent" | "hidden">;
  /** The owner of the token, and the global permissions that it has (`scan`, `provisioning` …). */
  readonly currentUser: () => Promise<{ readonly login: string; readonly permissions: readonly string[] }>;
  /** Answers false when it exists already. */
  readonly createProject: (key: string, name: string) => Promise<boolean>;
  /** Whether this server can analyse several branches of one project. Community Edition without a plugin cannot. */
  readonly hasBranches: () => Promise<boolean>;
  /** The background task that processes an analysis; undefined: purged, or not visible to this token. */
  readonly ceTask: (id: string) => Promise<CeTask | undefined>;
  /** The verdict on one analysis. Asked by analysis, because by project a later analysis could answer. */
  readonly gate: (analysis: string) => Promise<Gate>;
};

export function createSonarqube(system: SonarqubeSystem, fetcher: typeof fetch, signal: AbortSignal): SonarqubeClient {
  const title = system.title ?? system.name;
  const ask = asker(system, title, fetcher, signal);
  const findProject: SonarqubeClient["findProject"] = async (key) => {
    const call = { what: `read project ${key}`, query: { component: key }, schema: shown, expect: [403, 404] };
    const answer = await ask((http) => http.get("/api/components/show", call));
    if (answer.ok) return "exists";
    if (answer.status === 403) return "hidden";
    mustBeRunning(title, call.what, answer);
    return "absent";
  };
  return {
    findProject,
    currentUser: async () => {
      const what = "read who the token belongs to";
      const answer = await ask((http) => http.get("/api/users/current", { what, schema: currentUser, expect: [404] }));
      if (!answer.ok) throw startingError(title, what, problemOf(answer.body));
      if (!answer.body.isLoggedIn)
        throw new GantryError("credential-refused", { system: title, problem: "nobody is signed in" });
      return { login: answer.body.login ?? "?", permissions: answer.body.permissions.global };
    },
    createProject: async (key, name) => {
      const what = `create project ${key}`;
      // An existing project is answered 400, by old versions 500; only the text says which it is.
      const answer = await ask((http) =>
        http.post("/api/projects/create", {
          what,
          form: { project: key, name },
          schema: created,
          expect: [400, 404, 500],
        }),
      );
      if (answer.ok) return true;
      mustBeRunning(title, what, answer);
      if ((await findProject(key)) === "exists") return false;
      const code = answer.status === 500 ? "system-unavailable" : "system-refused";
      throw new GantryError(code, { system: title, what, problem: problemOf(answer.body) });
    },
    hasBranches: async () => {
      const what = "read which features it has";
      const answer = await ask((http) => http.get("/api/features/list", { what, schema: features, expect: [404] }));
      return answer.ok && answer.body.includes("branch");
    },
    ceTask: async (id) => {
      const call = {
        what: `read background task ${id}`,
        schema: z.object({ task: ceTask }),
        // 9.9 LTS lists the warnings only when asked to.
        query: { id, additionalFields: "warnings" },
        expect: [404],
      };
      const answer = await ask((http) => http.get("/api/ce/task", call));
      if (answer.ok) return answer.body.task;
      mustBeRunning(title, call.what, answer);
      return undefined;
    },
    gate: async (analysis) => {
      const call = {
        what: "read the quality gate",
        schema: z.object({ projectStatus: gate }),
        query: { analysisId: analysis },
        expect: [404],
      };
      const answer = await ask((http) => http.get("/api/qualitygates/project_status", call));
      if (answer.ok) return answer.body.projectStatus;
      mustBeRunning(title, call.what, answer);
      throw new GantryError("system-refused", { system: title, what: call.what, problem: problemOf(answer.body) });
    },
  };
}

type Ask = <T>(call: (http: Http) => Promise<T>) => Promise<T>;

/** Sends the token as Bearer. 9.9 LTS answers 401 to that and takes it as the user name of Basic. */
function asker(system: SonarqubeSystem, title: string, fetcher: typeof fetch, signal: AbortSignal): Ask {
  const http = (authorization: string): Http =>
    createHttp({ system: title, baseUrl: system.url, headers: { authorization }, fetch: fetcher, signal });
  const [bearer, basic] = [http(`Bearer ${system.token}`), http(basicAuth(system.token, ""))];
  let accepted = bearer;
  return async (call) => {
    try {
      return await call(accepted);
    } catch (error) {
      if (accepted === basic || !(error instanceof GantryError) || error.code !== "credential-refused") throw error;
      const answer = await call(basic);
      accepted = basic;
      return answer;
    }
  };
}

/**
 * While SonarQube starts, it answers 404 `Unknown url : /api/…` to everything, or a proxy answers 404 in its place. Both say
 * nothing about the project. A 404 of its own has a list `errors`.
 */
function mustBeRunning(system: string, what: string, { status, body }: OtherAnswer): void {
  if (status !== 404) return;
  const problem = problemOf(body);
  if (isJsonObject(body) && Array.isArray(body.errors) && !/^Unknown url/i.test(problem)) return;
  throw startingError(system, what, problem);
}

function startingError(system: string, what: string, problem: string): GantryError {
  return new GantryError("system-unavailable", { system, what, problem: `it is starting (status 404: ${problem})` });
}

const shown = z.object({ component: z.object({ key: z.string() }) });
const created = z.object({ project: z.object({ key: z.string() }) });
const features = z.array(z.string());
const currentUser = z.object({
  isLoggedIn: z.boolean(),
  login: z.string().optional(),
  permissions: z.object({ global: z.array(z.string()).default([]) }).default({ global: [] }),
});

const ceTask = z.object({
  id: z.string(),
  status: z.enum(["PENDING", "IN_PROGRESS", "SUCCESS", "FAILED", "CANCELED"]),
  componentKey: z.string().optional(),
  analysisId: z.string().optional(),
  errorMessage: z.string().optional(),
  warnings: z.array(z.string()).default([]),
});

const gate = z.object({
  /** WARN: only versions before 7.6. NONE: the project has no gate. */
  status: z.enum(["OK", "WARN", "ERROR", "NONE"]),
  /** Empty when nothing was judged: a first analysis, or no new code for conditions on new code. */
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
