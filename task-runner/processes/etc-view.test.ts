import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { tempDir } from "@gantry/connectors/temp-dir.fixture.ts";
import { chooseEtc } from "./etc-view.ts";

test("only what everybody may read is chosen; large folders are mounted if that is true of all in them", async (t) => {
  const root = await tempDir(t);
  const write = (path: string, mode = 0o644): void => {
    writeFileSync(join(root, path), "x");
    chmodSync(join(root, path), mode);
  };
  for (const folder of ["ssl", "ssl/certs", "ssl/private", "many", "small"]) mkdirSync(join(root, folder));
  for (const folder of ["ssl/certs", "many"]) for (let n = 0; n < 70; n += 1) write(`${folder}/${n}`);
  write("ssl/openssl.cnf");
  write("ssl/private/key");
  chmodSync(join(root, "ssl/private"), 0o710);
  write("many/key", 0o600);
  write("small/key", 0o600);
  write("small/settings");
  symlinkSync("..", join(root, "small/circle"));
  symlinkSync("settings", join(root, "small/link"));
  write("secret", 0o640);
  const paths = ["ssl", "many", "small", "secret", "missing"].map((name) => join(root, name));
  const { files, folders } = await chooseEtc(paths);
  assert.deepEqual(folders, [join(root, "ssl/certs")]);
  const many = Array.from({ length: 70 }, (_, n) => `many/${n}`);
  const expected = ["ssl/openssl.cnf", ...many, "small/link", "small/settings"].map((name) => join(root, name));
  assert.deepEqual(files.toSorted(), expected.toSorted());
});
