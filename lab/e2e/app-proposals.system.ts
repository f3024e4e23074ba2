// Adopting by looking: Gantry reads the repositories and the Argo CD of each site, and proposes the app that a person would have
// written by hand.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppInput } from "@gantry/core/app/app-shape.ts";
import { BASE, openField } from "./adopted.fixture.ts";
import { deployment, repository, SHAPES } from "./adopted-shapes.fixture.ts";
import { look, lookAt, opens, plain } from "./app-proposals.fixture.ts";

test("what Gantry proposes by looking is what a person would have written", async (t) => {
  const field = await openField(t);

  for (const shape of SHAPES)
    await t.test(shape.title, async () => {
      const { name, app } = shape;
      await field.makeRepository(name, shape.source);
      await field.makeRepository(app.yaml.slug, shape.yaml);
      await shape.before?.(field);
      const proposal = await lookAt(field, name, app.yaml.slug);
      assert.equal(proposal.state, "ready", proposal.problem);
      // The repository has the files of both sites: the app as it is after its change.
      const wanted = name === "ledger" ? { ...app, ...(shape.move.patch as Partial<AppInput>) } : app;
      assert.deepEqual(plain(name, proposal.app), plain(name, wanted));
      for (const { pointer, from } of proposal.found) assert.ok(pointer.startsWith("/") && from !== "", pointer);
      assert.ok(opens(proposal).includes("unclear /build/site"), "seoul and tokyo could build it");
      assert.deepEqual(await field.contents(app.yaml.slug), { files: shape.yaml, commits: 1 }, "nothing is written");
    });

  await t.test("where a value comes from is told with file and line, or with the application", async () => {
    const { found, open } = await lookAt(field, "storefront", "storefront-yaml", { site: "seoul" });
    const at = (pointer: string) => found.find((one) => one.pointer === pointer);
    assert.deepEqual(at("/images/0/repository"), {
      ...{ pointer: "/images/0/repository", from: "the image that is deployed now" },
      ...{ file: "live/kustomization.yaml", line: 5 },
    });
    assert.equal(at("/targets/0/application")?.from, "Argo CD application storefront-live at seoul; auto-sync is on");
    assert.equal(at("/source/branch")?.from, "default branch of APPS/storefront");
    assert.equal(at("/build/site")?.from, "given");
    const [next] = open;
    assert.deepEqual([open.length, next?.kind, next?.pointer], [1, "optional", "/targets/-"]);
    assert.match(next?.problem ?? "", /^next names the image, too, and has no Argo CD application/);
  });

  await t.test("the proposal is adopted as it is", async () => {
    const { name, app } = await lookAt(field, "mailer", "mailer-manifests");
    const adopted = await field.gantry.call("POST", "/v1/apps", { adopt: true, name, app }, { "idempotency-key": "m" });
    assert.equal(adopted.status, 201, JSON.stringify(adopted.body));
    await field.forget(name);
  });

  await t.test("an app whose files are in its source repository", async () => {
    await field.makeRepository("vault", {
      ...{ "app.py": "1\n", Dockerfile: `${BASE}COPY app.py /srv/app.py\n` },
      "deploy/vault.yaml": deployment("vault", "registry.example/apps/vault:1"),
    });
    const { app, open } = await lookAt(field, "vault");
    assert.deepEqual(app?.yaml, { ...repository("vault"), branch: "main", form: "plain" });
    assert.deepEqual(app?.targets, [
      { name: "seoul", site: "seoul", cluster: "seoul-dp", files: ["deploy/vault.yaml"] },
    ]);
    assert.deepEqual(open.find(({ pointer }) => pointer === "/targets/0")?.options, [
      { name: "seoul", site: "seoul", cluster: "seoul-dp" },
      { name: "tokyo", site: "tokyo", cluster: "tokyo-dp" },
    ]);
  });

  await t.test("an app in a folder of a mono-repository, with no other name than that", async () => {
    await field.makeRepository("market", {
      ...{ "services/api/app.py": "1\n", "services/api/Dockerfile": `${BASE}COPY app.py /srv/app.py\n` },
      ...{ "services/jobs/app.py": "1\n", "services/jobs/Dockerfile": `${BASE}COPY app.py /srv/app.py\n` },
    });
    await field.makeRepository("market-yaml", {
      "seoul/api.yaml": deployment("api", "registry.example/shop/api:1"),
      "seoul/jobs.yaml": deployment("jobs", "registry.example/apps/market-jobs:1"),
    });
    for (const [folder, repositoryName] of [
      ["api", "shop/api"],
      ["jobs", "apps/market-jobs"],
    ]) {
      const source = { ...repository("market"), folder: `services/${folder}` };
      const proposal = await look(field, { source, yaml: { project: "APPS", slug: "market-yaml" } });
      assert.equal(proposal.name, `market-${folder}`);
      assert.deepEqual(proposal.app?.images, [
        { name: `market-${folder}`, repository: repositoryName, dockerfile: "Dockerfile", context: "." },
      ]);
      assert.deepEqual(proposal.app?.targets, [
        { name: "seoul", site: "seoul", cluster: "seoul-dp", files: [`seoul/${folder}.yaml`] },
      ]);
    }
    await field.makeRepository("tiny", { "svc/meter/app.py": "1\n", "svc/meter/Dockerfile": BASE });
    await field.makeRepository("tiny-yaml", {
      "seoul/meter.yaml": deployment("meter", "registry.example/iot/meter:1"),
    });
    const found = await lookAt(field, "tiny", "tiny-yaml");
    assert.deepEqual(
      [found.name, found.app?.source],
      ["tiny", { ...repository("tiny"), branch: "main", folder: "svc/meter" }],
    );
    assert.deepEqual(
      opens(found).filter((one) => one.startsWith("missing")),
      [],
    );
  });

  await t.test("a mono-repository with two Dockerfiles, each with a project", async () => {
    const node = '{"name":"x","scripts":{"test":"true"}}\n';
    await field.makeRepository("mono", {
      ...{ "apps/web/package.json": node, "apps/web/Dockerfile": `${BASE}COPY package.json /srv/p\n` },
      ...{ "apps/jobs/package.json": node, "apps/jobs/Dockerfile": `${BASE}COPY package.json /srv/p\n` },
      "apps/web/Dockerfile.dev": BASE,
    });
    const { app, warnings, open } = await lookAt(field, "mono", "shop-yaml");
    assert.deepEqual(app?.source, { ...repository("mono"), branch: "main", folder: "apps" });
    assert.deepEqual(app?.images, [
      { name: "jobs", dockerfile: "Dockerfile", context: "jobs" },
      { name: "web", dockerfile: "Dockerfile", context: "web" },
    ]);
    assert.match(warnings.join("\n"), /Dockerfile\.dev is left out/);
    const targets = open.find(({ pointer }) => pointer === "/targets");
    assert.equal(targets?.kind, "missing");
    assert.match(targets?.problem ?? "", /no file that names an image of the app \(jobs, web\): its files name/);
    const one = await look(field, { name: "web", source: { ...repository("mono"), folder: "apps/web" } });
    assert.deepEqual(one.app?.images, [{ name: "web", dockerfile: "Dockerfile", context: "." }]);
  });
});
