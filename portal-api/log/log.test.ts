// Logs over HTTP, and lines from bytes that arrive in any pieces.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { anyCharacter } from "@gantry/lab/any-character.fixture.ts";
import fc from "fast-check";
import { readFrames, startTestPortal, type TestPortal, take } from "../portal.fixture.ts";
import { decideRange } from "./decide-range.ts";
import { readLines } from "./lines.ts";

const PATH = "/v1/tasks/t1/jobs/deploy%5Bseoul%5D/steps/checkout/log";
const TEXT = "clone äöü\nfetch\n<script>\nERROR: no space\nlast";
let portal: TestPortal;

before(async () => {
  portal = await startTestPortal({ live: { pingMs: 50, recheckMs: 50 } });
  portal.agent.addTask({ id: "t1" });
  portal.agent.writeLog(TEXT);
});
after(() => portal.close());

test("a log is plain text that no browser executes", async () => {
  const answer = await portal.ask(PATH);
  assert.equal(await answer.text(), TEXT);
  assert.equal(answer.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.equal(answer.headers.get("content-security-policy"), "sandbox");
  assert.equal(answer.headers.get("gantry-log-size"), String(Buffer.byteLength(TEXT)));
  assert.equal(answer.headers.get("gantry-log-final"), "false");
});

test("parts of a log, by query and by Range", async () => {
  const bytes = Buffer.from(TEXT);
  assert.equal(await (await portal.ask(`${PATH}?from=13&limit=5`)).text(), "fetch");
  assert.equal(await (await portal.ask(`${PATH}?from=99999`)).text(), "");
  const range = async (value: string): Promise<[number, string, string | null]> => {
    const answer = await portal.ask(PATH, { headers: { range: value } });
    return [answer.status, await answer.text(), answer.headers.get("content-range")];
  };
  assert.deepEqual(await range("bytes=0-4"), [206, "clone", `bytes 0-4/${bytes.length}`]);
  assert.deepEqual(await range("bytes=-4"), [
    206,
    "last",
    `bytes ${bytes.length - 4}-${bytes.length - 1}/${bytes.length}`,
  ]);
  const [status, body, contentRange] = await range("bytes=99999-");
  assert.deepEqual([status, contentRange], [416, `bytes */${bytes.length}`]);
  assert.match(body, /range-outside/);
  assert.equal((await range("lines=1-2"))[0], 200);
});

test("the number of the line at an offset is in a header, on request", async () => {
  const headerAt = async (query: string): Promise<string | null> =>
    (await portal.ask(`${PATH}?${query}`)).headers.get("gantry-log-line");
  const offset = Buffer.byteLength("clone äöü\nfetch\n");
  assert.equal(await headerAt(`from=${offset}&lineNumber=true`), "3");
  assert.equal(await headerAt(`from=${offset - 1}&lineNumber=true`), "2");
  assert.equal(await headerAt("from=0&lineNumber=true"), "1");
  assert.equal(await headerAt(`from=${offset}`), null);
});

test("numbered lines, from a line on, and filtered by a text", async () => {
  const lines = async (query: string): Promise<unknown[]> => {
    const answer = await portal.ask(PATH + query, { headers: { accept: "application/x-ndjson" } });
    assert.match(answer.headers.get("content-type") ?? "", /^application\/x-ndjson/);
    return (await answer.text())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  };
  assert.deepEqual(
    await lines(""),
    TEXT.split("\n").map((text, at) => ({ n: at + 1, text })),
  );
  assert.deepEqual(await lines("?from=2&limit=1"), [{ n: 2, text: "fetch" }]);
  assert.deepEqual(await lines("?grep=error"), [{ n: 4, text: "ERROR: no space" }]);
  assert.equal(await (await portal.ask(`${PATH}?grep=.*`)).text(), "");
});

test("a search that finds nothing in a log of line breaks costs little, and keeps nobody waiting", async (t) => {
  const own = await startTestPortal();
  t.after(() => own.close());
  own.agent.addTask({ id: "t1" });
  own.agent.writeLog("\n".repeat(8 * 1_048_576), { final: true });
  const [token, other] = [await own.tokenOf("viewer"), await own.tokenOf("viewer", "other")];
  const headers = { accept: "application/x-ndjson" };
  const spent = process.cpuUsage();
  for (const query of ["grep=nothing", "from=99999999"])
    assert.equal(await (await own.ask(`${PATH}?${query}`, { token, headers })).text(), "");
  assert.ok(process.cpuUsage(spent).user < 2_000_000, `${process.cpuUsage(spent).user / 1_000} ms`);
  const answers = Promise.all(Array.from({ length: 50 }, () => own.ask(`${PATH}?grep=nothing`, { token, headers })));
  assert.equal((await own.ask("/v1/me", { token: other })).status, 200);
  const statuses = (await answers).map(({ status }) => status);
  assert.ok(statuses.filter((status) => status === 200).length >= 10, String(statuses));
  assert.ok(statuses.every((status) => status === 200 || status === 429));
  await Promise.all((await answers).map((answer) => answer.text()));
});

test("a step without a log is 404 in every format", async () => {
  for (const accept of ["text/plain", "application/x-ndjson", "text/event-stream"]) {
    assert.equal((await portal.ask(PATH.replace("checkout", "other"), { headers: { accept } })).status, 404);
  }
});

test("invalid names are refused", async () => {
  for (const job of ["..", "%2e%2e", "..%2f..%2fapps", "%2e%2e%2f%2e%2e", "%00", "1", "%F0%28"]) {
    const answer = await portal.ask(`/v1/tasks/t1/jobs/${job}/steps/checkout/log`);
    assert.ok(answer.status === 400 || answer.status === 404, `${job}: ${answer.status}`);
  }
  assert.ok(portal.agent.requests.every((request) => !request.includes("..")));
});

// Last, because it ends the log.
test("a stream follows the log to its end, and resumes where it was cut", async () => {
  const leaving = new AbortController();
  const open = (headers: Record<string, string> = {}): Promise<Response> =>
    portal.ask(PATH, { headers: { accept: "text/event-stream", ...headers }, signal: leaving.signal });
  const stream = readFrames(await open());
  const first = await take(stream, 4);
  assert.deepEqual(first.at(-1)?.data, { n: 4, text: "ERROR: no space" });
  portal.agent.writeLog(" line\nä");
  assert.deepEqual((await take(stream, 1))[0]?.data, { n: 5, text: "last line" });
  portal.agent.writeLog("", { final: true });
  assert.deepEqual(
    (await take(stream, 2)).map((one) => [one.event, one.data]),
    [
      [undefined, { n: 6, text: "ä" }],
      ["end", { size: Buffer.byteLength(`${TEXT} line\nä`), offset: Buffer.byteLength(`${TEXT} line\n`), line: 6 }],
    ],
  );
  assert.deepEqual(await take(stream, 1), []);

  const resumed = readFrames(await open({ "last-event-id": first[1]?.id ?? "" }));
  assert.deepEqual((await take(resumed, 1))[0]?.data, { n: 3, text: "<script>" });
  leaving.abort();
});

test("the lines do not depend on how the bytes are split into pieces", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: anyCharacter }).map((text) => text.replaceAll(/[\r\n]/g, ""))),
      fc.array(fc.nat(20)),
      (texts, cuts) => {
        const whole = Buffer.from(texts.map((text) => `${text}\n`).join(""));
        const reader = readLines();
        const got: string[] = [];
        let at = 0;
        for (const cut of [...cuts, whole.length]) {
          got.push(...reader.push(whole.subarray(at, at + cut)).map((line) => line.text));
          at += cut;
        }
        got.push(...reader.finish().map((line) => line.text));
        assert.deepEqual(
          got,
          texts.map((text) => text.toWellFormed()),
        );
        assert.deepEqual(reader.position(), { offset: whole.length, line: texts.length + 1 });
      },
    ),
  );
});

