// Checks what Gantry did from outside, with independent programs and interfaces.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { LabMessage } from "../fakes/messenger.ts";
import type { GantryProcess } from "../processes/gantry-process.ts";

const run = promisify(execFile);

type Ends = { readonly after: (end: () => Promise<unknown>) => void };

/** Clean-up after a test in reverse order; the test runner itself would use the order of registration. */
export function latestFirst(t: Ends): Ends {
  const ends: (() => Promise<unknown>)[] = [];
  t.after(async () => {
    for (const end of ends.toReversed()) await end();
  });
  return { after: (end) => void ends.push(end) };
}

/** A folder that is removed when the test has ended. */
export async function tempFolder(t: Ends, name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `gantry-${name}-`));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A clone of a repository of the lab, made by git. */
export class Clone {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async of(gantry: GantryProcess, cloneUrl: string, into: string): Promise<Clone> {
    const { username = "", secret = "" } = gantry.lab("bitbucket");
    const address = new URL(cloneUrl);
    address.username = username;
    address.password = secret;
    await run("git", ["clone", "--quiet", address.href, into]);
    const clone = new Clone(into);
    await clone.git("config", "user.name", "A developer");
    await clone.git("config", "user.email", "dev@lab.invalid");
    return clone;
  }

  async git(...args: string[]): Promise<string> {
    return (await run("git", ["-C", this.folder, ...args])).stdout.trim();
  }

  read(path: string): Promise<string> {
    return readFile(join(this.folder, path), "utf8");
  }

  /** Changes one file and pushes it, as a developer would. */
  async push(path: string, change: (text: string) => string, message: string): Promise<string> {
    await this.git("pull", "--quiet", "--rebase");
    await writeFile(join(this.folder, path), change(await this.read(path)));
    await this.git("commit", "--quiet", "--all", "--message", message);
    await this.git("push", "--quiet");
    return this.git("rev-parse", "HEAD");
  }

  async commits(): Promise<number> {
    await this.git("pull", "--quiet", "--rebase");
    return Number(await this.git("rev-list", "--count", "HEAD"));
  }
}

export type ArgoApp = {
  readonly status: {
    readonly sync: { readonly status: string; readonly revision: string };
    readonly health: { readonly status: string };
    readonly summary: { readonly images: readonly string[] };
    readonly resources: readonly { readonly kind: string; readonly name: string }[];
  };
};

export async function argoApp(gantry: GantryProcess, site: string, name: string, project = "orders"): Promise<ArgoApp> {
  const { url, secret } = gantry.lab(`${site}-argocd`);
  const answer = await fetch(`${url}/api/v1/applications/${name}?project=${project}`, {
    headers: { authorization: `Bearer ${secret}` },
  });
  if (!answer.ok) throw new Error(`Argo CD of ${site}: ${answer.status}`);
  return (await answer.json()) as ArgoApp;
}

export async function jiraProject(
  gantry: GantryProcess,
  key: string,
): Promise<{ readonly key: string; readonly name: string }> {
  const { url, secret } = gantry.lab("jira");
  const answer = await fetch(`${url}/rest/api/2/project/${key}`, { headers: { authorization: `Bearer ${secret}` } });
  if (!answer.ok) throw new Error(`Jira: ${answer.status}`);
  return (await answer.json()) as { key: string; name: string };
}

/** Somebody else makes a Jira project with this key. `release` deletes it. */
export async function takeJiraKey(
  gantry: GantryProcess,
  key: string,
): Promise<{ readonly release: () => Promise<void> }> {
  const { url, secret } = gantry.lab("jira");
  const ask = async (method: string, path: string, body?: object): Promise<void> => {
    const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };
    const answer = await fetch(`${url}/rest/api/2/project${path}`, {
      method,
      headers,
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!answer.ok) throw new Error(`Jira: ${answer.status} ${await answer.text()}`);
  };
  await ask("POST", "", { key, name: `The project ${key}`, projectTypeKey: "software", lead: "gantry" });
  return { release: () => ask("DELETE", `/${key}`) };
}

