import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { read } from "./files.fixture.ts";
import { processIn, unwell } from "./image/health.ts";

const manifest = JSON.parse(read("package.json")) as { workspaces: string[]; devDependencies: { node: string } };
const dockerfile = read("deploy/Dockerfile");

test("the image has the manifest of every workspace, and the code of all but the lab", () => {
  for (const folder of manifest.workspaces) {
    assert.ok(dockerfile.includes(`COPY ${folder}/package.json ${folder}/\n`), `${folder}: npm ci needs its manifest`);
    if (folder === "lab" || folder === "console") continue;
    assert.ok(dockerfile.includes(`\nCOPY ${folder}/ ${folder}/\n`), `${folder} is not copied`);
  }
  const final = dockerfile.slice(dockerfile.lastIndexOf("FROM "));
  assert.doesNotMatch(final, /COPY (lab|console)\//);
  assert.match(final, /COPY --from=console \/opt\/gantry\/console\/dist\/ console\/dist\//);
});

test("copied files are in the build context", () => {
  const allowed = new Set([...read(".dockerignore").matchAll(/^!(\S+)$/gm)].map(([, path]) => path));
  for (const [, path = ""] of dockerfile.matchAll(/^COPY (?!--from)(\S+)/gm)) {
    const [top = ""] = path.split("/");
    const known = allowed.has(top) || allowed.has(path.replace(/\/$/, ""));
    assert.ok(known, `${path} is left out by .dockerignore`);
  }
});

test("the image runs the tested Node version as an unprivileged user, and no install scripts of packages", () => {
  assert.match(
    dockerfile,
    new RegExp(`^ARG BASE=\\S+/node:${manifest.devDependencies.node.replaceAll(".", "\\.")}-`, "m"),
  );
  assert.deepEqual([...dockerfile.matchAll(/^USER .*$/gm)].at(-1)?.[0], "USER 1000:1000");
  assert.match(dockerfile, /^HEALTHCHECK /m);
  for (const [line] of dockerfile.matchAll(/^RUN .*npm ci.*$/gm)) assert.match(line, /--ignore-scripts/);
  assert.doesNotMatch(dockerfile, /:latest|^ADD /m);
});

test("the compile cache is in the image, and its user cannot change it", () => {
  const [, compiled = ""] = /^ENV NODE_COMPILE_CACHE=(\S+)$/m.exec(dockerfile) ?? [];
  assert.ok(compiled.startsWith("/opt/gantry/"));
  const [, after = ""] = dockerfile.split("RUN node deploy/image/compile.ts\n");
  assert.match(after, /^USER 0:0\nRUN chown -R 0:0 "\$NODE_COMPILE_CACHE" && chmod -R a\+rX "\$NODE_COMPILE_CACHE"$/m);
});

test("the health check finds the process of a container by its command line", () => {
  const line = (...parts: string[]): string => `${parts.join("\0")}\0`;
  assert.equal(processIn(line("tini", "--", "node", "/opt/gantry/task-runner/main.ts")), "task-runner");
  assert.equal(processIn(line("/bin/sh", "/usr/local/bin/gantry-entry", "portal-api")), "portal-api");
  assert.equal(processIn(line("node", "/opt/gantry/cli/main.ts")), undefined);
});

test("a process with a port is healthy when it reports ready", async (t) => {
  let status = 200;
  const server = createServer((request, response) => {
    response.statusCode = request.url === "/readyz" ? status : 404;
    response.end("the journal is away");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const address = server.address();
  assert(typeof address === "object" && address);
  const env = { GANTRY_TASK_AGENT_PORT: String(address.port), GANTRY_PORTAL_API_PORT: "1" };
  assert.equal(await unwell("task-agent", env, 0), undefined);
  status = 503;
  assert.match((await unwell("task-agent", env, 0)) ?? "", /503: the journal is away/);
  assert.match((await unwell("portal-api", env, 0)) ?? "", /does not answer/);
});

test("a runner is healthy as long as it touches its file", async (t) => {
  const data = await mkdtemp(join(tmpdir(), "gantry-health-"));
  t.after(() => rm(data, { recursive: true }));
  const env = { GANTRY_TASK_RUNNER_DATA: data };
  assert.match((await unwell("task-runner", env, 0)) ?? "", /ENOENT/);
  await writeFile(join(data, "alive"), "");
  await utimes(join(data, "alive"), 1_000, 1_000);
  assert.equal(await unwell("task-runner", env, 1_040_000), undefined);
  assert.match((await unwell("task-runner", env, 1_060_000)) ?? "", /not touched .* for 60 s/);
});

test("a runner is ready when it is registered at the task-agent", async (t) => {
  const data = await mkdtemp(join(tmpdir(), "gantry-ready-"));
  t.after(() => rm(data, { recursive: true }));
  const env = { GANTRY_TASK_RUNNER_DATA: data };
  const file = join(data, "alive");
  await writeFile(file, "not registered\n");
  assert.equal(await unwell("task-runner", env, Date.now()), undefined);
  assert.match((await unwell("task-runner", env, Date.now(), "ready")) ?? "", /has not taken it in/);
  await writeFile(file, "registered\n");
  assert.equal(await unwell("task-runner", env, Date.now(), "ready"), undefined);
});
