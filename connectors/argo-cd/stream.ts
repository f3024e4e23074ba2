// The stream of applications: JSON documents, one per line, for as long as Argo CD keeps the connection open. It is a part of
// client.ts, whose calls have one answer each.

import { GantryError } from "@gantry/core/errors.ts";
import type { ArgocdSystem } from "@gantry/core/site/systems.ts";
import { connectionProblem } from "@gantry/core/system-error-words.ts";
import { z } from "zod";
import { tlsProblem } from "../certificate.ts";

export type StreamEvent = { readonly type: string; readonly application: unknown };

/** The largest line, in characters: one application with its list of resources. */
const MAX_LINE = 16 * 1_048_576;

const line = z.object({
  result: z.object({ type: z.string(), application: z.unknown() }).optional(),
  error: z.object({ message: z.string().default("") }).optional(),
});

/**
 * All applications that the account may see, and then every change, in batches of what arrived together; until the server
 * ends the stream or the signal aborts, whose reason is thrown. `onBytes` is called for every sign of life. Throws
 * `system-unavailable`, `certificate-untrusted` and `system-strange`.
 */
export async function* streamApplications(
  system: ArgocdSystem,
  access: { readonly fetch: typeof fetch; readonly signal: AbortSignal; readonly onBytes: () => void },
): AsyncGenerator<readonly StreamEvent[]> {
  const response = await open(system, access);
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of response.body ?? []) {
      access.onBytes();
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > MAX_LINE)
        throw problem(system, "system-strange", `a line is longer than ${MAX_LINE} characters`);
      const events = lines.flatMap((text) => read(system, text));
      if (events.length > 0) yield events;
    }
  } catch (error) {
    if (access.signal.aborted) throw access.signal.reason;
    if (error instanceof GantryError) throw error;
    throw problem(system, "system-unavailable", connectionProblem(error));
  }
}

/** Argo CD may send nothing, not even the status, before there is a first application: this waits until the signal aborts. */
async function open(
  system: ArgocdSystem,
  { fetch: call, signal }: { readonly fetch: typeof fetch; readonly signal: AbortSignal },
): Promise<Response> {
  let response: Response;
  try {
    response = await call(`${system.url.replace(/\/+$/, "")}/api/v1/stream/applications`, {
      headers: { accept: "application/json", "user-agent": "gantry", authorization: `Bearer ${system.token}` },
      redirect: "manual",
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const untrusted = tlsProblem(error);
    if (untrusted !== undefined) throw problem(system, "certificate-untrusted", untrusted);
    throw problem(system, "system-unavailable", connectionProblem(error));
  }
  if (response.status === 200) return response;
  await response.body?.cancel();
  throw problem(system, "system-unavailable", `status ${response.status}`);
}

function read(system: ArgocdSystem, text: string): readonly StreamEvent[] {
  if (text.trim() === "") return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw problem(system, "system-strange", "a line of the stream is not JSON");
  }
  const parsed = line.safeParse(value);
  if (!parsed.success) throw problem(system, "system-strange", "a line of the stream is no event");
  const { result, error } = parsed.data;
  // A stream reports its errors inside of an answer 200.
  if (error) throw problem(system, "system-unavailable", `the stream ended: ${error.message.slice(0, 300)}`);
  return result ? [{ type: result.type, application: result.application }] : [];
}

function problem(
  { name, token }: ArgocdSystem,
  code: "certificate-untrusted" | "system-strange" | "system-unavailable",
  text: string,
): GantryError {
  return new GantryError(code, {
    system: name,
    what: "watch the applications",
    problem: text.replaceAll(token, "***"),
  });
}
