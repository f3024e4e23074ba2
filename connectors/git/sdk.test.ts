// How long a git host that limits requests is left alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { z } from "zod";
import { callSdk } from "./sdk.ts";

type Answer = { readonly status: number; readonly headers?: Record<string, string>; readonly message?: string };

async function pauseAfter({ status, headers = {}, message = "" }: Answer): Promise<unknown> {
  const access = {
    system: {
      kind: "git",
      name: "github",
      provider: "github",
      url: "https://github.example",
      token: "t",
      standIn: false,
    },
    fetch,
    signal: new AbortController().signal,
  } as const;
  const send = () =>
    Promise.reject(Object.assign(new Error("no"), { status, response: { headers, data: { message } } }));
  try {
    await callSdk(access, () => undefined, { what: "create", schema: z.unknown(), send });
  } catch (error) {
    assert.ok(error instanceof GantryError);
    return error.code === "system-unavailable" ? error.details.retryAfterMs : error.code;
  }
  throw new Error("it did not fail");
}

test("the client waits for secondary limits in every form in which they are reported", async () => {
  const soon = String(Math.floor(Date.now() / 1000) + 60);
  const date = new Date(Date.now() + 60_000).toUTCString();
  const minute = (ms: unknown): boolean => typeof ms === "number" && ms > 55_000 && ms <= 61_000;
  const rows: readonly Answer[] = [
    { status: 429, headers: { "retry-after": "60" } },
    { status: 403, headers: { "retry-after": "60" } },
    { status: 403, headers: { "retry-after": date } },
    { status: 429, headers: { "retry-after": date } },
    { status: 403, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": soon } },
    { status: 429, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": soon } },
    { status: 403, message: "You have exceeded a secondary rate limit. Please wait a few minutes." },
    { status: 429, message: "You have exceeded a secondary rate limit." },
    { status: 403, message: "You have triggered an abuse detection mechanism." },
    { status: 403, headers: { "retry-after": "soon" }, message: "Secondary rate limit" },
  ];
  for (const row of rows) assert.ok(minute(await pauseAfter(row)), JSON.stringify(row));
  assert.equal(await pauseAfter({ status: 403, message: "Resource not accessible" }), "system-forbidden");
  assert.equal(
    await pauseAfter({ status: 403, headers: { "x-ratelimit-remaining": "5", "x-ratelimit-reset": soon } }),
    "system-forbidden",
  );
  assert.equal(await pauseAfter({ status: 429, headers: { "retry-after": "999999999" } }), 3_600_000);
});
