// One row of the table of errors.

export type ErrorEntry = {
  /** HTTP status where the error reaches an API. */
  readonly status: number;
  /** What happened. */
  readonly message: string;
  readonly why: string;
  /** What to do about it. */
  readonly todo: string;
  /** Whether repeating the same request may succeed. */
  readonly retryable?: true;
};
