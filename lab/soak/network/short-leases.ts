// Short leases, so that tests need not wait for minutes.

/** Two seconds instead of two minutes. */
export const SHORT_LEASES = {
  aliveMs: 1_500,
  lease: {
    strict: { renewEveryMs: 300, renewWithinMs: 900, selfFenceMs: 1_200, reassignAfterMs: 2_500 },
    lenient: { renewEveryMs: 300, renewWithinMs: 900, selfFenceMs: 43_000, reassignAfterMs: 45_000 },
  },
};
