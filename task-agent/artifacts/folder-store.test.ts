import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "@gantry/runtime/clock.ts";
import { artifactStoreSuite } from "./artifact-store.suite.ts";
import { openFolderStore } from "./folder-store.ts";

const GIB = 1_073_741_824;

artifactStoreSuite("folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-artifacts-"));
  return {
    open: ({ siteBytes = GIB, appBytes = GIB } = {}) =>
      openFolderStore(folder, systemClock, { artifactSiteBytes: siteBytes, artifactAppBytes: appBytes }),
    dispose: () => rm(folder, { recursive: true }),
  };
});

test("folder: only the user of the task-agent can read it", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-artifacts-"));
  t.after(() => rm(folder, { recursive: true }));
  const store = openFolderStore(join(folder, "all"), systemClock, { artifactSiteBytes: GIB, artifactAppBytes: GIB });
  const digest = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
  assert.equal(await store.append("seoul", { digest, size: 3 }, 0, Buffer.from("foo")), 3);
  await store.keep({ site: "seoul", app: "orders" }, [{ path: "foo", digest, size: 3 }], Date.now() + 1_000);
  const { lstat } = await import("node:fs/promises");
  const names = await readdir(join(folder, "all"), { recursive: true });
  assert(names.length > 4);
  for (const name of names) assert.equal((await lstat(join(folder, "all", name))).mode & 0o077, 0, name);
});

test("folder: a sweep of another agent, which has read what is kept before, leaves the list of an artifact alone", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-artifacts-"));
  t.after(() => rm(folder, { recursive: true }));
  const store = openFolderStore(folder, systemClock, { artifactSiteBytes: GIB, artifactAppBytes: GIB });
  const digest = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
  const save = async () => {
    assert.deepEqual(await store.missing("seoul", [digest]), []);
    return store.keep({ site: "seoul", app: "orders" }, [{ path: "foo", digest, size: 3 }], Date.now() + 1_000);
  };
  await store.append("seoul", { digest, size: 3 }, 0, Buffer.from("foo"));
  const list = (await save()).replace("sha256:", "");
  await utimes(join(folder, "seoul", "content", list.slice(0, 2), list), 0, 0);
  await save();
  // What the other agent knows.
  await rm(join(folder, "seoul", "kept"), { recursive: true });
  await store.sweep(Date.now());
  assert.equal((await store.files("seoul", `sha256:${list}`))?.length, 1);
});
