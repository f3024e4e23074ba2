// Whether an account may push to a repository of a registry, found out without pushing.

import { GantryError } from "@gantry/core/errors.ts";
import { type Answer, no, yes } from "../examine.ts";
import { pushScope, type Transport } from "./transport.ts";

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
