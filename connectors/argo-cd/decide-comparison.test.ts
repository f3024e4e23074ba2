import assert from "node:assert/strict";
import { test } from "node:test";
import { decideComparison, isTransient, type Patience } from "./decide-comparison.ts";
import { decideSync } from "./decide-sync.ts";
import { type Application, application } from "./model.ts";

const OURS = "a".repeat(40);

function appWith(status: object, spec: object = {}): Application {
  return application.parse({
    metadata: { name: "orders" },
    spec: { project: "orders", destination: { name: "seoul-dp", namespace: "orders" }, ...spec },
    status: { sync: { status: "Unknown", revision: "main" }, ...status },
  });
}

const withError = (message: string, type = "ComparisonError"): Application =>
  appWith({ conditions: [{ type, message }] });

const LOADING = "Failed to load target state: failed to generate manifest for source 1 of 1: ";
const CACHED = `${LOADING}rpc error: code = Unknown desc = Manifest generation error (cached): `;

const PASSING = [
  'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp 10.0.0.1:8081: connect: connection refused"',
  "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
  "rpc error: code = Canceled desc = context canceled",
  "rpc error: code = Unknown desc = failed to list refs: dial tcp: lookup git.example: i/o timeout",
  "rpc error: code = Unknown desc = failed to list refs: dial tcp: lookup git.example on 10.96.0.10:53: no such host",
  'rpc error: code = Unknown desc = failed to list refs: unexpected client error: unexpected requesting "https://git.example/x" status code: 503',
  'rpc error: code = Unknown desc = Get "https://git.example/info/refs": net/http: TLS handshake timeout',
  "rpc error: code = Unknown desc = error fetching: status code: 429 Too Many Requests",
  'Get "https://git.example/x": read tcp 10.0.0.1:443: connection reset by peer',
  'failed to list refs: Get "https://git.example/x": EOF',
  "rpc error: code = Unavailable desc = error reading from server: EOF",
  'Failed to load live state: failed to get cluster info for "https://seoul": error synchronizing cache state',
  "Unable to connect to the server: dial tcp 10.0.0.9:6443: connect: no route to host",
  "the server is currently unable to handle the request",
  "etcdserver: request timed out",
  "`git fetch origin` failed: signal: killed",
  `${CACHED}failed to list refs: dial tcp 10.0.0.1:443: connect: connection refused`,
] as const;

const LASTING = [
  "base/service.yaml: yaml: line 3: did not find expected ',' or ']'",
  "`kustomize build` failed exit status 1: Error: accumulating resources: no such file or directory",
  "rpc error: code = Unknown desc = overlays/seoul: app path does not exist",
  "rpc error: code = Unknown desc = authentication required",
  "rpc error: code = Unknown desc = repository not found",
  "unable to resolve 'nope' to a commit SHA",
  "error converting YAML to JSON: yaml: unexpected EOF",
  "failed to parse JSON: unexpected EOF",
  'The Kubernetes API could not find version "v1beta1" of batch/CronJob for requested resource',
  'kustomize build failed: json: unknown field "helmCharts"',
  "helm template failed: Error: values don't meet the specifications",
  "groupVersion shouldn't be empty",
] as const;

test("an error of the network or of a restarting component is tolerated for minutes, then reported as not the user's fault", () => {
  for (const message of PASSING) {
    assert.ok(isTransient(message), message);
    let patience: Patience = { errors: 0 };
    for (let atMs = 0; atMs < 600_000; atMs += 5_000) {
      const trouble = decideComparison(withError(message), patience, atMs);
      assert.ok(trouble?.kind === "waiting", `${message} at ${atMs}`);
      ({ patience } = trouble);
    }
    assert.equal(decideComparison(withError(message), patience, 600_000)?.kind, "unavailable");
  }
});

