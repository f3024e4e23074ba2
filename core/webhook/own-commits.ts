// How commits of Gantry are known, so that they start nothing.

export const GANTRY_AUTHOR = { name: "Gantry", email: "gantry@noreply.invalid" } as const;
/** Trailer by which a commit is found again. */
export const EFFECT_TRAILER = "X-Effect";

/** Undefined: neither author nor message is known, so nobody can say. */
export function isOwnCommit({
  message,
  authorEmail,
}: {
  readonly message?: string | undefined;
  readonly authorEmail?: string | undefined;
}): boolean | undefined {
  if (message === undefined && authorEmail === undefined) return undefined;
  if (authorEmail === GANTRY_AUTHOR.email) return true;
  const last = message?.split(/\n{2,}/).at(-1) ?? "";
  return last.split("\n").some((line) => line.startsWith(`${EFFECT_TRAILER}: `));
}

/** As other systems have it: in the subject or the body. */
export function asksToSkip(message: string | undefined): boolean {
  return message !== undefined && /\[(?:skip ci|ci skip)\]/i.test(message);
}
