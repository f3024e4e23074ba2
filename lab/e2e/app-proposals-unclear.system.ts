// Looking for an app where Gantry cannot know everything: several applications, files that cannot be read, repositories that are not
// there or that the app could not have.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@gantry/core/json.ts";
import { BASE, openField } from "./adopted.fixture.ts";
import { deployment, repository } from "./adopted-shapes.fixture.ts";
import { look, lookAt } from "./app-proposals.fixture.ts";

test("what is unclear, missing or refused is told", async (t) => {
  const field = await openField(t);
  const seoul = field.argo("seoul");

  await t.test(
    "two applications over one folder: one of them is proposed, and it is said that there are two",
    async () => {
      await field.makeRepository("twin", { Dockerfile: BASE });
      await field.makeRepository("twin-yaml", { "run/twin.yaml": deployment("twin", "registry.example/apps/twin:1") });
      const spec = {
        source: { repoURL: field.cloneUrl("twin-yaml"), path: "run", targetRevision: "main" },
        destination: { name: "seoul-dp", namespace: "twins" },
      };
      await seoul.makeApp("twin-b", "twin", spec);
      await seoul.makeApp("twin-a", "twin-other", spec);
      const { app, open } = await lookAt(field, "twin", "twin-yaml");
      assert.deepEqual(app?.targets, [
        {
          ...{ name: "run", site: "seoul", cluster: "seoul-dp", files: ["run/twin.yaml"] },
          ...{ namespace: "twins", application: "twin-a" },
        },
      ]);
      assert.deepEqual(app?.argocd, { project: "twin-other" });
      assert.deepEqual(open.find(({ pointer }) => pointer === "/targets/0/application")?.options, ["twin-a", "twin-b"]);
    },
  );

  await t.test(
    "an application of another app is no target, and where only that one deploys there is none",
    async () => {
      const manifests = ["pen", "ink"].map((name) => deployment(name, `registry.example/apps/${name}:1`));
      for (const name of ["pen", "ink"]) await field.makeRepository(name, { Dockerfile: BASE });
      await field.makeRepository("desk-yaml", { "run/desk.yaml": manifests.join("---\n") });
      const deployTo = (namespace: string) =>
        seoul.makeApp(`${namespace}-live`, namespace, {
          source: { repoURL: field.cloneUrl("desk-yaml"), path: "run", targetRevision: "main" },
          destination: { name: "seoul-dp", namespace },
        });
      const adopt = (name: string, app: object, more: object) =>
        field.gantry.call("POST", "/v1/apps", { adopt: true, name, app, ...more }, { "idempotency-key": name });
      const target = { name: "desk", site: "seoul", cluster: "seoul-dp", files: ["run/desk.yaml"] };

      await deployTo("ink");
      const ink = await lookAt(field, "ink", "desk-yaml", { site: "seoul" });
      assert.deepEqual(ink.app?.targets, [{ ...target, namespace: "ink", application: "ink-live" }]);
      assert.equal((await adopt("ink", ink.app ?? {}, {})).status, 201);

      const says =
        "The Argo CD application ink-live at seoul, which belongs to another app, deploys run/desk.yaml, too.";
      const alone = await lookAt(field, "pen", "desk-yaml", { site: "seoul" });
      assert.equal(alone.app?.targets, undefined);
      assert.deepEqual(alone.open, [
        {
          ...{ pointer: "/targets", kind: "missing", options: [] },
          problem: `${says} Two apps never deploy the same: give this app a folder of its own.`,
        },
      ]);

      await deployTo("pen");
      const pen = await lookAt(field, "pen", "desk-yaml", { site: "seoul" });
      assert.deepEqual(pen.app?.targets, [{ ...target, namespace: "pen", application: "pen-live" }]);
      assert.deepEqual([pen.warnings, pen.open], [[says], []]);
      const checked = await adopt("pen", pen.app ?? {}, { dryRun: true });
      assert.equal(checked.status, 200, JSON.stringify(checked.body));
      await field.forget("ink");
    },
  );

  await t.test("one folder at two clusters is two targets", async () => {
    await field.makeRepository("pair", { Dockerfile: BASE });
    await field.makeRepository("pair-yaml", { "all/pair.yaml": deployment("pair", "registry.example/apps/pair:1") });
    for (const site of ["seoul", "tokyo"])
      await field.argo(site).makeApp(`pair-of-${site}`, "pair", {
        source: { repoURL: field.cloneUrl("pair-yaml"), path: "./all/", targetRevision: "HEAD" },
        destination: { name: `${site}-dp`, namespace: "pair" },
      });
    const { app } = await lookAt(field, "pair", "pair-yaml");
    const common = { files: ["all/pair.yaml"], namespace: "pair" };
    assert.deepEqual(app?.targets, [
      { name: "seoul", site: "seoul", cluster: "seoul-dp", ...common, application: "pair-of-seoul" },
      { name: "tokyo", site: "tokyo", cluster: "tokyo-dp", ...common, application: "pair-of-tokyo" },
    ]);
  });

  await t.test("an Argo CD application with inline values is found by its manifest", async () => {
    const source = { repoURL: field.cloneUrl("relay-chart"), path: "chart", targetRevision: "main" };
    const destination = { name: "seoul-dp", namespace: "relays" };
    const helm = { valuesObject: { image: { repository: "registry.example/apps/relay", tag: "1" } } };
    await field.makeRepository("relay", { Dockerfile: BASE });
    await field.makeRepository("relay-chart", { "chart/Chart.yaml": "apiVersion: v2\nname: relay\nversion: 0.1.0\n" });
    const spec = { project: "relay", source: { ...source, helm }, destination };
    await field.makeRepository("relay-argo", {
      "live/relay.yaml": `${JSON.stringify({
        ...{ apiVersion: "argoproj.io/v1alpha1", kind: "Application" },
        ...{ metadata: { name: "relay-live", namespace: "argocd" }, spec },
      })}\n`,
    });
    await seoul.makeApp("relay-live", "relay", { source, destination });
    const { app, open } = await lookAt(field, "relay", "relay-argo", { site: "seoul" });
    assert.deepEqual(app?.yaml, { ...repository("relay-argo"), branch: "main", form: "argocd" });
    assert.deepEqual(app?.targets, [
      {
        ...{ name: "live", site: "seoul", cluster: "seoul-dp", files: ["live/relay.yaml"] },
        ...{ namespace: "relays", application: "relay-live" },
      },
    ]);
    assert.deepEqual(open, []);
  });

  await t.test("files that are broken or huge are named, and the others are proposed", async () => {
    await field.makeRepository("odd", { Dockerfile: BASE });
    await field.makeRepository("odd-yaml", {
      "ok/odd.yaml": deployment("odd", "registry.example/apps/odd:1"),
      "broken/odd.yaml": "image: [odd\nkind: }\n",
      "huge/odd.yaml": `# odd\n${"a: registry.example/apps/odd\n".repeat(40_000)}`,
    });
    const { app, warnings } = await lookAt(field, "odd", "odd-yaml");
    assert.deepEqual(
      (app?.targets as readonly JsonObject[] | undefined)?.map(({ files }) => files),
      [["ok/odd.yaml"]],
    );
    assert.match(warnings.join("\n"), /^broken\/odd\.yaml:\d of APPS\/odd-yaml could not be read/m);
    assert.match(warnings.join("\n"), /^huge\/odd\.yaml of APPS\/odd-yaml could not be read: it is larger than/m);
  });

  await t.test("a repository that is not there ends the look with the reason", async () => {
    const missing = await lookAt(field, "nothing-here");
    assert.equal(missing.state, "failed");
    assert.match(missing.problem ?? "", /nothing-here/);
    const folder = await look(field, { source: { ...repository("odd"), folder: "services/x" } });
    assert.match(folder.problem ?? "", /services\/x/);
  });

  await t.test(
    "a repository that no app may have, a site and a git host that are unknown are refused before",
    async () => {
      const refused = async (body: object): Promise<string> => {
        const answer = await field.gantry.call("POST", "/v1/app-proposals", body);
        assert.equal(answer.status, 400);
        return JSON.stringify(answer.body);
      };
      const foreign = { ...repository("orders"), project: "SECRET" };
      assert.match(await refused({ source: foreign }), /does not let this app have the repository secret\/orders/);
      assert.match(await refused({ source: repository("odd"), yaml: foreign }), /"pointer":"\/yaml\/slug"/);
      assert.match(await refused({ source: repository("odd"), site: "seul" }), /did you mean seoul/);
      assert.match(await refused({ source: { ...repository("odd"), system: "gitlab" } }), /git hosts: bitbucket/);
    },
  );
});
