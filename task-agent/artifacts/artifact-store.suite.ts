// What every store of artifacts must do. The test file of each adapter runs this suite.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { ArtifactFile } from "@gantry/core/artifact/artifact.ts";
import type { ArtifactStore } from "./artifact-store.ts";

const DAY_MS = 86_400_000;
/** Later than the files on the disk, whatever the clock of the machine says. */
const NOW = Date.UTC(2100, 0, 1);

export type StorePlace = {
  /** A store with these limits for each site and app, over what earlier ones have kept. */
  readonly open: (options?: { readonly siteBytes?: number; readonly appBytes?: number }) => ArtifactStore;
  readonly dispose: () => Promise<void>;
};

function fileOf(path: string, text: string): ArtifactFile & { readonly bytes: Buffer } {
  const bytes = Buffer.from(text);
  return { path, digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`, size: bytes.length, bytes };
}

const APP = fileOf("dist/app.js", "console.log('orders')");
const PAGE = fileOf("dist/index.html", "<h1>Orders</h1>");

export function artifactStoreSuite(adapter: string, makePlace: () => Promise<StorePlace>): void {
  const inStore = (name: string, run: (store: ArtifactStore, place: StorePlace) => Promise<void>): void => {
    test(`${adapter}: ${name}`, async () => {
      const place = await makePlace();
      try {
        await run(place.open(), place);
      } finally {
        await place.dispose();
      }
    });
  };
  const put = async (store: ArtifactStore, site: string, ...files: readonly (typeof APP)[]): Promise<void> => {
    for (const file of files) assert.equal(await store.append(site, file, 0, file.bytes), file.size);
  };
  const listOf = (files: readonly (typeof APP)[]) => files.map(({ bytes: _, ...file }) => file);
  const keep = (store: ArtifactStore, site: string, files: readonly (typeof APP)[], untilMs: number, app = "orders") =>
    store.keep({ site, app }, listOf(files), untilMs);
  const textOf = async (store: ArtifactStore, site: string, digest: string): Promise<string | undefined> =>
    (await store.read(site, digest, 0, 1_000))?.toString("utf8");

  inStore("content arrives in parts, and repeated parts change nothing", async (store) => {
    const [first, second] = [APP.bytes.subarray(0, 5), APP.bytes.subarray(5)];
    assert.equal(await store.append("seoul", APP, 0, first), 5);
    assert.equal(await store.append("seoul", APP, 0, first), 5);
    assert.equal(await store.append("seoul", APP, 9, second), 5, "a gap: continue at 5");
    assert.deepEqual(await store.missing("seoul", [APP.digest]), [APP.digest]);
    assert.equal(await store.append("seoul", APP, 5, second), APP.size);
    assert.equal(await store.append("seoul", APP, 0, APP.bytes), APP.size);
    assert.deepEqual(await store.missing("seoul", [APP.digest, PAGE.digest]), [PAGE.digest]);
    assert.equal(await textOf(store, "seoul", APP.digest), "console.log('orders')");
    assert.equal((await store.read("seoul", APP.digest, 8, 3))?.toString("utf8"), "log");
  });

  inStore("an upload goes on after a restart", async (store, place) => {
    assert.equal(await store.append("seoul", APP, 0, APP.bytes.subarray(0, 7)), 7);
    assert.equal(await place.open().append("seoul", APP, 7, APP.bytes.subarray(7)), APP.size);
  });

  inStore("content with another digest is not kept, and can be uploaded again", async (store) => {
    const wrong = Buffer.alloc(APP.size, "x");
    assert.equal(await store.append("seoul", APP, 0, wrong), 0);
    assert.deepEqual(await store.missing("seoul", [APP.digest]), [APP.digest]);
    await put(store, "seoul", APP);
    assert.equal(await textOf(store, "seoul", APP.digest), "console.log('orders')");
  });

  inStore("an empty file is content, too", async (store) => {
    const empty = fileOf("done", "");
    await put(store, "seoul", empty);
    assert.equal(await textOf(store, "seoul", empty.digest), "");
  });

  inStore("the same content from two runners at once is kept once", async (store) => {
    const acks = await Promise.all([0, 1, 2, 3].map(() => store.append("seoul", APP, 0, APP.bytes)));
    assert.deepEqual(acks, [APP.size, APP.size, APP.size, APP.size]);
    assert.equal(await textOf(store, "seoul", APP.digest), "console.log('orders')");
  });

  inStore("what one site has is missing at another one", async (store) => {
    await put(store, "seoul", APP);
    assert.deepEqual(await store.missing("busan", [APP.digest]), [APP.digest]);
    assert.equal(await store.read("busan", APP.digest, 0, 10), undefined);
  });

  for (const site of ["..", "../seoul", "a/b", "."])
    inStore(`the name of the site ${site} is not a path`, async (store) => {
      await put(store, site, APP);
      assert.equal(await textOf(store, site, APP.digest), "console.log('orders')");
      assert.equal(await store.read("seoul", APP.digest, 0, 10), undefined);
    });

  inStore("a digest is not a path", async (store) => {
    await assert.rejects(store.read("seoul", "sha256:../../secret", 0, 10), { code: "bad-request" });
    await assert.rejects(store.append("seoul", { digest: "../x", size: 1 }, 0, Buffer.from("x")), {
      code: "bad-request",
    });
  });

  inStore("an artifact is removed when its time is over, with the content that no other one has", async (store) => {
    await put(store, "seoul", APP, PAGE);
    const short = await keep(store, "seoul", [APP, PAGE], NOW + DAY_MS);
    const long = await keep(store, "seoul", [PAGE], NOW + 9 * DAY_MS);
    assert.equal((await store.sweep(NOW)).artifacts, 0);
    assert.equal(await textOf(store, "seoul", APP.digest), "console.log('orders')");
    assert.equal((await store.sweep(NOW + 2 * DAY_MS)).artifacts, 1);
    assert.equal(await store.read("seoul", APP.digest, 0, 10), undefined);
    assert.equal(await store.read("seoul", short, 0, 10), undefined);
    assert.equal(await textOf(store, "seoul", PAGE.digest), "<h1>Orders</h1>");
    assert.match((await textOf(store, "seoul", long)) ?? "", /dist\/index\.html/);
    await store.sweep(NOW + 10 * DAY_MS);
    assert.equal(await store.read("seoul", PAGE.digest, 0, 10), undefined);
  });

  inStore("the same files saved twice stay until the later time", async (store) => {
    await put(store, "seoul", APP);
    const first = await keep(store, "seoul", [APP], NOW + 9 * DAY_MS);
    assert.equal(await keep(store, "seoul", [APP], NOW + DAY_MS), first);
    await store.sweep(NOW + 2 * DAY_MS);
    assert.equal(await textOf(store, "seoul", APP.digest), "console.log('orders')");
  });

  inStore("a site may not use more than its space, and has it again after a removal", async (_, place) => {
    const store = place.open({ siteBytes: APP.size + 5 });
    await put(store, "seoul", APP);
    const full = { code: "artifact-too-large", details: { hint: /artifactSiteBytes/ } };
    await assert.rejects(store.append("seoul", PAGE, 0, PAGE.bytes), (error: unknown) => {
      assert.equal((error as { code: string }).code, full.code);
      assert.match(JSON.stringify((error as { details: object }).details), full.details.hint);
      return true;
    });
    await put(store, "busan", PAGE);
    const [first, second] = [PAGE.bytes.subarray(0, 9), PAGE.bytes.subarray(9)];
    const exact = place.open({ siteBytes: APP.size + PAGE.size });
    assert.equal(await exact.append("seoul", PAGE, 0, first), 9);
    assert.equal(await exact.append("seoul", PAGE, 9, second), PAGE.size, "what is there already does not count twice");
    await store.sweep(NOW);
    await put(store, "seoul", PAGE);
  });

  const KIB_16 = 16_384;
  /** Room for three small files; the list of an artifact is one, too. */
  const THREE = { appBytes: 3 * KIB_16 };
  const full = { name: "GantryError", code: "artifact-too-large" };

  inStore("an app may not use more than its space, and takes none of another's", async (_, place) => {
    const store = place.open(THREE);
    const more = fileOf("more", "more");
    await put(store, "seoul", APP, PAGE, more);
    await keep(store, "seoul", [APP, PAGE], NOW + DAY_MS);
    assert.ok(await keep(store, "seoul", [APP, PAGE], NOW + 2 * DAY_MS), "what it keeps already counts once");
    await assert.rejects(keep(store, "seoul", [more], NOW + DAY_MS), full);
    await assert.rejects(keep(place.open(THREE), "seoul", [more], NOW + DAY_MS), full, "after a restart, too");
    await keep(store, "seoul", [APP, more], NOW + DAY_MS, "billing");
    await put(store, "busan", more);
    await keep(store, "busan", [more], NOW + DAY_MS);
    await store.keep({ site: "seoul", app: undefined }, listOf([more]), NOW + DAY_MS);
  });

  inStore("an app has its space again when its artifacts are removed", async (_, place) => {
    const store = place.open(THREE);
    await put(store, "seoul", APP, PAGE);
    await keep(store, "seoul", [APP, PAGE], Date.now() - 1);
    await store.sweep(Date.now());
    const more = fileOf("more", "more");
    await put(store, "seoul", more);
    await keep(store, "seoul", [more], NOW + DAY_MS);
  });

  inStore("what an app has begun to upload counts, so that uploads which never end fill nothing", async (_, place) => {
    const store = place.open(THREE);
    await store.reserve({ site: "seoul", app: "orders" }, listOf([APP, PAGE]));
    await store.reserve({ site: "seoul", app: "orders" }, listOf([APP, PAGE]));
    await assert.rejects(store.reserve({ site: "seoul", app: "orders" }, listOf([fileOf("more", "more")])), full);
    await store.sweep(Date.now());
    await assert.rejects(store.reserve({ site: "seoul", app: "orders" }, listOf([fileOf("more", "more")])), full);
    await put(store, "seoul", APP, PAGE);
    await keep(store, "seoul", [APP, PAGE], NOW + DAY_MS);
    await store.reserve({ site: "seoul", app: "billing" }, listOf([fileOf("more", "more")]));
  });
}
