// Names of the portal in the completion of a shell.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { stringify } from "yaml";
import { openPortal, runCommand } from "../portal.fixture.ts";

const logger = makeLogger("test", "silent");
const portal = await openPortal({ agent: logger, portal: logger }, { "runner-token-of-seoul-0": "seoul" });
after(() => portal.close());

const app = (name: string) => ({
  ...{ name, title: name, source: { system: "bitbucket", project: "SHOP", slug: name }, build: { site: "seoul" } },
  yaml: { system: "bitbucket", project: "SHOP", slug: `${name}-deploy` },
  targets: ["east", "west"].map((one) => ({ name: one, site: "seoul", cluster: one, overlay: one })),
});
const file = join(portal.folder, "apps.yaml");
await writeFile(file, stringify({ apps: ["orders", "outlet", "shop"].map(app) }));
assert.equal((await portal.run("app", "apply", "-f", file)).code, 0);
const { out: started } = await portal.run("ci", "orders", "--json");
const task = (JSON.parse(started) as { id: string }).id;

const names = async (...words: string[]): Promise<readonly string[]> =>
  (await portal.runAsPerson("complete", "--", ...words)).out.split("\n").filter((line) => line !== "");

test("apps, targets, pipelines and tasks are asked of the portal where they can stand", async () => {
  assert.deepEqual(await names("ci", ""), ["orders", "outlet", "shop"]);
  assert.deepEqual(await names("cd", "o"), ["orders", "outlet"]);
  assert.deepEqual(await names("cd", "orders", "--target", "w"), ["west"]);
  assert.deepEqual(await names("cd", "orders", "--target=e"), ["--target=east"]);
  assert.deepEqual(await names("cd", "orders", "--target", "=", "e"), ["east"], "as bash splits it");
  assert.deepEqual(await names("cd", "--follow", "sh"), ["shop"]);
  assert.deepEqual(await names("task", "list", "--app", "ou"), ["outlet"]);
  assert.deepEqual(await names("app", "export", "orders", "s"), ["shop"]);
  assert.deepEqual(await names("task", "show", ""), [task]);
  assert.deepEqual(await names("rerun", task.slice(0, 3)), [task]);
  assert.ok((await names("pipeline", "show", "c")).includes("cd"));
  assert.deepEqual(await names("cd", "orders", "--build", ""), [], "there are none yet");
});

test("a name that is not known is answered with the nearest one", async () => {
  const says = async (...words: string[]): Promise<string> => {
    const { code, out } = await portal.runAsPerson(...words);
    assert.equal(code, 5, out);
    return out;
  };
  assert.match(await says("ci", "oders"), /There is no app oders\. .* Did you mean orders\? `gantry app list` lists/);
  assert.match(await says("app", "view", "outlte"), /Did you mean outlet\?/);
  assert.match(
    await says("pipeline", "show", "cii"),
    /There is no pipeline cii\. .* Did you mean ci\? `gantry pipeline list`/,
  );
  assert.doesNotMatch(await says("app", "view", "warehouse"), /Did you mean/);
});

test("where no name can stand, and for a new app, nothing is printed", async () => {
  for (const words of [
    ["app", "create", ""],
    ["cd", "orders", "--f"],
    ["nothing", ""],
    [""],
    ["app", "rename", "orders", ""],
  ])
    assert.deepEqual(await names(...words), [], words.join(" "));
});

test("a portal that is not there, that is slow or that refuses is silence", async (t) => {
  const slow = createServer(() => {});
  await once(slow.listen(0, "127.0.0.1"), "listening");
  t.after(() => slow.closeAllConnections());
  t.after(() => slow.close());
  const { port } = slow.address() as AddressInfo;
  for (const env of [
    { GANTRY_PORTAL: "http://127.0.0.1:1", GANTRY_TOKEN: "x" },
    { GANTRY_PORTAL: `http://127.0.0.1:${port}`, GANTRY_TOKEN: "x" },
    { ...portal.env, GANTRY_TOKEN_FILE: file },
  ])
    assert.deepEqual(await runCommand(["complete", "--", "ci", ""], { env }), { code: 0, out: "" });
});

test("the script for bash puts them behind commands and flags", async (t) => {
  const bin = join(portal.folder, "bin");
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  await mkdir(bin);
  await writeFile(join(bin, "gantry"), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  await chmod(join(bin, "gantry"), 0o755);
  const script = (await runCommand(["completion", "bash"])).out;
  const complete = (line: string): string => {
    const words = line.split(" ");
    const list = words.map((word) => `'${word}'`).join(" ");
    return `COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _gantry; echo "\${COMPREPLY[*]}"`;
  };
  const lines = ["gantry cd o", "gantry cd orders --target = w", "gantry cd orders --ta"];
  const env = { ...process.env, ...portal.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  /** Undefined when there is no bash. */
  const completed = async (): Promise<string | undefined> => {
    const bash = spawn("bash", ["-c", [script, ...lines.map(complete)].join("\n")], { env });
    let out = "";
    for (const stream of [bash.stdout, bash.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        out += text;
      });
    const isMissing = once(bash, "error").then(() => true);
    return (await Promise.race([isMissing, once(bash, "close").then(() => false)])) ? undefined : out;
  };
  if ((await completed()) === undefined) return t.skip("there is no bash");
  // The names are left out when the portal does not answer within 2 s, as may happen on a busy machine.
  await t.waitFor(
    async () => assert.deepEqual((await completed())?.trimEnd().split("\n"), ["orders outlet", "west", "--target"]),
    { timeout: 60_000 },
  );
});
