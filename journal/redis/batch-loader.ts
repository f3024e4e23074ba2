// Collects the questions of one turn of the event loop into one call.

type Asked<Q, A> = {
  readonly question: Q;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
};

/** The store does nothing else meanwhile, so more questions than this go in several calls. */
const MAX_GROUP = 100;

/** `answer` gives one answer per question, in the same order. When it rejects, all questions of its group reject. */
export function batchLoader<Q, A>(
  answer: (questions: readonly Q[]) => Promise<readonly A[]>,
): (question: Q) => Promise<A> {
  let asked: Asked<Q, A>[] = [];

  const put = (group: readonly Asked<Q, A>[]): void => {
    answer(group.map(({ question }) => question)).then(
      (answers) => {
        for (const [at, one] of group.entries()) one.resolve(answers[at] as A);
      },
      (error: unknown) => {
        for (const one of group) one.reject(error);
      },
    );
  };
  return (question) =>
    new Promise((resolve, reject) => {
      if (asked.length === 0)
        setImmediate(() => {
          const all = asked;
          asked = [];
          for (let at = 0; at < all.length; at += MAX_GROUP) put(all.slice(at, at + MAX_GROUP));
        });
      asked.push({ question, resolve, reject });
    });
}
