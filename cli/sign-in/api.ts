// `gantry api`: any request to the API of the portal.

import { randomUUID } from "node:crypto";
import { EXIT, exitCodeOfStatus } from "../line/exit-codes.ts";
import { readArgument } from "../pipeline/pipeline-file.ts";
import { type Call, UsageError } from "../table/command.ts";

type Flags = { readonly body: string | undefined; readonly "if-match": string | undefined };

/** Prints the body of the response, also of an error. */
export async function api({
  io,
  portal,
  flags,
  args: [given, path],
}: Call<Flags, readonly [string, string]>): Promise<number> {
  const method = given.toUpperCase();
  if (!/^(GET|HEAD|POST|PUT|PATCH|DELETE)$/.test(method)) throw new UsageError(`${given} is no method of HTTP`);
  if (!/^\/(?!\/)[\x21-\x7e]*$/.test(path)) throw new UsageError(`${path}: begin with /, as in /v1/apps`);
  const { body: from, "if-match": ifMatch } = flags;
  const body = from === undefined ? (method === "POST" ? "{}" : undefined) : await bodyOf(from, io);
  const headers = {
    ...(method === "POST" ? { "idempotency-key": randomUUID() } : {}),
    ...(ifMatch === undefined ? {} : { "if-match": ifMatch }),
  };
  const response = await portal().ask({ method, path, headers, ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  io.stdout(text === "" || text.endsWith("\n") ? text : `${text}\n`);
  if (response.status >= 400) io.stderr(`${method} ${path}: status ${response.status}\n`);
  return response.status < 400 ? EXIT.ok : exitCodeOfStatus(response.status);
}

async function bodyOf(given: string, io: Call["io"]): Promise<string> {
  if (given === "-") return io.readInput();
  return given.startsWith("@") ? readArgument(io, given.slice(1)) : given;
}
