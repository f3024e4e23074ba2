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
import type { Io } from "./io.ts";
import { runCommand } from "./portal.fixture.ts";
import { COMMANDS } from "./table/table.ts";

const HOME = "/nowhere";

/** Commands that need one of several flags. */
const ONE_OF: { readonly [command: string]: readonly string[] } = {
  "app adopt": ["--from", "bitbucket/SHOP/orders", "--yes"],
};

test("every command sends its token by plain http to another machine only with the flag", async () => {
  const env = { GANTRY_PORTAL: "http://portal.invalid", GANTRY_TOKEN: "secret", HOME };
  const values: { readonly [arg: string]: string } = {
    METHOD: "GET",
    PATH: "/v1/me",
    VERB: "view",
    BUILD: "1",
    KEY: "x",
    FOLDER: import.meta.dirname,
  };
  const checked = COMMANDS.filter(({ portal }) => portal);
  assert.ok(checked.length > 40);
  for (const { name, args, flags } of checked) {
    const given = args.filter((arg) => !arg.startsWith("[")).map((arg) => values[arg] ?? arg.split("|")[0] ?? "");
    const needed = Object.entries(flags).flatMap(([flag, { required }]) => (required ? [`--${flag}`, "x"] : []));
    const argv = [...name.split(" "), ...given, ...needed, ...(ONE_OF[name] ?? [])];
    const readFile = (path: string): string => (path === "x" ? "apps: []\n" : noFile(path));
    await assert.rejects(runCommand(argv, { env, readFile }), { code: "config-invalid" }, name);
  }
  for (const argv of [["people"], ["task", "list", "--json"]]) {
    const allowed = runCommand([...argv, "--allow-plain-http"], { env, readFile: noFile });
    await assert.rejects(allowed, { code: "unavailable" });
  }
});

function noFile(path: string): never {
  throw Object.assign(new Error(`ENOENT: no such file, open ${path}`), { code: "ENOENT" });
}

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
  const error = await runCommand(["people"], { env: { HOME, ...env }, readFile: noFile }).catch(
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof GantryError);
  return String(error.details.problem ?? error.details.todo);
}
