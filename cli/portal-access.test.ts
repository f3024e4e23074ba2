// What all commands that talk to the portal share: its address, the token, and what they say when it cannot be reached.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { makeCertificates } from "@gantry/runtime/http/certificates.fixture.ts";
import { people } from "./access/people.ts";
import { tokens } from "./access/tokens.ts";
import { audit } from "./audit.ts";
import { can } from "./can.ts";
import type { Io } from "./io.ts";
import { rerun } from "./rerun.ts";
import { runners } from "./runners.ts";
import { settings } from "./settings.ts";

const io = (env: Io["env"]): Io => ({
  stdout: () => {},
  stderr: () => {},
  readFile: (path) => readFileSync(path, "utf8"),
  env,
  tty: false,
});

test("every command sends its token by plain http to another machine only with the flag", async () => {
  const commands = [
    (argv: readonly string[], at: Io) => people(argv, at),
    (argv: readonly string[], at: Io) => tokens(argv, at),
    (argv: readonly string[], at: Io) => tokens(["create", "x", "--role", "viewer", ...argv], at),
    (argv: readonly string[], at: Io) => audit(argv, at),
    (argv: readonly string[], at: Io) => can(["view", "orders", ...argv], at),
    (argv: readonly string[], at: Io) => rerun(["t1", ...argv], at),
    (argv: readonly string[], at: Io) => runners(argv, at),
    (argv: readonly string[], at: Io) => settings(argv, at),
  ];
  const at = io({ GANTRY_PORTAL: "http://portal.invalid", GANTRY_TOKEN: "secret" });
  for (const command of commands) {
    await assert.rejects(command([], at), { code: "config-invalid" });
    await assert.rejects(command(["--allow-plain-http"], at), { code: "unavailable" });
  }
});

test("a portal with a certificate of an unknown authority is named as such", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-cli-tls-"));
  t.after(() => rmSync(folder, { recursive: true }));
  makeCertificates(folder, ["portal"]);
  const server = createServer({
    key: readFileSync(join(folder, "portal.key")),
    cert: readFileSync(join(folder, "portal.crt")),
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const problem = await problemAt({ GANTRY_PORTAL: `https://127.0.0.1:${port}`, GANTRY_TOKEN: "secret" });
  assert.match(problem, /not signed by an authority.*NODE_EXTRA_CA_CERTS/);
});

test("an address without https, and a missing token, are explained", async () => {
  assert.match(await problemAt({ GANTRY_PORTAL: "gantry.example.com:443" }), /must be like https:/);
  assert.match(await problemAt({ GANTRY_PORTAL: "https://localhost" }), /GANTRY_TOKEN_FILE/);
});

async function problemAt(env: Io["env"]): Promise<string> {
  const error = await people([], io(env)).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof GantryError);
  return String(error.details.problem);
}
