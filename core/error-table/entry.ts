// One row of the table of errors.

export type ErrorEntry = {
  /** HTTP status where the error reaches an API. */
  readonly status: number;
  /** What happened. */
  readonly message: string;
  readonly why: string;
  /** What to do about it. */
  readonly todo: string;
  /** Worth trying again without changing anything? */
  readonly retryable?: true;
};
