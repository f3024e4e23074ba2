// `gantry app adopt` as a person uses it: looking, deciding, adopting; and a file for many apps.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Io } from "@gantry/cli/io.ts";
import { runLine } from "@gantry/cli/line/run-line.ts";
import { type Ran, runCommand } from "@gantry/cli/portal.fixture.ts";
import { BASE, openField } from "./adopted.fixture.ts";
import { deployment, SHAPES } from "./adopted-shapes.fixture.ts";

test("apps are adopted by the command line", async (t) => {
  const field = await openField(t);
  const { gantry } = field;
  const env = { GANTRY_PORTAL: gantry.url, GANTRY_TOKEN_FILE: join(gantry.data, "admin-token") };
  const questions: string[] = [];
  const run = (line: readonly string[], answers?: readonly string[]): Promise<Ran> => {
    const left = [...(answers ?? [])];
    const ask: Io["ask"] = async (question, otherwise) => {
      questions.push(question);
      return left.shift() ?? otherwise;
    };
    return runCommand(["app", "adopt", ...line], { env, ...(answers ? { ask } : {}) }, runLine);
  };
  const file = (name: string): string => join(gantry.data, name);
  const exists = async (app: string): Promise<boolean> => (await gantry.call("GET", `/v1/apps/${app}`)).status === 200;

  for (const slug of ["vault", "depot"]) {
    await field.makeRepository(slug, { Dockerfile: BASE });
    await field.makeRepository(`${slug}-yaml`, {
      [`${slug}.yaml`]: deployment(slug, `registry.example/apps/${slug}:1`),
    });
  }

  await t.test("a person sees what was found and where, decides what is unclear, and agrees", async () => {
    const line = ["--from", "bitbucket/APPS/vault", "--yaml", "APPS/vault-yaml"];
    const no = await run(line, ["1", "1", "no"]);
    assert.equal(no.code, 0, no.out);
    assert.match(no.out, /^source\.branch +main +default branch of APPS\/vault$/m);
    assert.match(no.out, /^images\[0\]\.repository +apps\/vault +the image that is deployed now \(vault\.yaml:13\)$/m);
    assert.match(
      no.out,
      /Nothing says where vault\.yaml runs\.\n {2}1 {2}site: seoul, cluster: seoul-dp\n {2}2 {2}site: tokyo/,
    );
    assert.match(no.out, /Nothing is adopted\.$/m);
    assert.equal(await exists("vault"), false);
    const yes = await run(line, ["2", "2", "yes"]);
    assert.match(yes.out, /The app vault is adopted\. Build it: gantry ci vault --follow/);
    const { body } = await gantry.call("GET", "/v1/apps/vault");
    const { record } = body as { record: { build: object; targets: readonly object[] } };
    assert.deepEqual(record.build, { site: "tokyo" });
    assert.deepEqual(record.targets, [{ name: "tokyo", site: "tokyo", cluster: "tokyo-dp", files: ["vault.yaml"] }]);
    await field.forget("vault");
  });

  await t.test("without a terminal it adopts nothing unless told to", async () => {
    const line = ["--from", "bitbucket/APPS/depot", "--yaml", "bitbucket/APPS/depot-yaml", "--site", "seoul"];
    const shown = await run(line);
    assert.match(shown.out, /--yes adopts it as it is, --write FILE writes it/);
    assert.equal(await exists("depot"), false);
    const { app } = JSON.parse((await run([...line, "--json"])).out) as { app: { title: string } };
    assert.equal(app.title, "Depot");
    assert.equal((await run([...line, "--yes"])).code, 0);
    assert.equal(await exists("depot"), true);
    const taken = await run([...line, "--team", "others", "--yes"]);
    assert.equal(taken.code, 1);
    assert.match(taken.out, /The portal would refuse it: The app depot already exists/);
    await field.forget("depot");
  });

  await t.test("what is missing is told, and can be completed in a file", async () => {
    const line = ["--from", "bitbucket/APPS/vault", "--name", "lonely"];
    const missing = await run([...line, "--yes"]);
    assert.equal(missing.code, 1);
    assert.match(missing.out, /✗ targets: APPS\/vault has no file that deploys an image of the app/);
    assert.match(missing.out, /Nothing is adopted: targets must be given/);
    const written = await run([...line, "--write", file("lonely.yaml")]);
    assert.equal(written.code, 0, written.out);
    assert.match(await readFile(file("lonely.yaml"), "utf8"), /^ {2}# missing: targets: /m);
    const again = await run([...line, "--write", file("lonely.yaml")]);
    assert.equal(again.code, 2);
    assert.match(again.out, /lonely\.yaml/);
  });

  await t.test("a list of repositories becomes a file for gantry app apply", async () => {
    const [, tills] = SHAPES;
    assert.ok(tills);
    await field.makeRepository("tills", tills.source);
    await field.makeRepository("shop-yaml", tills.yaml);
    await writeFile(
      file("list.txt"),
      [
        "# our apps",
        "bitbucket/APPS/vault yaml=APPS/vault-yaml",
        "",
        "bitbucket/APPS/tills yaml=APPS/shop-yaml team=payments   # two images",
        "bitbucket/APPS/nowhere",
      ].join("\n"),
    );
    const looked = await run(["--from-file", file("list.txt"), "--write", file("apps.yaml"), "--site", "seoul"]);
    assert.equal(looked.code, 1, looked.out);
    assert.match(looked.out, /^bitbucket\/APPS\/nowhere: nothing could be proposed: .*nowhere/m);
    assert.match(looked.out, /2 apps in .*apps\.yaml, 1 without a proposal/);
    const applied = await runCommand(["app", "apply", "-f", file("apps.yaml")], { env }, runLine);
    assert.match(applied.out, /2 created, 0 changed, 0 unchanged\./);
    const written = await readFile(file("apps.yaml"), "utf8");
    assert.match(written, /team: payments/);
    assert.doesNotMatch(written, /exists already/);
    const line = ["--from", "bitbucket/APPS/vault", "--yaml", "APPS/vault-yaml"];
    const again = await run([...line, "--write", file("again.yaml")]);
    assert.match(again.out, /! The app vault exists already\. `gantry app apply` would change it/);
    await writeFile(file("list.txt"), "bitbucket/APPS/vault yaml=APPS/vault-yaml\n");
    await run(["--from-file", file("list.txt"), "--write", file("many.yaml")]);
    for (const one of ["again.yaml", "many.yaml"])
      assert.match(await readFile(file(one), "utf8"), /^ {2}# warning: The app vault exists already\./m);
  });

  await t.test("a command line that says too little, or too much, is a mistake", async () => {
    for (const line of [[], ["--from", "x", "-f", "y"], ["--from", "orders"], ["--from-file", file("list.txt")]]) {
      const { code, out } = await run(line);
      assert.equal(code, 2, out);
    }
  });
});
