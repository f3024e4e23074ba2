import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { PROBLEM_TYPE, problemOf } from "@gantry/runtime/http/problem.ts";
import { createRunnerClient, type RunnerClient } from "./runner-client.ts";

async function clientOf(t: TestContext, answer: RequestListener): Promise<RunnerClient> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return createRunnerClient({ url, token: () => "token", fetch });
}

const POLL = { session: "s1", freeSlots: 1, waitMs: 0 };

const FOREIGN_ANSWERS: readonly [string, number, string, string][] = [
  ["a login page", 200, "text/html", "<html>Sign in</html>"],
  ["JSON of another server", 200, "application/json", '{"hello":1}'],
  ["a truncated answer", 200, "application/json", '{"offers":['],
  ["a proxy whose server is down", 502, "text/html", "Bad Gateway"],
  ["an address that is not the agent's", 404, "text/plain", "not found"],
  [
    "a code with another status than its own",
    500,
    PROBLEM_TYPE,
    JSON.stringify(problemOf(new GantryError("lease-lost"), "r")),
  ],
  [
    "an unknown code",
    409,
    PROBLEM_TYPE,
    JSON.stringify({ ...problemOf(new GantryError("lease-lost"), "r"), code: "x" }),
  ],
];

for (const [name, status, type, body] of FOREIGN_ANSWERS) {
  test(`${name} is not an answer of the agent`, async (t) => {
    const client = await clientOf(
      t,
      (_, response) => void response.writeHead(status, { "content-type": type }).end(body),
    );
    await assert.rejects(client.poll(POLL), { code: "unavailable" });
  });
}

test("an error of the agent keeps its code and details", async (t) => {
  const problem = problemOf(new GantryError("log-rewind", { ack: 7, offset: 9 }), "r");
  const client = await clientOf(t, (_, response) => {
    response.writeHead(416, { "content-type": PROBLEM_TYPE }).end(JSON.stringify(problem));
  });
  await assert.rejects(client.poll(POLL), (error) => error instanceof GantryError && error.details.ack === 7);
});

test("a call ends at its deadline, and when it is aborted", async (t) => {
  const client = await clientOf(t, () => {});
  await assert.rejects(client.poll(POLL, { timeoutMs: 30 }), { code: "unavailable" });
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(client.poll(POLL, { signal }), /enough/);
});

test("names of jobs and steps are encoded in the path of a log", async (t) => {
  let url = "";
  const client = await clientOf(t, (request, response) => {
    url = request.url ?? "";
    response.writeHead(200, { "content-type": "application/json" }).end('{"ack":2}');
  });
  const ref = { task: "t1", job: "deploy[a/../b]", attempt: 1, fence: 5 };
  const bytes = new TextEncoder().encode("ab");
  const { ack } = await client.log({ session: "s", ref, step: "x?y", offset: 0, crc: 1, final: true, bytes });
  assert.equal(ack, 2);
  assert.equal(url, "/runner/v1/logs/t1/deploy%5Ba%2F..%2Fb%5D/1/x%3Fy?session=s&fence=5&offset=0&crc=1&final=true");
});

test("an agent of version 1, which refuses unknown fields, gets no proof; one of version 2 gets them back", async () => {
  const ref = { task: "t1", job: "build", attempt: 1, fence: 1, proof: "signed" };
  const problem = { type: "", title: "", status: 400, detail: "", todo: "", code: "bad-request", requestId: "r" };
  for (const version of [1, 2]) {
    const sent: string[] = [];
    const answer = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
      const body = String(init?.body);
      sent.push(body);
      if (version === 1 && body.includes("proof"))
        return new Response(JSON.stringify(problem), {
          status: 400,
          headers: { "content-type": "application/problem+json" },
        });
      const isSession = String(url).endsWith("/session");
      const reply = isSession
        ? { session: "s", directives: [], ...(version === 2 ? { protocol: 2 } : {}) }
        : { items: [] };
      return new Response(JSON.stringify(reply), { headers: { "content-type": "application/json" } });
    };
    const client = createRunnerClient({ url: "http://agent", token: () => "t", fetch: answer as typeof fetch });
    const facts = { runner: "r", bootId: crypto.randomUUID(), site: "s", labels: [], slots: 1, version: "v" };
    const host = { name: "h", platform: "p", cpus: 1, memoryMb: 1 };
    await client.session({ ...facts, host, systems: [], running: [{ ref, started: true }] });
    await client.heartbeat({ session: "s", items: [{ ref }] });
    assert.equal(sent.at(-1)?.includes("proof"), version === 2);
    assert.equal(sent.length, version === 1 ? 3 : 2);
  }
});
