// Signing in at the command line, contexts, and what every command says when it cannot do its work.

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { z } from "zod";
import { portalClient } from "../client.ts";
import type { Io } from "../io.ts";
import { runLine } from "../line/run-line.ts";
import { openPortal, type Ran, runCommand } from "../portal.fixture.ts";

const logger = makeLogger("test", "silent");
const portal = await openPortal({ agent: logger, portal: logger });
after(portal.close);
const admin = readFileSync(portal.tokenFile, "utf8").trim();
const newToken = z.object({ token: z.string() });

let homes = 0;
function newHome(): string {
  homes += 1;
  const home = join(portal.folder, `home-${homes}`);
  mkdirSync(home);
  return home;
}

/** Runs commands as somebody with an own home folder. */
function person(home: string, about: Partial<Io> = {}) {
  return (line: string): Promise<Ran> => {
    const readFile = (path: string): string => {
      // The tests run in a folder where somebody may have tried `gantry start`.
      if (path.startsWith(".data")) throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
      return readFileSync(path, "utf8");
    };
    return runCommand(line.split(" "), { env: { HOME: home }, readFile, ...about }, runLine);
  };
}

async function serviceToken(name: string, role: string): Promise<string> {
  const made = await portalClient(portal.url, admin).post("/v1/tokens", { name, role }, newToken);
  return made.token;
}

test("without a portal every command says how to begin, with exit code 3", async () => {
  const { code, out } = await person(newHome())("app list");
  assert.equal(code, 3);
  assert.match(out, /^You are not signed in\. No portal is named, .* Run `gantry login https:.*`gantry start`/);
});

test("login shows the page with tokens, asks for one, and keeps it for its owner only", async () => {
  const home = newHome();
  const token = await serviceToken("laptop", "viewer");
  const asked: string[] = [];
  const askSecret = (question: string): Promise<string> => {
    asked.push(question);
    return Promise.resolve(`${token}\n`);
  };
  const { code, out } = await person(home, { askSecret })(`login ${portal.url}/`);
  assert.equal(code, 0, out);
  assert.match(
    out,
    new RegExp(
      `^Open this page, .*\n\n {2}${portal.url}/profile\n\n.*admin-token.*\n\nSigned in to ${portal.url} as laptop \\(role viewer\\)\\.`,
    ),
  );
  assert.equal(asked.length, 1);
  assert.ok(!out.includes(token));
  const file = join(home, ".config/gantry/contexts.json");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(file, "..")).mode & 0o777, 0o700);

  const run = person(home);
  assert.match((await run("whoami")).out, /^laptop \(role viewer\) at http/);
  assert.match((await run("context list")).out, /^\* +127\.0\.0\.1:\d+ +http.*\n +local /m);
  // A viewer is signed in, and not allowed.
  const refused = await run("tokens list");
  assert.deepEqual([refused.code, /may not/.test(refused.out)], [4, true]);
});

test("login looks whether a portal is there before it asks for a token", async () => {
  const asked: string[] = [];
  const askSecret = (question: string): Promise<string> => {
    asked.push(question);
    return Promise.resolve(admin);
  };
  const run = person(newHome(), { askSecret });
  const withoutScheme = await run(`login ${new URL(portal.url).host}`);
  assert.equal(withoutScheme.code, 8);
  assert.match(withoutScheme.out, new RegExp(`If it speaks plain HTTP: \`gantry login ${portal.url}\``));
  await using other = await openServer(() => "{}");
  const elsewhere = await run(`login ${other.url}`);
  assert.deepEqual([elsewhere.code, asked.length], [8, 0], elsewhere.out);
  assert.match(
    (await run("context use nowhere")).out,
    /^There is no context nowhere\..* `gantry context list` lists them\.\n$/,
  );
});

test("in the folder of `gantry start`, its portal needs no token to be typed", async () => {
  const home = newHome();
  const { port } = new URL(portal.url);
  const files: { readonly [path: string]: string } = {
    ".data/gantry.json": JSON.stringify({ ports: { portal: Number(port) } }),
    ".data/admin-token": `${admin}\n`,
  };
  const readFile = (path: string): string => files[path] ?? readFileSync(path, "utf8");
  assert.match((await person(home, { readFile })("app list")).out, /^There are no apps yet/);
  const { code, out } = await person(home, { readFile })(`login ${portal.url}`);
  assert.deepEqual([code, out.split("\n")[0]], [0, `Signed in to ${portal.url} as admin (role admin).`]);
});

