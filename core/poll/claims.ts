// A commit of a repository that is polled and also sends webhooks is told twice. Which of the two starts something: the one
// that comes first, once for each time that the branch or tag came to the commit. Pure.

/** One telling: that a branch or tag of an app's repository is at a commit now. */
export type Telling = {
  readonly by: "webhook" | "polling";
  /** The delivery. */
  readonly delivery: string;
  /** Full name of the branch or tag. */
  readonly ref: string;
  readonly commit: string;
};

/** `counts`: it was the first to tell, so it starts what is to be started. */
export type Claim = Telling & { readonly counts: boolean };

/** Of one app. The oldest are forgotten first: a webhook that comes after so many others counts again. */
const MAX_CLAIMS = 500;

/**
 * What a telling counts, and the claims with it. Both ways tell of every move to a commit at most once, so the n-th telling of
 * one way is about the n-th move, and it counts unless the other way has told n times already.
 */
export function claim(
  claims: readonly Claim[],
  telling: Telling,
): { readonly counts: boolean; readonly claims: readonly Claim[] } {
  const about = claims.filter(({ ref, commit }) => ref === telling.ref && isSame(commit, telling.commit));
  const known = about.find(({ delivery }) => delivery === telling.delivery);
  if (known) return { counts: known.counts, claims };
  const mine = about.filter(({ by }) => by === telling.by).length;
  const counts = mine >= about.length - mine;
  return { counts, claims: [...claims, { ...telling, counts }].slice(-MAX_CLAIMS) };
}

/** Some hosts abbreviate commits. */
function isSame(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}
