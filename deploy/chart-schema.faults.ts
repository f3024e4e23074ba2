// Every object of the chart against the published Kubernetes schema: no unknown field, no value of a wrong type.
// `npm run test:soak -- chart` finds what only the API server refuses.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Ajv, type ValidateFunction } from "ajv";
import { helmFor, render, VALUES } from "./helm.fixture.ts";

/** The folder to which fetch-schema.sh downloads it. */
const FILE = join(
  process.env.GANTRY_KUBERNETES_DIR ?? join(homedir(), ".cache/gantry-test/kubernetes"),
  "swagger.json",
);
/** Kinds of the Prometheus operator, which are not in the Kubernetes schema. */
const FOREIGN = "monitoring.coreos.com/v1";

type Manifest = { readonly apiVersion: string; readonly kind: string; readonly metadata: { readonly name: string } };
type Definition = {
  type?: string | readonly string[];
  readonly format?: string;
  readonly properties?: object;
  additionalProperties?: unknown;
  readonly "x-kubernetes-group-version-kind"?: readonly { group: string; version: string; kind: string }[];
};

/** `apiVersion kind` → its validator. */
function readSchemas(): (apiVersion: string, kind: string) => ValidateFunction {
  const { definitions } = JSON.parse(readFileSync(FILE, "utf8")) as { definitions: Record<string, Definition> };
  for (const [name, definition] of Object.entries(definitions)) {
    if (definition.properties !== undefined) definition.additionalProperties ??= false;
    // The schema declares them as strings, but the API server accepts numbers, too.
    if (/\.(Quantity|IntOrString)$/.test(name)) definition.type = ["string", "number"];
  }
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema({ $id: "kubernetes", definitions });
  return (apiVersion, kind) => {
    const [version = "", group = ""] = apiVersion.split("/").toReversed();
    const isIt = (one: { group: string; version: string; kind: string }): boolean =>
      one.group === group && one.version === version && one.kind === kind;
    const [name] =
      Object.entries(definitions).find(([, one]) => one["x-kubernetes-group-version-kind"]?.some(isIt)) ?? [];
    assert.ok(name, `Kubernetes has no ${kind} of ${apiVersion}`);
    return ajv.compile({ $ref: `kubernetes#/definitions/${name}` });
  };
}

function problems(isOne: ValidateFunction, manifest: object): readonly string[] {
  if (isOne(manifest)) return [];
  return (isOne.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath}: ${message} ${JSON.stringify(params)}`,
  );
}

test("chart: every object conforms to the Kubernetes schema", async (t) => {
  const helm = await helmFor(t);
  if (helm === undefined) return;
  if (!existsSync(FILE)) return t.skip("the schema of Kubernetes is not here: deploy/fetch-schema.sh fetches it");
  const schemaOf = readSchemas();
  let checked = 0;
  for (const values of VALUES) {
    for (const manifest of await render<Manifest>(helm, values)) {
      if (manifest.apiVersion === FOREIGN) continue;
      const isOne = schemaOf(manifest.apiVersion, manifest.kind);
      assert.deepEqual(problems(isOne, manifest), [], `${values}: ${manifest.kind} ${manifest.metadata.name}`);
      checked += 1;
    }
  }
  assert.ok(checked > 60);
  const policy = schemaOf("networking.k8s.io/v1", "NetworkPolicy");
  assert.match(problems(policy, { spec: { podSelector: {}, policytypes: [] } }).join(), /policytypes/);
  assert.match(problems(policy, { spec: { podSelector: {}, policyTypes: "Ingress" } }).join(), /must be array/);
});