test("a token from stdin is checked before it is kept; logout forgets it", async () => {
  const home = newHome();
  const wrong = await person(home, { readInput: () => Promise.resolve("gantry_pat_wrong\n") })(
    `login ${portal.url} --token-stdin`,
  );
  assert.equal(wrong.code, 3);
  assert.match(
    wrong.out,
    /^You are not signed in\. http:\S+ does not accept this token\. .* create another one at http:\S+\/profile\.\n$/,
  );
  const run = person(home, { readInput: () => Promise.resolve(admin) });
  assert.match((await run("context list")).out, /^\* +local /m);
  assert.equal((await run(`login ${portal.url} --token-stdin --context office`)).code, 0);
  assert.equal((await run("app list")).code, 0);
  assert.equal((await run("context use local")).code, 0);
  assert.equal((await run("app list")).code, 3);
  assert.equal((await run("app list --context office")).code, 0);
  assert.equal((await run("context use office")).code, 0);
  assert.match((await run("logout")).out, new RegExp(`revoke it at ${portal.url}/profile\\.\n$`));
  const gone = await run("app list");
  assert.deepEqual([gone.code, /Run `gantry login http/.test(gone.out)], [3, true]);
  assert.match((await run("context use ofice")).out, /There is no context ofice \(did you mean office\?\)\./);
  assert.equal((await run("context use ofice")).code, 5);
  // Where nobody can be asked, the command says what to use instead.
  assert.match((await run("login")).out, /^Nobody can be asked for the token here: use --token-stdin/);

  assert.equal((await run("context remove ofice")).code, 5);
  assert.equal(
    (await run("context remove office")).out,
    "The context office is removed.\n",
    "its token was forgotten before",
  );
  assert.doesNotMatch((await run("context list")).out, /office/);
  assert.equal((await run(`login ${portal.url} --token-stdin --context office`)).code, 0);
  assert.match(
    (await run("context remove office")).out,
    /^The context office is removed\. Its token stays valid until/,
  );
  assert.match((await run("context list")).out, /^\* +local /m);
});

test("the token of a context is not sent to another address", async () => {
  const home = newHome();
  const run = person(home, { readInput: () => Promise.resolve(admin) });
  await run(`login ${portal.url} --token-stdin`);
  let seen: string | undefined = "none";
  await using server = await openServer((authorization) => {
    seen = authorization;
    return "{}";
  });
  const { code } = await run(`app list --portal ${server.url}`);
  assert.deepEqual([code, seen], [3, "none"]);
});

test("a file of contexts that is damaged or cannot be read is named", async () => {
  const home = newHome();
  mkdirSync(join(home, ".config/gantry"), { recursive: true });
  const file = join(home, ".config/gantry/contexts.json");
  writeFileSync(file, "{");
  const { code, out } = await person(home)("app list");
  assert.equal(code, 2);
  assert.match(
    out,
    /contexts\.json cannot be used\. It is not a file of `gantry login`\. Remove it and sign in again\./,
  );
  chmodSync(file, 0o600);
});

test("a portal that is gone, slow or something else has exit code 8", async () => {
  const env = { GANTRY_TOKEN: "secret", GANTRY_PORTAL: "http://127.0.0.1:9" };
  const gone = await person(newHome(), { env })("app list");
  assert.equal(gone.code, 8);
  assert.match(gone.out, /^The portal at http:\/\/127\.0\.0\.1:9 cannot be reached\. .*\n$/);
  await using other = await openServer(() => "<html>sign in to the proxy</html>");
  const strange = await person(newHome(), { env: { ...env, GANTRY_PORTAL: other.url } })("app list");
  assert.equal(strange.code, 8);
  assert.match(strange.out, /Something else responds there: the answer is not JSON/);
  await using silent = await openServer(() => undefined);
  const client = portalClient(silent.url, "secret", undefined, 50);
  await assert.rejects(client.get("/v1/apps", z.unknown()), { code: "unavailable", message: /cannot be reached/ });
});

/** A server that is not a portal. `respond`: the body, or undefined to answer nothing. */
async function openServer(respond: (authorization: string | undefined) => string | undefined) {
  const server: Server = createServer((request, response) => {
    const body = respond(request.headers.authorization);
    if (body !== undefined) response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
