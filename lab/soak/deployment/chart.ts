// Renders the Helm chart with each of its example values and sends every object to a Kubernetes API server, which refuses
// unknown fields and wrong values. The pods must pass the strictest level of Pod Security.

import { findHelm, render, VALUES } from "../../../deploy/helm.fixture.ts";
import { type ApiAnswer, type ApiServer, startApiServer } from "./api-server.ts";

/** Kinds of the Prometheus operator, which this API server does not know. */
const FOREIGN = new Set(["monitoring.coreos.com/v1"]);

type Manifest = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly template?: { readonly metadata: object; readonly spec: object } };
};
type Resources = { readonly resources: readonly { readonly name: string; readonly kind: string }[] };

/** Counts the objects that were accepted, refused, and accepted with a warning; `onProgress` gets each of the latter two. */
export async function checkChart(onProgress: (figures: object) => void): Promise<object> {
  const helm = await findHelm();
  if (helm === undefined) throw new Error("helm is not installed");
  const server = await startApiServer();
  try {
    const figures = { values: 0, accepted: 0, pods: 0, refused: 0, warned: 0, foreign: 0 };
    const paths = new Map<string, string>();
    for (const values of VALUES) {
      figures.values += 1;
      const namespace = `of-${values.replace(/\W/g, "-")}`;
      await makeNamespace(server, namespace);
      const check = async (manifest: Manifest, kind: "accepted" | "pods"): Promise<void> => {
        const path = await pathOf(server, manifest, paths);
        const answer = await server.call("POST", `${path(namespace)}?fieldValidation=Strict`, manifest);
        if (answer.status === 201) figures[kind] += 1;
        else figures.refused += 1;
        if (answer.warnings.length > 0) figures.warned += 1;
        if (answer.status !== 201 || answer.warnings.length > 0)
          onProgress({ values, object: `${manifest.kind} ${manifest.metadata.name}`, said: said(answer) });
      };
      const flags = ["--namespace", namespace, "--kube-version", server.version];
      const manifests = await render<Manifest>(helm, values, ...flags);
      // Service accounts first: pods are refused without theirs.
      for (const manifest of manifests.toSorted((a, b) => accountsFirst(b) - accountsFirst(a))) {
        if (FOREIGN.has(manifest.apiVersion)) figures.foreign += 1;
        else await check(manifest, "accepted");
        if (manifest.kind === "StatefulSet") await check(podOf(manifest), "pods");
      }
    }
    return { kubernetes: server.version, ...figures };
  } finally {
    await server.close();
  }
}

function accountsFirst({ kind }: Manifest): number {
  return Number(kind === "ServiceAccount");
}

/** The pod that the StatefulSet controller would create, with a volume in place of the claim's. */
function podOf({ metadata, spec }: Manifest): Manifest {
  const template = spec?.template;
  const pod = template?.spec as { volumes: readonly { name: string }[] };
  const volumes = pod.volumes.some(({ name }) => name === "data")
    ? pod.volumes
    : [...pod.volumes, { name: "data", persistentVolumeClaim: { claimName: `data-${metadata.name}-0` } }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...template?.metadata, name: `${metadata.name}-0` },
    spec: { ...pod, volumes } as object,
  };
}

async function makeNamespace(server: ApiServer, name: string): Promise<void> {
  const level = { "pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted" };
  const made = [
    await server.call("POST", "/api/v1/namespaces", { metadata: { name, labels: level } }),
    // In a cluster, a controller creates it.
    await server.call("POST", `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: "default" } }),
  ];
  for (const answer of made) if (answer.status !== 201) throw new Error(`namespace ${name}: ${said(answer)}`);
}

/** Asks the server where objects of the kind live. */
async function pathOf(
  server: ApiServer,
  { apiVersion, kind }: Manifest,
  known: Map<string, string>,
): Promise<(namespace: string) => string> {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const key = `${apiVersion} ${kind}`;
  if (!known.has(key)) {
    const { resources } = (await server.call("GET", root)).body as Resources;
    const found = resources.find((one) => one.kind === kind && !one.name.includes("/"));
    if (found === undefined) throw new Error(`the API server knows no ${key}`);
    known.set(key, found.name);
  }
  return (namespace) => `${root}/namespaces/${namespace}/${known.get(key)}`;
}

function said({ status, body, warnings }: ApiAnswer): string {
  const { message = "" } = body as { message?: string };
  return [status, ...(status === 201 ? [] : [message]), ...warnings].join(" ");
}