/** Reads the manifest by a request of the OCI distribution API. */
export async function manifestDigest(
  gantry: GantryProcess,
  site: string,
  repository: string,
  reference: string,
): Promise<string | null> {
  const { url } = gantry.lab(`${site}-harbor`);
  const token = await pullToken(gantry, site, repository);
  const answer = await fetch(`${url}/v2/${repository}/manifests/${reference}`, {
    method: "HEAD",
    headers: {
      authorization: `Bearer ${token}`,
      accept: "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json",
    },
  });
  return answer.status === 200 ? answer.headers.get("docker-content-digest") : null;
}

/** Removes an image, as a cleanup of the registry would. */
export async function deleteManifest(
  gantry: GantryProcess,
  site: string,
  repository: string,
  digest: string,
): Promise<void> {
  const { url } = gantry.lab(`${site}-harbor`);
  const headers = { authorization: `Bearer ${await tokenFor(gantry, site, `${repository}:pull,push,delete`)}` };
  const answer = await fetch(`${url}/v2/${repository}/manifests/${digest}`, { method: "DELETE", headers });
  if (answer.status !== 202) throw new Error(`delete ${repository}@${digest}: ${answer.status}`);
}

export async function tags(gantry: GantryProcess, site: string, repository: string): Promise<readonly string[]> {
  const { url } = gantry.lab(`${site}-harbor`);
  const answer = await fetch(`${url}/v2/${repository}/tags/list`, {
    headers: { authorization: `Bearer ${await pullToken(gantry, site, repository)}` },
  });
  if (!answer.ok) throw new Error(`tags of ${repository}: ${answer.status}`);
  return ((await answer.json()) as { tags: string[] }).tags;
}

function pullToken(gantry: GantryProcess, site: string, repository: string): Promise<string> {
  return tokenFor(gantry, site, `${repository}:pull`);
}

async function tokenFor(gantry: GantryProcess, site: string, scope: string): Promise<string> {
  const { url, username, secret } = gantry.lab(`${site}-harbor`);
  const realm = await fetch(`${url}/service/token?service=harbor-registry&scope=repository:${scope}`, {
    headers: { authorization: `Basic ${Buffer.from(`${username}:${secret}`).toString("base64")}` },
  });
  return ((await realm.json()) as { token: string }).token;
}

export async function messages(gantry: GantryProcess): Promise<readonly LabMessage[]> {
  return ((await (await fetch(`${gantry.lab("messenger").url}/_lab/messages`)).json()) as { items: LabMessage[] })
    .items;
}

export async function mails(
  gantry: GantryProcess,
): Promise<readonly { readonly messageId: string; readonly subject: string; readonly text: string }[]> {
  return (
    (await (await fetch(`${gantry.lab("mail").url}/_lab/mails`)).json()) as {
      items: { messageId: string; subject: string; text: string }[];
    }
  ).items;
}

/** Waits until messenger and mailbox have a message about each of these tasks. */
export async function untilNotified(gantry: GantryProcess, tasks: readonly string[]): Promise<void> {
  const path = `/v1/deliveries?limit=200`;
  for (let round = 0; round < 200; round += 1) {
    const { items } = (await gantry.call("GET", path)).body as { items: { task?: string; state: string }[] };
    const open = tasks.filter(
      (task) => items.filter((one) => one.task === task && one.state === "delivered").length < 3,
    );
    if (open.length === 0) return;
    await gantry.call("GET", "/v1/events?after=0&wait=100"); // a pause that the product itself gives
  }
  throw new Error("the notifications did not arrive in time");
}

/** Is this program installed? For tests that need it. */
export async function has(program: string): Promise<boolean> {
  try {
    await run("sh", ["-c", `command -v ${program}`]);
    return true;
  } catch {
    return false; // `command -v` says so by its exit code
  }
}

/** What the git host of the lab answers about a repository, by its address in a browser. */
export async function repositoryStatus(gantry: GantryProcess, repository: string): Promise<number> {
  const { url, secret } = gantry.lab("bitbucket");
  const path = repository.slice(url.length).replace("/browse", "");
  return (await fetch(`${url}/rest/api/latest${path}`, { headers: { authorization: `Bearer ${secret}` } })).status;
}
