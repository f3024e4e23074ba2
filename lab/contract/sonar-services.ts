// SonarQube's own list of its web services (`/api/webservices/list`): no schemas, but every path, method and parameter.

import type { Exchange } from "../fakes/fake-server.ts";
import { type NeededOperation, readDocument } from "./spec.ts";

export type SonarServices = ReadonlyMap<string, SonarAction>;
type SonarAction = { readonly post: boolean; readonly params: readonly SonarParameter[] };
type SonarParameter = {
  readonly key: string;
  readonly required: boolean;
  readonly maximumLength?: number;
  readonly possibleValues?: readonly string[];
};

/** Path → action. */
export function loadSonarServices(): SonarServices {
  const { webServices } = readDocument("sonarqube/api.json") as {
    webServices: { path: string; actions: { key: string; post: boolean; params?: SonarParameter[] }[] }[];
  };
  const rows = webServices.flatMap(({ path, actions }) =>
    actions.map(({ key, post, params = [] }) => [`/${path}/${key}`, { post, params }] as const),
  );
  return new Map(rows);
}

/** What is wrong with the parameters of these exchanges. Bodies that are no form (uploads) are not looked into. */
export function checkSonarExchanges(services: SonarServices, exchanges: readonly Exchange[]): string[] {
  const problems = new Set<string>();
  const asked = exchanges.filter(({ path }) => path.startsWith("/api/"));
  for (const exchange of asked) {
    const name = `${exchange.method} ${exchange.path}`;
    const action = services.get(exchange.path);
    if (!action || action.post !== (exchange.method === "POST")) problems.add(`${name}: there is no such service`);
    else for (const text of parameterProblems(action, exchange)) problems.add(`${name} → ${exchange.status}: ${text}`);
  }
  if (asked.length === 0) problems.add("there was no exchange to check");
  return [...problems];
}

/** The needed operations that the list does not have. */
export function checkSonarServicesExist(services: SonarServices, needed: readonly NeededOperation[]): string[] {
  const missing = needed.filter(({ method, path }) => services.get(path)?.post !== (method === "POST"));
  return missing.map(({ method, path }) => `there is no ${method} ${path}`);
}

function parameterProblems({ params }: SonarAction, exchange: Exchange): string[] {
  const { requestType, requestBody, query, status } = exchange;
  const upload = requestType.startsWith("multipart/");
  const problems: string[] = [];
  if (exchange.method === "POST" && !upload && !requestType.includes("x-www-form-urlencoded")) {
    problems.push(`parameters must come as a form, not as ${requestType || "nothing"}`);
  }
  const given: Record<string, unknown> = { ...query, ...(requestBody as object | undefined) };
  for (const [name, value] of Object.entries(given)) {
    const known = params.find((one) => one.key === name);
    if (!known) problems.push(`unknown parameter ${name}`);
    else if (known.possibleValues && !known.possibleValues.includes(String(value)))
      problems.push(`${name} is ${value}`);
    else if (String(value).length > (known.maximumLength ?? Number.POSITIVE_INFINITY))
      problems.push(`${name} is too long`);
  }
  if (status < 400 && !upload) {
    const missing = params.filter((one) => one.required && given[one.key] === undefined);
    problems.push(...missing.map(({ key }) => `${key} is missing`));
  }
  return problems;
}
