// Runs schemathesis (a Python program) over every operation of the portal's OpenAPI document: `node
// lab/contract/schemathesis/run.ts [arguments of schemathesis]`. Exit code 0: it found nothing. SCHEMATHESIS names the
// program, for where it is not on PATH.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNotifyAgent } from "@gantry/notify-agent/main.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";

const TOKEN = "platform-token-of-this-check";
const RUNNERS = Object.fromEntries(["platform", "seoul", "tokyo"].map((site) => [`runner-token-of-${site}`, site]));
const CHECK = [
  // Every example, and every value at and beyond the limits of the schemas; the same requests in every run.
  ...["--phases", "examples,coverage", "--seed", "1", "--generation-database", "none"],
  // Rules between values, such as a cursor that this server gave out, cannot be written in a schema.
  ...["--exclude-checks", "positive_data_acceptance"],
  // Longer than the longest `wait`.
  ...["--request-timeout", "40"],
];

const data = await mkdtemp(join(tmpdir(), "gantry-schemathesis-"));
const logger = makeLogger("schemathesis", "error");
const agent = await startTaskAgent(
  { data: join(data, "task-agent"), portalUrl: "http://portal", token: TOKEN, runnerTokens: RUNNERS },
  { logger },
);
const peer = { url: agent.url, token: TOKEN };
const notify = await startNotifyAgent({ data: join(data, "notify-agent"), token: TOKEN, agent: peer }, { logger });
const portal = await startPortal(
  {
    dataDir: join(data, "portal"),
    port: 0,
    agent: peer,
    notify: { url: notify.url, token: TOKEN },
    // Most of the requests are refused, and all come from one caller.
    audit: { refusedChangesPerMinute: 1_000_000 },
  },
  { logger },
);
try {
  // A missing If-Match is 428 (RFC 6585), a missing Idempotency-Key 400.
  const statuses = "expected-statuses = [400, 401, 403, 406, 415, 422, 428]";
  await writeFile(join(data, "schemathesis.toml"), `[checks.missing_required_header]\n${statuses}\n`);
  const token = (await readFile(join(data, "portal/admin-token"), "utf8")).trim();
  const child = spawn(
    process.env.SCHEMATHESIS ?? "schemathesis",
    [
      "run",
      `${portal.url}/openapi.json`,
      ...["--header", `Authorization: Bearer ${token}`],
      ...CHECK,
      ...process.argv.slice(2),
    ],
    { stdio: "inherit", cwd: data },
  );
  const [code] = (await once(child, "exit")) as [number | null];
  process.exitCode = code ?? 1;
} finally {
  await portal.close();
  await notify.close();
  await agent.close();
  await rm(data, { recursive: true });
}
