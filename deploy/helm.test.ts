// The chart, rendered by the real helm with each of its example values. Skipped without helm.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { parse } from "yaml";
import { read } from "./files.fixture.ts";
import { CHART, helmFor, KUBERNETES, render, VALUES } from "./helm.fixture.ts";

const run = promisify(execFile);

type Probe = { readonly httpGet?: { readonly path: string }; readonly exec?: { readonly command: readonly string[] } };
type Container = {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly securityContext: object;
  readonly resources: { readonly requests: object; readonly limits: object };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
};
type Pod = {
  readonly automountServiceAccountToken: boolean;
  readonly securityContext: { readonly runAsNonRoot: boolean };
  readonly containers: readonly [Container];
  readonly volumes: readonly { readonly name: string }[];
};
type Manifest = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly replicas: number;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: { readonly metadata: { readonly labels: Readonly<Record<string, string>> }; readonly spec: Pod };
    readonly volumeClaimTemplates: readonly { readonly metadata: { readonly name: string } }[];
    readonly podSelector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly ingress: readonly { readonly from?: readonly object[] }[];
    readonly rules: readonly { readonly http: { readonly paths: readonly { readonly path: string }[] } }[];
    readonly groups: readonly object[];
  };
};

const of = (all: readonly Manifest[], kind: string): readonly Manifest[] => all.filter((one) => one.kind === kind);

for (const values of VALUES) {
  test(`chart: ${values} gives pods with probes, a restricted security context and limits`, async (t) => {
    const helm = await helmFor(t);
    if (helm === undefined) return;
    await run(helm, ["lint", "--strict", ...KUBERNETES, "-f", `${CHART}/ci/${values}`, CHART]);
    const all = await render<Manifest>(helm, values);
    const names = all.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    assert.equal(new Set(names).size, names.length, "two objects of one name");
    for (const { kind, metadata } of all) {
      for (const label of ["name", "instance", "component", "part-of", "version", "managed-by"]) {
        assert.ok(metadata.labels[`app.kubernetes.io/${label}`], `${kind} ${metadata.name} lacks the label ${label}`);
      }
    }
    assert.deepEqual(
      all.filter(({ kind }) => /Role|^Secret$/.test(kind)).map(({ kind }) => kind),
      [],
      "no rights in the cluster, and no secret that went through values",
    );
    const sets = of(all, "StatefulSet");
    assert.ok(sets.length > 0);
    for (const set of sets) checkStatefulSet(set);
    for (const account of of(all, "ServiceAccount")) {
      assert.equal((account as unknown as Pod).automountServiceAccountToken, false);
    }
  });
}

function checkStatefulSet({ metadata, spec }: Manifest): void {
  const { labels } = spec.template.metadata;
  for (const [name, value] of Object.entries(spec.selector.matchLabels)) assert.equal(labels[name], value);
  const pod = spec.template.spec;
  assert.equal(pod.automountServiceAccountToken, false);
  assert.equal(pod.securityContext.runAsNonRoot, true);
  const [container] = pod.containers;
  assert.deepEqual(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  });
  assert.match(container.image, /@sha256:[0-9a-f]{64}$|:\d+\.\d+\.\d+$/);
  assert.ok(container.resources.requests && container.resources.limits);
  const isRunner = container.args?.[0] === "task-runner";
  assert.deepEqual(
    [container.startupProbe, container.livenessProbe, container.readinessProbe].map(
      (probe) => probe.httpGet?.path ?? probe.exec?.command.join(" "),
    ),
    isRunner
      ? ["gantry-entry health task-runner", "gantry-entry health task-runner", "gantry-entry ready task-runner"]
      : ["/livez", "/livez", "/readyz"],
  );
  const volumes = new Set(
    [...pod.volumes, ...(spec.volumeClaimTemplates ?? []).map((one) => one.metadata)].map(({ name }) => name),
  );
  for (const { name } of container.volumeMounts ?? [])
    assert.ok(volumes.has(name), `${metadata.name} has no volume ${name}`);
  for (const { name, value } of container.env ?? []) {
    if (/TOKEN|PASSWORD|SECRET/.test(name)) assert.match(`${name}=${value}`, /_FILE=\/run\/secrets\//);
  }
}

test("chart: a site's runners only make outgoing connections", async (t) => {
  const helm = await helmFor(t);
  if (helm === undefined) return;
  const all = await render<Manifest>(helm, "site.yaml");
  assert.deepEqual(of(all, "Service"), []);
  assert.deepEqual(
    of(all, "NetworkPolicy").map(({ spec }) => spec.ingress),
    [[]],
  );
  const [set, ...others] = of(all, "StatefulSet");
  assert.equal(others.length, 0);
  assert.equal(set?.spec.replicas, 3);
  const [config] = of(all, "ConfigMap");
  const file = parse(config?.data?.["task-runner.yaml"] ?? "") as { site: string; agent: string; token: object };
  assert.deepEqual(
    [file.site, file.agent, file.token],
    ["seoul", "https://agent.example.com", { file: "/run/secrets/runner/token" }],
  );
  assert.equal(of(all, "PodDisruptionBudget").length, 1);
});

