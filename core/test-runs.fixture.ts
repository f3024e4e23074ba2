/**
 * How many random inputs a property is tested with: a quarter of `full` in `npm test`, to be quick, and `full` where
 * GANTRY_FULL_RUNS is set, as in `.ci/run`.
 */
export function testRuns(full: number): number {
  return process.env.GANTRY_FULL_RUNS ? full : Math.ceil(full / 4);
}
