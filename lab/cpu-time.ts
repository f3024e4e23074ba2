// For tests of how much work something takes: the time of a clock depends on what else the machine does.

/** CPU time in ms that this process takes, all its threads together, until `run` has ended. */
export async function cpuMsOf(run: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