test("chart: all options enabled", async (t) => {
  const helm = await helmFor(t);
  if (helm === undefined) return;
  const all = await render<Manifest>(helm, "large.yaml");
  const paths = of(all, "Ingress").map(({ metadata, spec }) => [
    metadata.name,
    ...spec.rules.flatMap(({ http }) => http.paths.map(({ path }) => path)),
  ]);
  assert.deepEqual(paths.sort(), [
    ["demo-gantry-portal-api", "/"],
    ["demo-gantry-task-agent", "/runner/v1"],
  ]);
  assert.equal(of(all, "ServiceMonitor").length, 3);
  const [rule] = of(all, "PrometheusRule");
  assert.deepEqual(
    rule?.spec.groups,
    (parse(read("deploy/helm/gantry/files/alerts.yaml")) as { groups: object[] }).groups,
  );
  const dashboard = of(all, "ConfigMap").find(({ metadata }) => metadata.labels.grafana_dashboard === "1");
  assert.deepEqual(
    JSON.parse(dashboard?.data?.["gantry.json"] ?? ""),
    JSON.parse(read("deploy/helm/gantry/files/dashboard.json")),
  );
  for (const policy of of(all, "NetworkPolicy")) {
    for (const { from } of policy.spec.ingress)
      assert.ok(from && from.length > 0, "an empty list would let everybody in");
  }
});

test("chart: values that cannot work are refused with a message", async (t) => {
  const helm = await helmFor(t);
  if (helm === undefined) return;
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["taskAgent.replicas=2", /more than one task-agent needs a journal that they share/],
    ["taskAgent.replicas=2,taskAgent.config.journal.kind=redis", /taskAgent.config.logs: .* share the folder/],
    ["notifyAgent.replicas=2", /notifyAgent.replicas/],
    ["image.tag=latest", /image.tag/],
    ["publicUrl=", /publicUrl: the address people use/],
    ["secrets.platformToken.existingSecret=", /secrets.platformToken.existingSecret: name the Secret/],
    ["runners.seoul.replicas=1", /runners.seoul.token.existingSecret: name the Secret/],
    ["portalApi.replica=1", /replica/],
  ];
  for (const [setting, words] of wrong) {
    await assert.rejects(render<Manifest>(helm, "small.yaml", "--set", setting), words, setting);
  }
});

test("chart: with tls every process has a certificate, calls the others by https, and allows no plain HTTP", async (t) => {
  const helm = await helmFor(t);
  if (helm === undefined) return;
  const all = await render<Manifest>(helm, "tls.yaml");
  const configs = of(all, "ConfigMap").flatMap(({ data = {} }) => Object.entries(data));
  assert.deepEqual(configs.map(([name]) => name).toSorted(), [
    "notify-agent.yaml",
    "portal-api.yaml",
    "task-agent.yaml",
    "task-runner.yaml",
  ]);
  for (const [name, text] of configs) {
    assert.doesNotMatch(text, /http:\/\//, name);
    const config = parse(text) as Record<string, unknown>;
    assert.equal(config.allowPlainHttp, false, name);
    const isRunner = name === "task-runner.yaml";
    const files = isRunner
      ? { ca: "/run/secrets/tls/ca.crt" }
      : { cert: "/run/secrets/tls/tls.crt", key: "/run/secrets/tls/tls.key" };
    assert.deepEqual(config[isRunner ? "agentTls" : "tls"], files, name);
    if (isRunner) assert.deepEqual([config.enrol, config.token], [{ file: "/run/secrets/runner/token" }, undefined]);
  }
  const monitors = of(all, "ServiceMonitor").map(({ spec }) => JSON.stringify(spec));
  assert.deepEqual(monitors.map((text) => /"name":"(gantry-\w+-tls)"/.exec(text)?.[1]).toSorted(), [
    "gantry-agent-tls",
    "gantry-notify-tls",
    "gantry-portal-tls",
  ]);
  for (const { spec } of of(all, "StatefulSet")) {
    const [container] = spec.template.spec.containers;
    assert.ok(
      container.volumeMounts?.some(({ mountPath }) => mountPath === "/run/secrets/tls"),
      container.name,
    );
    if (container.readinessProbe.httpGet) assert.match(JSON.stringify(container.readinessProbe), /"scheme":"HTTPS"/);
    assert.ok(!container.env?.some(({ name }) => name.includes("RUNNER_TOKENS")));
  }
});

test("chart: who reads the metrics of the agents needs the token, and their ServiceMonitors have it", async (t) => {
  const helm = await helmFor(t);
  if (helm === undefined) return;
  const all = await render<Manifest>(helm, "large.yaml");
  const expected = [
    ["task-agent", "GANTRY_TASK_AGENT_METRICS_TOKEN_FILE", "gantry-metrics"],
    ["notify-agent", "GANTRY_NOTIFY_AGENT_METRICS_TOKEN_FILE", "gantry-metrics"],
    ["portal-api", undefined, "gantry-scraper"],
  ] as const;
  for (const [component, variable, secret] of expected) {
    const isIts = ({ metadata }: Manifest): boolean => metadata.labels["app.kubernetes.io/component"] === component;
    const [set] = of(all, "StatefulSet").filter(isIts);
    const env = set?.spec.template.spec.containers[0].env ?? [];
    const found = env.find(({ name }) => name.endsWith("_METRICS_TOKEN_FILE"));
    assert.deepEqual([found?.name, found?.value], [variable, variable && "/run/secrets/metrics/token"]);
    const [monitor] = of(all, "ServiceMonitor").filter(isIts);
    assert.match(JSON.stringify(monitor?.spec), new RegExp(`"credentials":{"name":"${secret}"`));
  }
  const [set] = of(all, "StatefulSet").filter(({ metadata }) => metadata.name.endsWith("task-agent"));
  assert.match(JSON.stringify(set?.spec.template.spec.volumes), /"secretName":"gantry-metrics"/);
});