test("what is wanted of the lines does not depend on how the bytes are split either", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "B", "ä", "Σ", "\n", "\r"), maxLength: 60 });
  const grep = fc.option(fc.string({ unit: fc.constantFrom("A", "b", "Ä"), minLength: 1, maxLength: 2 }), {
    nil: undefined,
  });
  fc.assert(
    fc.property(text, fc.array(fc.nat(60)), fc.integer({ min: 1, max: 5 }), grep, (all, cuts, from, part) => {
      const bytes = Buffer.from(all);
      const reader = readLines(0, 1, { from, grep: part });
      const ends = [...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const found = ends.flatMap((end, at) => [...reader.push(bytes.subarray(ends[at - 1] ?? 0, end))]);
      found.push(...reader.finish());
      const plain = readLines();
      const expected = [...plain.push(bytes), ...plain.finish()].filter(
        (line) => line.n >= from && line.text.toLowerCase().includes((part ?? "").toLowerCase()),
      );
      assert.deepEqual(found, expected);
      assert.deepEqual(reader.position(), plain.position());
    }),
  );
});

test("a line without end is split into pieces", () => {
  const reader = readLines();
  const pieces = reader.push(Buffer.alloc(200_000, "x"));
  assert.deepEqual(
    pieces.map((piece) => piece.text.length),
    [65_536, 65_536, 65_536],
  );
  assert.equal(reader.finish()[0]?.text.length, 200_000 - 3 * 65_536);
});

test("a range is within the log", () => {
  const header = fc.oneof(
    fc.string(),
    fc.tuple(fc.nat(50), fc.nat(50)).map(([a, b]) => `bytes=${a}-${b}`),
  );
  const maybe = fc.option(fc.nat(50), { nil: undefined });
  fc.assert(
    fc.property(header, maybe, maybe, fc.nat(40), (range, from, limit, size) => {
      const found = decideRange({ range, from, limit }, size);
      if (found) assert.ok(0 <= found.from && found.from <= found.end && found.end <= size);
      if (found?.isPartial) assert.ok(found.from < found.end);
    }),
  );
});
