// One list of requests that is asked of the fake SonarQube and of a real one (lab/soak/real-systems/sonarqube.ts). The real
// one's answers are kept in sonarqube-answers.json; whatever the fake answers must be part of them.

import { isJsonObject, type JsonValue } from "@gantry/core/json.ts";

/** Everything: a user token with all rights. Scan: a global analysis token. Browse: an account without any right of its own. */
export type SonarTokens = { readonly everything: string; readonly scan: string; readonly browse: string };
export type SonarAnswer = { readonly status: number; readonly body: JsonValue };
export type SonarAnswers = { readonly [request: string]: SonarAnswer };
type Who = keyof SonarTokens | "nobody" | "wrong";
type Request = {
  readonly who: Who;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly form?: Readonly<Record<string, string>>;
  readonly basic?: true;
};

const get = (who: Who, path: string): Request => ({ who, method: "GET", path });
const post = (who: Who, path: string, form: Request["form"] = {}): Request => ({ who, method: "POST", path, form });
const show = (key: string): string => `/api/components/show?component=${key}`;
const verdict = (key: string): string => `/api/qualitygates/project_status?projectKey=${key}`;

/** Asked of a server without projects. */
const BEFORE: readonly Request[] = [
  get("nobody", "/api/system/status"),
  get("nobody", show("orders")),
  get("wrong", show("orders")),
  { ...get("wrong", show("orders")), basic: true },
  get("nobody", "/api/no/such"),
  get("everything", "/api/no/such"),
  get("everything", show("orders")),
  get("scan", show("orders")),
  get("browse", show("orders")),
  post("everything", show("orders")),
  get("everything", "/api/components/show"),
  get("everything", "/api/projects/create"),
  post("everything", "/api/projects/create", { project: "orders" }),
  post("everything", "/api/projects/create", { name: "Orders" }),
  post("everything", "/api/projects/create", { project: "12", name: "Orders" }),
  post("everything", "/api/projects/create", { project: "or/ders", name: "Orders" }),
  post("browse", "/api/projects/create", { project: "orders", name: "Orders" }),
  post("scan", "/api/projects/create", { project: "of-scanner", name: "Of a scanner" }),
  post("nobody", "/api/projects/create", { project: "orders", name: "Orders" }),
  post("everything", "/api/projects/create", { project: "orders", name: "Orders" }),
  post("everything", "/api/projects/create", { project: "orders", name: "Others" }),
  post("everything", "/api/projects/create", { project: "ORDERS", name: "Orders" }),
  get("everything", show("orders")),
  { ...get("everything", show("orders")), basic: true },
  get("everything", show("ORDERS")),
  get("scan", show("orders")),
  get("browse", show("orders")),
  get("everything", "/api/features/list"),
  get("scan", "/api/features/list"),
  get("everything", "/api/ce/task?id=none"),
  get("scan", "/api/ce/task?id=none"),
  get("everything", "/api/ce/task"),
  get("everything", "/api/qualitygates/project_status?analysisId=none"),
  get("everything", "/api/qualitygates/project_status"),
  get("everything", verdict("none")),
  get("everything", verdict("orders")),
  get("scan", verdict("orders")),
];

/** Asked after each analysis of `orders`: the first is clean, the second has an issue in its new code. */
const afterAnalysis = (ceTask: string, analysis: string): readonly Request[] => [
  get("everything", `/api/ce/task?id=${ceTask}`),
  get("everything", `/api/ce/task?id=${ceTask}&additionalFields=warnings`),
  get("scan", `/api/ce/task?id=${ceTask}`),
  get("browse", `/api/ce/task?id=${ceTask}`),
  get("nobody", `/api/ce/task?id=${ceTask}`),
  get("everything", `/api/qualitygates/project_status?analysisId=${analysis}`),
  get("browse", `/api/qualitygates/project_status?analysisId=${analysis}`),
  get("scan", `/api/qualitygates/project_status?analysisId=${analysis}`),
  get("everything", verdict("orders")),
];

