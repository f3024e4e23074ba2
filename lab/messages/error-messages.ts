// Every error of the table, with the details that its call sites give it.

import { ERRORS, type ErrorCode, explain, GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Section } from "./section.ts";

const DETAILS: { readonly [C in ErrorCode]: JsonObject } = {
  "bad-request": { problem: "name is missing" },
  "bad-params": { pipeline: "cd", problem: "/targets/0 it must be text, not a number" },
  unauthenticated: {},
  forbidden: { who: "kim", verb: "run CD" },
  "not-found": { kind: "token", name: "ci-bot" },
  conflict: { what: "The session" },
  "version-differs": { found: 4, wanted: 3 },
  "too-many": { who: "kim", limit: 60 },
  "body-too-large": { limit: 1_048_576 },
  "method-not-allowed": { method: "PUT", allowed: "GET, POST" },
  "request-timeout": {},
  "media-type": { problem: "it is compressed" },
  "range-outside": { size: 100 },
  "headers-too-large": {},
  "idempotency-key-missing": {},
  "idempotency-key-reused": {},
  "app-exists": { app: "orders", task: "t01" },
  "app-unknown": { app: "orders" },
  "pipeline-unknown": { pipeline: "cdd" },
  "already-ended": { task: "t01", outcome: "failed" },
  unavailable: { what: "The task-agent", problem: "nothing listens on that address (ECONNREFUSED)" },
  internal: { problem: "An unexpected error occurred." },
  "pipeline-invalid": { file: "cd.yaml", count: 2, problem: "line 3: unknown key titel (did you mean title?)" },
  "expression-failed": { expression: "params.x", problem: 'there is no "x" in params' },
  "session-gone": {},
  "runner-name-taken": { runner: "seoul-1" },
  "version-unfit": { peer: "The runner", me: "the task-agent", theirs: "1-1", mine: "2-3", older: "the runner" },
  "lease-lost": { problem: "The job was given to runner seoul-2." },
  "offer-gone": { problem: "It was open for 15 s." },
  "report-differs": { attempt: 1, first: "succeeded", second: "failed" },
  "cancel-unconfirmed": { runner: "seoul-1" },
  "runner-refused": { agent: "https://agent.example", runner: "seoul-1" },
  "kill-failed": { runner: "seoul-1" },
  "log-rewind": { ack: 100, offset: 300 },
  "log-differs": {},
  "step-unknown": { step: "git/chekout" },
  "bad-input": { step: "git/checkout", problem: "with.repository: slug is missing" },
  "system-missing": { site: "seoul", kind: "harbor", name: " named main", step: "image/build-push" },
  "credential-missing": {
    site: "seoul",
    secret: "harbor-token",
    problem: "The runner's configuration does not list it.",
  },
  "authority-unreadable": {
    system: "harbor",
    problem: "The file /etc/ca.pem cannot be read: there is no such file (ENOENT).",
  },
  "certificate-untrusted": {
    system: "harbor",
    what: "read artifacts",
    problem: "The certificate is signed by itself.",
  },
  "credential-refused": { system: "harbor", problem: "Harbor answered 401." },
  "system-forbidden": { system: "harbor", what: "push an image", problem: "Harbor answered 403." },
  "system-unavailable": {
    system: "harbor",
    what: "read artifacts",
    problem: "nothing listens on that address (ECONNREFUSED)",
  },
  "system-refused": { system: "harbor", what: "start a scan", problem: "Harbor answered 400: no scanner." },
  "system-strange": { system: "harbor", what: "read artifacts", problem: "The answer is HTML." },
  "effect-unknown": { what: "the issue", system: "Jira" },
  "exists-foreign": { what: "The repository orders", problem: "Its description names another task." },
  "script-failed": { exit: 1, problem: "not ok 17 - rounds half up" },
  "outputs-invalid": { problem: "Line 3 has no `=`." },
  "timed-out": { what: "The step test", limit: "10 m" },
  "file-invalid": { file: "values.yaml", problem: "line 3: the key image occurs twice" },
  superseded: { what: "orders", problem: "Argo CD deploys commit 7892cdcd." },
  "gate-failed": { gate: "The image scan", problem: "2 critical vulnerabilities", todo: "Update the base image." },
  "program-missing": { program: "buildah" },
  "scripts-refused": { runner: "seoul-1", why: "bubblewrap is not installed" },
  "dockerfile-invalid": { problem: "line 3: unknown instruction RUNN" },
  "no-builder": { problem: "Line 4 (RUN) needs an image builder." },
  "config-invalid": { problem: "gantry.yaml:3: unknown key prot (did you mean port?)" },
  "store-busy": { file: "/var/lib/gantry/journal.sqlite", owner: "process 17 on host vm-1" },
  "store-unreachable": { address: "redis:6379", problem: "nothing listens on that address (ECONNREFUSED)" },
  "data-unusable": { file: "/var/lib/gantry", problem: "The disk is full." },
  "port-unusable": { address: "127.0.0.1:3000", problem: "Another process already listens there." },
  "secret-unreadable": { what: "The token of the runner", problem: "The file /run/token is empty." },
  "topic-unfit": { topic: "gantry.events", problem: "it has 1 partition", todo: "Create it with 12 partitions." },
  "bus-unreachable": { address: "kafka:9092", problem: "nothing listens on that address (ECONNREFUSED)" },
  "bus-refused": { address: "kafka:9092", problem: "SASL authentication failed." },
  "store-newer": { file: "/var/lib/gantry/journal.sqlite", found: 4, known: 3 },
  "backup-damaged": { file: "gantry.backup", problem: "It is truncated." },
  "store-unsafe": { address: "redis:6379", problem: "appendfsync is everysec", todo: "Set appendfsync to always." },
  "store-refused": { address: "redis:6379", problem: "Redis answered: WRONGPASS." },
  "task-archived": { task: "t01" },
  "archive-damaged": { file: "2026-11.jsonl.gz", problem: "its checksum does not match" },
};

export function errorMessages(): Section {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  return {
    title: "Errors",
    entries: codes.map((code) => {
      const { message, why, todo } = explain(new GantryError(code, DETAILS[code]));
      return { name: code, sentences: [message, why, todo] };
    }),
  };
}
