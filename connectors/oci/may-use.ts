// Whether an account may push to or pull from a repository of a registry, found out without changing anything.

import { GantryError } from "@gantry/core/errors.ts";
import { type Answer, no, unknown, yes } from "../examine.ts";
import { pullScope, pushScope, type Transport } from "./transport.ts";

/** Asks for a tag of the repository. */
export async function mayPull(registry: Transport, repository: string): Promise<Answer> {
  const answer = await registry({
    method: "GET",
    address: `v2/${repository}/tags/list?n=1`,
    scopes: [pullScope(repository)],
    what: `read ${repository}`,
    expect: [401, 403, 404],
  });
  await answer.body?.cancel();
  if (answer.status === 404) return unknown(`${repository} does not exist yet`);
  return answer.ok ? yes(repository) : no(`the registry refuses to read ${repository} (status ${answer.status})`);
}

/** Opens an upload, which makes nothing that anybody sees, and cancels it. */
export async function mayPush(registry: Transport, repository: string): Promise<Answer> {
  const what = `push to ${repository}`;
  const opened = await registry({
    method: "POST",
    address: `v2/${repository}/blobs/uploads/`,
    scopes: [pushScope(repository)],
    what,
    expect: [401, 403, 404],
  });
  await opened.body?.cancel();
  if (opened.status >= 400) return no(`the registry refuses a push to ${repository} (status ${opened.status})`);
  const address = opened.headers.get("location");
  if (address !== null) await cancelUpload(registry, address, repository);
  return yes(repository);
}

async function cancelUpload(registry: Transport, address: string, repository: string): Promise<void> {
  const scopes = [`repository:${repository}:pull,push,delete`];
  try {
    const answer = await registry({
      method: "DELETE",
      address,
      scopes,
      what: "cancel the upload",
      expect: [401, 403, 404, 405],
    });
    await answer.body?.cancel();
  } catch (error) {
    // An account that may push but not delete cannot cancel. The registry removes unfinished uploads by itself.
    if (!(error instanceof GantryError)) throw error;
  }
}
