// Repositories made by git in the lab, adopted as apps, and built by the shipped CI.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import type { AppInput } from "@gantry/core/app/app-shape.ts";
import type { Build } from "@gantry/core/build/build.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { GantryProcess } from "../processes/gantry-process.ts";
import { latestFirst, tempFolder } from "./outside.fixture.ts";

const run = promisify(execFile);
export type Files = { readonly [path: string]: string };

/** Makes a repository of the lab with these files on its main branch. */
async function makeRepository(gantry: GantryProcess, folder: string, slug: string, files: Files): Promise<void> {
  const { url, username = "", secret = "" } = gantry.lab("bitbucket");
  const rest = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${url}/rest/api/latest/projects/APPS/repos${path}`, {
      ...init,
      headers: {
        authorization: `Basic ${Buffer.from(`${username}:${secret}`).toString("base64")}`,
        "content-type": "application/json",
      },
    });
  const body = JSON.stringify({ name: slug, scmId: "git", defaultBranch: "main" });
  const made = await rest("", { method: "POST", body });
  assert.ok(made.ok, `${slug}: ${made.status}`);
  // It prepares a new repository until it has said so.
  for (let state = ""; state !== "AVAILABLE"; )
    ({ state } = (await (await rest(`/${slug}`)).json()) as { state: string });
  const work = join(folder, slug);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(work, path)), { recursive: true });
    await writeFile(join(work, path), text);
  }
  const git = (...args: string[]) => run("git", ["-C", work, ...args]);
  await git("init", "--quiet", "--initial-branch=main");
  await git("add", "--all");
  await git("-c", "user.name=A developer", "-c", "user.email=dev@lab.invalid", "commit", "--quiet", "-m", "Begin");
  const address = new URL(`${url}/scm/apps/${slug}.git`);
  address.username = username;
  address.password = secret;
  await git("push", "--quiet", address.href, "main");
}

type Lab = {
  /** Adopts an app whose source has these files, and runs its CI. */
  readonly ci: (name: string, files: Files, app?: Partial<AppInput>) => Promise<TaskView>;
  readonly builds: (name: string) => Promise<readonly Build[]>;
};

export async function openLab(t: TestContext): Promise<Lab> {
  const ends = latestFirst(t);
  const data = await tempFolder(ends, "ci-kinds");
  const gantry = await GantryProcess.start(join(data, "gantry"));
  ends.after(() => gantry.stop());
  return {
    ci: async (name, files, app = {}) => {
      await makeRepository(gantry, data, name, files);
      const source = { system: "bitbucket", project: "APPS", slug: name, ...app.source };
      const yaml = { system: "bitbucket", project: "APPS", slug: `${name}-yaml` };
      const body = { adopt: true, name, app: { ...appInput(), title: name, yaml, ...app, source } };
      const adopted = await gantry.call("POST", "/v1/apps", body, { "idempotency-key": name });
      assert.equal(adopted.status, 201, JSON.stringify(adopted.body));
      return gantry.ended((await gantry.press(`/v1/apps/${name}/ci`, {})).id);
    },
    builds: async (name) => ((await gantry.call("GET", `/v1/apps/${name}/builds`)).body as { items: Build[] }).items,
  };
}

/** Files are copied on top of it without a builder. */
export const BASE = "ARG REGISTRY\nFROM ${REGISTRY}/library/web-base:1\n";