test("an error of the manifests fails after one more look, with Argo CD's sentence", () => {
  for (const message of LASTING) {
    assert.ok(!isTransient(message), message);
    const first = decideComparison(withError(LOADING + message), { errors: 0 }, 0);
    assert.ok(first?.kind === "waiting" && first.refresh === "normal", message);
    const second = decideComparison(withError(LOADING + message), first.patience, 2_000);
    assert.ok(second?.kind === "failed" && second.line === `ComparisonError: ${LOADING}${message}`);
  }
});

test("a cached error is asked for again with a hard refresh: before it counts, and now and then while it may pass", () => {
  const bad = decideComparison(withError(`${CACHED}app path does not exist`), { errors: 0 }, 0);
  assert.ok(bad?.kind === "waiting" && bad.refresh === "hard");
  assert.equal(decideComparison(withError(`${CACHED}app path does not exist`), bad.patience, 2_000)?.kind, "failed");
  const passing = withError(`${CACHED}dial tcp: i/o timeout`);
  let patience: Patience = { errors: 0 };
  const hard: number[] = [];
  for (let atMs = 0; atMs < 90_000; atMs += 5_000) {
    const trouble = decideComparison(passing, patience, atMs);
    assert.ok(trouble?.kind === "waiting");
    if (trouble.refresh === "hard") hard.push(atMs);
    ({ patience } = trouble);
  }
  assert.deepEqual(hard, [0, 30_000, 60_000]);
});

test("an error is checked less and less often, because Argo CD gives up on a commit after three failures", () => {
  let patience: Patience = { errors: 0 };
  const pauses = [0, 1, 2, 3, 4, 5].map(() => {
    const trouble = decideComparison(withError("dial tcp: i/o timeout"), patience, 0);
    assert.ok(trouble?.kind === "waiting");
    ({ patience } = trouble);
    return trouble.pauseMs;
  });
  assert.deepEqual(pauses, [2_000, 4_000, 8_000, 16_000, 20_000, 20_000]);
});

test("a sync: already only when the commit was applied, so that a commit that changes only hooks runs them", () => {
  const synced = { sync: { status: "Synced", revision: OURS } };
  const operationState = {
    operation: { sync: { revision: OURS } },
    phase: "Succeeded",
    finishedAt: "2026-01-01T00:00:00Z",
    syncResult: { revision: OURS },
  };
  const looked = { reconciledAt: "2026-01-01T00:00:01Z" };
  const rows = [
    ["start", { ...synced, history: [{ revision: "b".repeat(40) }] }],
    ["start", synced],
    ["already", { ...synced, history: [{ revision: OURS }] }],
    ["already", { ...synced, ...looked, operationState }],
    ["start", { ...synced, ...looked, operationState: { ...operationState, phase: "Failed" } }],
    [
      "superseded",
      {
        sync: { status: "Synced", revision: "b".repeat(40) },
        history: [{ revision: OURS }, { revision: "b".repeat(40) }],
      },
    ],
  ] as const;
  for (const [kind, status] of rows) {
    assert.equal(decideSync(appWith(status), OURS, "t1").kind, kind, JSON.stringify(status));
  }
});

test("several sources: the commit counts among their revisions, and a sync is refused with the reason", () => {
  const spec = { sources: [{ repoURL: "https://charts.example" }, { repoURL: "https://git.example/x.git" }] };
  const at = { revisions: ["1.2.3", OURS] };
  const synced = { sync: { status: "Synced", ...at }, history: [at] };
  assert.equal(decideSync(appWith(synced, spec), OURS, "t1").kind, "already");
  const refused = decideSync(
    appWith({ sync: { status: "OutOfSync", revisions: ["1.2.3", "b".repeat(40)] } }, spec),
    OURS,
    "t1",
  );
  assert.ok(refused.kind === "refused" && /several sources/.test(refused.problem));
  const itself = { ...spec, syncPolicy: { automated: {} } };
  assert.equal(decideSync(appWith({}, itself), OURS, "t1").kind, "refreshed");
});
