import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { selfSigned } from "@gantry/lab/fakes/certificate.ts";
import { startBitbucketDc } from "@gantry/lab/fakes/git/bitbucket-dc.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { openGit, type Remote } from "./git.ts";
import { ACCOUNTS } from "./lab.fixture.ts";

test("git trusts the certificate that `ca:` names, and any with `insecureSkipVerify`", async (t) => {
  const dir = await tempDir(t);
  const certificate = selfSigned(["localhost"]);
  const projects = [{ key: "APPS", name: "Apps" }];
  const host = await startBitbucketDc({ name: "bitbucket", dir, accounts: ACCOUNTS, projects, tls: certificate });
  t.after(() => host.close());
  await mkdir(join(dir, "seed"));
  await writeFile(join(dir, "seed", "README.md"), "# orders\n");
  await host.seedRepository("APPS", "orders", join(dir, "seed"));
  await writeFile(join(dir, "ca.pem"), certificate.cert);
  await writeFile(join(dir, "other.pem"), selfSigned(["localhost"]).cert);

  const git = openGit({
    gitDir: dir,
    environment: { PATH: process.env.PATH ?? "" },
    limits: { mb: 100, files: 10_000 },
    signal: AbortSignal.timeout(60_000),
  });
  const list = async (tls: Remote["tls"]): Promise<string> => {
    const url = `https://localhost:${host.port}/scm/apps/orders.git`;
    const authorization = `Basic ${Buffer.from("gantry:lab-admin-token").toString("base64")}`;
    const remote: Remote = { system: "bitbucket", url, authorization, ...(tls ? { tls } : {}) };
    try {
      return /refs\/heads\/main/.test(await git(["ls-remote", "--", url], { remote })) ? "listed" : "empty";
    } catch (error) {
      assert.ok(error instanceof GantryError, String(error));
      return error.code;
    }
  };
  const ca = (name: string): Remote["tls"] => ({ ca: join(dir, name), insecureSkipVerify: undefined });
  assert.equal(await list(undefined), "certificate-untrusted");
  assert.equal(await list(ca("other.pem")), "certificate-untrusted");
  assert.equal(await list(ca("ca.pem")), "listed");
  assert.equal(await list({ ca: undefined, insecureSkipVerify: true }), "listed");
  assert.equal(await list({ ca: undefined, insecureSkipVerify: false }), "certificate-untrusted");
});
