// Permits across threads: a worker thread requests them, and the supervisor obtains them from the attempt.

import { untilAborted } from "../ports.ts";
import type { Permit, Permits } from "./job-executor.ts";
import { errorOf, type PermitReply, type PermitRequest, plainError } from "./worker-messages.ts";

/** The worker's side. `onReply` must be called with every reply. */
export function requestPermits(post: (message: PermitRequest) => void): {
  readonly permits: Permits;
  readonly onReply: (reply: PermitReply) => void;
} {
  const pending = new Map<number, PromiseWithResolvers<Permit | undefined>>();
  let lastId = 0;
  const add = (): { id: number; reply: Promise<Permit | undefined> } => {
    lastId += 1;
    const resolvers = Promise.withResolvers<Permit | undefined>();
    pending.set(lastId, resolvers);
    return { id: lastId, reply: resolvers.promise };
  };
  const begin: Permits["begin"] = async (effect, signal) => {
    const { id, reply } = add();
    post({ kind: "effect-begin", id, effect });
    const cancel = (): void => post({ kind: "effect-cancel", id, reason: plainError(signal.reason) });
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const permit = await untilAborted(reply, signal);
      if (!permit) throw new Error("the reply to effect-begin has no permit");
      return permit;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  };
  const end: Permits["end"] = async (key, result) => {
    const { id, reply } = add();
    post({ kind: "effect-end", id, key, result });
    await reply;
  };
  const onReply = (reply: PermitReply): void => {
    const resolvers = pending.get(reply.id);
    pending.delete(reply.id);
    if (reply.kind === "effect-reply") resolvers?.resolve(reply.permit);
    else resolvers?.reject(errorOf(reply.error));
  };
  return { permits: { begin, end }, onReply };
}

/** The supervisor's side. After `close`, pending requests are canceled and nothing is posted. */
export function servePermits(
  permits: Permits,
  post: (message: PermitReply) => void,
): { readonly onRequest: (request: PermitRequest) => void; readonly close: () => void } {
  const pending = new Map<number, AbortController>();
  let isClosed = false;
  const reply = async (id: number, answer: Promise<Permit | undefined>): Promise<void> => {
    try {
      const permit = await answer;
      if (!isClosed) post({ kind: "effect-reply", id, ...(permit ? { permit } : {}) });
    } catch (error) {
      if (!isClosed) post({ kind: "effect-error", id, error: plainError(error) });
    } finally {
      pending.delete(id);
    }
  };
  const onRequest = (request: PermitRequest): void => {
    const { id } = request;
    if (request.kind === "effect-cancel") pending.get(id)?.abort(errorOf(request.reason));
    else if (request.kind === "effect-end") {
      void reply(
        id,
        permits.end(request.key, request.result).then(() => undefined),
      );
    } else {
      const control = new AbortController();
      pending.set(id, control);
      void reply(id, permits.begin(request.effect, control.signal));
    }
  };
  const close = (): void => {
    isClosed = true;
    for (const control of pending.values()) control.abort(new Error("The job has ended."));
  };
  return { onRequest, close };
}
