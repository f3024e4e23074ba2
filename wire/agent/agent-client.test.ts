// The client between our processes, against servers that misbehave.

import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { problemOf } from "@gantry/runtime/http/problem.ts";
import { type AgentClient, makeAgentClient } from "./agent-client.ts";

/** A deadline that ends within a test. */
const SOON_MS = 150;

async function against(
  answer: RequestListener,
  use: (client: AgentClient) => Promise<void>,
  deadlineMs = 30_000,
): Promise<void> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await use(makeAgentClient({ url: `http://127.0.0.1:${port}/`, token: "a-token", deadlineMs }));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const rejectsWith = (call: Promise<unknown>, code: string): Promise<void> =>
  assert.rejects(call, (error: unknown) => error instanceof GantryError && error.code === code);

test("an error keeps its code, details and pointers", async () => {
  const sent = new GantryError(
    "bad-params",
    { pipeline: "ci" },
    { problems: [{ detail: "no", pointer: "/params/ref" }] },
  );
  await against(
    (_, answer) => answer.writeHead(400).end(JSON.stringify(problemOf(sent, "r"))),
    async (client) => {
      await assert.rejects(client.task("t1"), (error: unknown) => {
        assert.ok(error instanceof GantryError);
        assert.deepEqual([error.code, error.message, error.problems], [sent.code, sent.message, sent.problems]);
        return true;
      });
    },
  );
});

test("the token is sent, and names are encoded in the path", async () => {
  const seen: string[] = [];
  await against(
    (request, answer) => {
      seen.push(`${request.headers.authorization} ${request.url}`);
      answer.end(JSON.stringify({ items: [] }));
    },
    async (client) => {
      await client.tasks({ app: "a&b", limit: 3 });
      await client.log({ task: "t1", job: "deploy[a/b]", step: "s" }, 0, 5);
      for (const name of ["..", ".", ""]) await rejectsWith(client.app(name), "bad-request");
    },
  );
  assert.deepEqual(seen, [
    "Bearer a-token /agent/v1/tasks?app=a%26b&limit=3",
    "Bearer a-token /agent/v1/tasks/t1/jobs/deploy%5Ba%2Fb%5D/steps/s/log?from=0&limit=5",
  ]);
});

test("an answer that is not the task-agent's is reported as such", async () => {
  const cases: [RequestListener, string][] = [
    [(_, answer) => answer.end("<html>"), "system-strange"],
    [(_, answer) => answer.end(JSON.stringify({ id: 1 })), "system-strange"],
    [(_, answer) => answer.writeHead(502).end("<html>bad gateway"), "unavailable"],
    [
      (_, answer) => answer.writeHead(401).end(JSON.stringify(problemOf(new GantryError("unauthenticated"), "r"))),
      "unavailable",
    ],
    [(_, answer) => answer.writeHead(302, { location: "http://127.0.0.1:1/" }).end(), "unavailable"],
    [(request) => request.socket.destroy(), "unavailable"],
  ];
  for (const [answer, code] of cases) {
    await against(answer, (client) => rejectsWith(client.task("t1"), code));
  }
  await against(
    () => undefined,
    (client) => rejectsWith(client.task("t1"), "unavailable"),
    SOON_MS,
  );
});

test("an aborted call throws the reason; the wait of a long poll does not count against the deadline", async () => {
  await against(
    (_, answer) => void setTimeout(() => answer.end(JSON.stringify({ events: [], last: 7 })), 250),
    async (client) => {
      assert.deepEqual(await client.feed({ after: 1, limit: 1, waitMs: 5_000 }), { events: [], last: 7 });
      const reason = new Error("enough");
      await assert.rejects(client.task("t1", { signal: AbortSignal.abort(reason) }), reason);
    },
    SOON_MS,
  );
});

test("a route that an older agent lacks is an agent to update, whichever it is; a task that is missing stays missing", async () => {
  const missing = (kind: string) => problemOf(new GantryError("not-found", { kind, name: "x" }), "r");
  const calls: readonly ((client: AgentClient) => Promise<unknown>)[] = [
    (client) => client.settings(),
    (client) => client.settingsHistory({ limit: 1 }),
    (client) => client.createEnrolment({ site: "seoul", principal: "dev" }),
    (client) => client.undoApp("orders", "dev"),
    (client) => client.forgetApp("orders", "dev"),
    (client) => client.removeRunner("r1"),
    (client) => client.readmitRunner("r1"),
    (client) => client.steps(),
    (client) => client.sites(),
    (client) => client.cancel("t1", { principal: "dev" }),
  ];
  for (const [kind, code] of [
    ["address", "unavailable"],
    ["task", "not-found"],
  ] as const) {
    await against(
      (_, answer) => answer.writeHead(404).end(JSON.stringify(missing(kind))),
      async (client) => {
        for (const call of calls) await rejectsWith(call(client), code);
        // Their callers do without.
        await rejectsWith(client.settingsNow({ after: 0, waitMs: 0 }), "not-found");
        await rejectsWith(client.taskTags(["t1"]), "not-found");
      },
    );
  }
  const strict = new GantryError(
    "bad-request",
    { problem: "x" },
    { problems: [{ detail: "definition is not known.", pointer: "" }] },
  );
  await against(
    (_, answer) => answer.writeHead(400).end(JSON.stringify(problemOf(strict, "r"))),
    (client) => rejectsWith(client.rerun("t1", { principal: "dev", idempotencyKey: "k" }), "unavailable"),
  );
});
