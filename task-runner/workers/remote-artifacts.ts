// Calls about artifacts across threads: a worker thread asks, and the supervisor calls the task-agent.

import { untilAborted } from "../ports.ts";
import type { ArtifactCalls, TakenFiles } from "./job-executor.ts";
import { type ArtifactReply, type ArtifactRequest, errorOf, plainError } from "./worker-messages.ts";

type Asked<T = ArtifactRequest> = T extends { readonly kind: "artifact-save" | "artifact-take" }
  ? Omit<T, "id">
  : never;

/** The worker's side. `onReply` must be called with every reply. */
export function requestArtifacts(post: (message: ArtifactRequest) => void): {
  readonly artifacts: ArtifactCalls;
  readonly onReply: (reply: ArtifactReply) => void;
} {
  const pending = new Map<number, PromiseWithResolvers<readonly TakenFiles[]>>();
  let lastId = 0;
  const ask = async (asked: Asked, signal: AbortSignal): Promise<readonly TakenFiles[]> => {
    lastId += 1;
    const id = lastId;
    const resolvers = Promise.withResolvers<readonly TakenFiles[]>();
    pending.set(id, resolvers);
    post({ ...asked, id });
    const cancel = (): void => post({ kind: "artifact-cancel", id, reason: plainError(signal.reason) });
    signal.addEventListener("abort", cancel, { once: true });
    try {
      return await untilAborted(resolvers.promise, signal);
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  };
  return {
    artifacts: {
      save: async (artifact, signal) => void (await ask({ kind: "artifact-save", artifact }, signal)),
      take: (wanted, signal) => ask({ kind: "artifact-take", wanted }, signal),
    },
    onReply: (reply) => {
      const resolvers = pending.get(reply.id);
      pending.delete(reply.id);
      if (reply.kind === "artifact-reply") resolvers?.resolve(reply.taken ?? []);
      else resolvers?.reject(errorOf(reply.error));
    },
  };
}

/** The supervisor's side. After `close`, pending requests are canceled and nothing is posted. */
export function serveArtifacts(
  calls: ArtifactCalls,
  post: (message: ArtifactReply) => void,
): { readonly onRequest: (request: ArtifactRequest) => void; readonly close: () => void } {
  const pending = new Map<number, AbortController>();
  let isClosed = false;
  const reply = async (id: number, answer: Promise<readonly TakenFiles[] | undefined>): Promise<void> => {
    try {
      const taken = await answer;
      if (!isClosed) post({ kind: "artifact-reply", id, ...(taken ? { taken } : {}) });
    } catch (error) {
      if (!isClosed) post({ kind: "artifact-error", id, error: plainError(error) });
    } finally {
      pending.delete(id);
    }
  };
  return {
    onRequest: (request) => {
      const { id } = request;
      if (request.kind === "artifact-cancel") {
        pending.get(id)?.abort(errorOf(request.reason));
        return;
      }
      const control = new AbortController();
      pending.set(id, control);
      const answer =
        request.kind === "artifact-save"
          ? calls.save(request.artifact, control.signal).then(() => undefined)
          : calls.take(request.wanted, control.signal);
      void reply(id, answer);
    },
    close: () => {
      isClosed = true;
      for (const control of pending.values()) control.abort(new Error("The job has ended."));
    },
  };
}