/** `analyse` analyses `orders` and answers when the server has processed it: first clean sources, then sources with an issue. */
export async function askSonarqube(
  url: string,
  tokens: SonarTokens,
  analyse: (withIssue: boolean) => Promise<{ readonly ceTask: string; readonly analysis: string }>,
): Promise<SonarAnswers> {
  const answers: Record<string, SonarAnswer> = {};
  const ask = async (when: string, requests: readonly Request[], ids: readonly string[]): Promise<void> => {
    for (const [nth, request] of requests.entries()) {
      const name = ids.reduce((text, id, at) => text.replaceAll(id, at === 0 ? "TASK" : "ANALYSIS"), nameOf(request));
      answers[`${when} ${String(nth + 1).padStart(2, "0")} ${name}`] = await answerOf(url, tokens, request);
    }
  };
  await ask("empty", BEFORE, []);
  for (const withIssue of [false, true]) {
    const { ceTask, analysis } = await analyse(withIssue);
    await ask(withIssue ? "red" : "green", afterAnalysis(ceTask, analysis), [ceTask, analysis]);
  }
  return answers;
}

function nameOf({ who, method, path, form, basic }: Request): string {
  const fields = form === undefined ? "" : ` ${new URLSearchParams(form)}`;
  return `${who}${basic ? " (Basic)" : ""} ${method} ${path}${fields}`.trimEnd();
}

async function answerOf(url: string, tokens: SonarTokens, request: Request): Promise<SonarAnswer> {
  const { who, method, path, form, basic = false } = request;
  const token = who === "nobody" ? undefined : who === "wrong" ? "squ_0000000000000000" : tokens[who];
  const bearer = basic ? `Basic ${Buffer.from(`${token}:`).toString("base64")}` : `Bearer ${token}`;
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: token === undefined ? {} : { authorization: bearer },
    ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
  });
  const text = await answer.text();
  const isJson = /json/.test(answer.headers.get("content-type") ?? "");
  return { status: answer.status, body: isJson ? masked(JSON.parse(text) as JsonValue) : text === "" ? "" : "a text" };
}

/** Identifiers, times, versions and addresses differ in every run. */
function masked(value: JsonValue, key = ""): JsonValue {
  if (Array.isArray(value)) return value.map((one) => masked(one));
  if (isJsonObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, masked(one ?? null, name)]));
  }
  if (typeof value === "number" && /Ms$/.test(key)) return 0;
  if (typeof value !== "string") return value;
  if (/^(id|version|componentId|analysisId|submitterLogin|nodeName|scannerContext)$/.test(key)) return `<${key}>`;
  return value.replaceAll(/\d{4}-\d\d-\d\dT[\d:]+[+-]\d{4}/g, "<time>").replaceAll(/squ_\w+/g, "<token>");
}

/** Where an answer of the fake is not part of the real one: one line each. */
export function differences(fake: SonarAnswers, real: SonarAnswers): readonly string[] {
  const names = new Set([...Object.keys(fake), ...Object.keys(real)]);
  return [...names].flatMap((name) => {
    const [one, other] = [fake[name], real[name]];
    if (one === undefined || other === undefined) return [`${name}: asked of one only`];
    if (one.status !== other.status)
      return [`${name}: ${one.status}, really ${other.status} ${JSON.stringify(other.body)}`];
    return isPartOf(one.body, other.body)
      ? []
      : [`${name}: ${JSON.stringify(one.body)} is not part of ${JSON.stringify(other.body)}`];
  });
}

function isPartOf(part: JsonValue, whole: JsonValue): boolean {
  if (Array.isArray(part)) {
    if (!Array.isArray(whole) || (part.length === 0) !== (whole.length === 0)) return false;
    return part.every((one) => whole.some((other) => isPartOf(one, other)));
  }
  if (!isJsonObject(part)) return part === whole;
  return isJsonObject(whole) && Object.entries(part).every(([key, one]) => isPartOf(one ?? null, whole[key] ?? null));
}
