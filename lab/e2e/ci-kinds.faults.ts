// CI of apps of other kinds than Node, as their teams see it: repositories made by git, adopted, and built by the shipped CI.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { BASE, type Files, openLab } from "./ci-kinds.fixture.ts";
import { has } from "./outside.fixture.ts";

test("CI builds what teams write, and says what is unclear", { timeout: 240_000 }, async (t) => {
  const { ci, builds } = await openLab(t);
  const steps = (task: TaskView, job: string) =>
    new Map((task.jobs.find(({ key }) => key === job)?.steps ?? []).map((step) => [step.id, step]));

  await t.test("a monorepo with two images: built side by side, one build of both", async () => {
    const image = (name: string) => ({
      name,
      repository: `apps/tills-${name}`,
      context: name,
      install: [],
      build: ["mkdir -p bin", `echo ${name} > bin/${name}`],
    });
    const task = await ci(
      "tills",
      {
        "services/go.mod": "module example.com/tills\n\ngo 1.21\n",
        "services/api/Dockerfile": `${BASE}COPY bin/api /srv/api\n`,
        "services/worker/go.mod": "module example.com/worker\n\ngo 1.21\n",
        "services/worker/Dockerfile": `${BASE}COPY bin/worker /srv/worker\n`,
      },
      {
        source: { system: "bitbucket", project: "APPS", slug: "tills", folder: "services" },
        images: [
          { ...image("api"), build: ["mkdir -p api/bin", "echo api > api/bin/api"], test: ["true"] },
          { ...image("worker"), test: [] },
        ],
      },
    );
    assert.equal(task.state, "succeeded", JSON.stringify(task.failure));
    const [build] = await builds("tills");
    assert.deepEqual(
      build?.images.map(({ name, repository }) => [name, repository]),
      [
        ["api", "apps/tills-api"],
        ["worker", "apps/tills-worker"],
      ],
    );
    assert.equal(steps(task, "build[api]").get("test")?.state, "succeeded");
    assert.equal(steps(task, "build[worker]").get("test")?.state, "skipped");
    assert.equal(task.jobs.filter(({ id }) => id === "scan").length, 2, "each image is scanned");
  });

  await t.test("Python with a Dockerfile alone: only the image is built", async () => {
    const task = await ci("mailer", { "app.py": 'print("hi")\n', Dockerfile: `${BASE}COPY app.py /srv/app.py\n` });
    assert.equal(task.state, "succeeded", JSON.stringify(task.failure));
    const [build] = await builds("mailer");
    assert.equal(build?.images.length, 1);
    assert.equal(build?.tests, undefined, "nothing is said about tests that nobody ran");
    assert.equal(steps(task, "build[mailer]").get("install")?.state, "skipped");
  });

  await t.test(
    "a Maven service, at a site whose Nexus has no Maven repository: skipped, and the task says why",
    async (st) => {
      if (!(await has("mvn"))) return st.skip("Maven is not installed");
      const task = await ci(
        "ledger",
        {
          // Of this packaging, Maven downloads nothing.
          "pom.xml":
            '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>g</groupId><artifactId>ledger</artifactId><version>1</version><packaging>pom</packaging></project>',
          Dockerfile: `${BASE}COPY pom.xml /srv/pom.xml\n`,
        },
        { build: { site: "tokyo" } },
      );
      assert.equal(task.state, "succeeded", JSON.stringify(task.failure));
      const settings = steps(task, "build[ledger]").get("settings");
      assert.equal(settings?.state, "skipped");
      assert.match(settings?.reason ?? "", /Site tokyo has no nexus .*maven/);
      assert.equal(steps(task, "build[ledger]").get("test")?.state, "succeeded");
    },
  );

  await t.test("test results: counted, and the first test that failed is in the headline", async () => {
    const junit = (state: string): string =>
      `<testsuite><testcase classname="Sum" name="adds"/><testcase classname="Sum" name="carries">${state}</testcase></testsuite>`;
    const files = (state: string, exit: number): Files => ({
      "run.sh": `echo running\ncat > TEST-sum.xml <<'END'\n${junit(state)}\nEND\nexit ${exit}\n`,
      "old/TEST-before.xml": junit("<failure message='not of this run'/>"),
      Dockerfile: `${BASE}COPY run.sh /srv/run.sh\n`,
    });
    const images = [{ name: "x", repository: "apps/counted", test: ["sh run.sh"] }];
    const passed = await ci("counted", files("<skipped/>", 0), { images });
    assert.equal(passed.state, "succeeded", passed.headline);
    assert.deepEqual((await builds("counted"))[0]?.tests, { passed: 1, failed: 0, skipped: 1 });
    assert.equal(passed.outputs.tests, "1 passed, 0 failed, 1 skipped");
    const broken = await ci("broken", files("<failure message='expected 10 but was 0'/>", 3), {
      images: [{ name: "x", repository: "apps/broken", test: ["sh run.sh"] }],
    });
    assert.equal(broken.state, "failed");
    assert.match(broken.headline, /Sum\.carries: expected 10 but was 0/);
    assert.deepEqual(broken.failedAt, { job: "build[x]", step: "test" });
    assert.deepEqual(await builds("broken"), []);
  });

  await t.test("unclear: what the repository has, and what to write into the app", async () => {
    const task = await ci("mixed", { "pom.xml": "<project/>", "go.mod": "module x\n", Dockerfile: "FROM scratch\n" });
    assert.equal(task.state, "failed");
    assert.match(`${task.failure?.why} ${task.failure?.todo}`, /pom\.xml \(maven\) and go\.mod \(go\).*`kind: maven`/);
    const missing = await ci("placeless", { "cmd/api/Dockerfile": "FROM scratch\n" });
    assert.match(missing.failure?.todo ?? "", /images: \[\{ name: api, dockerfile: cmd\/api\/Dockerfile \}\]/);
  });

  await t.test("a toolchain that the runner lacks is named before anything is run", async (st) => {
    if (await has("dotnet")) return st.skip(".NET is installed");
    const task = await ci("shop", { "shop.csproj": "<Project/>", Dockerfile: "FROM scratch\n" });
    assert.equal(task.failure?.message, "This runner has no dotnet.", task.headline);
    assert.match(task.failure?.todo ?? "", /site seoul.*labels/);
  });
});
