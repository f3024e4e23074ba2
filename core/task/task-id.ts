// Ids of tasks. They begin with the time of the request, so they sort by it, and whoever looks for a task in the archive
// knows its day.

const TIME_DIGITS = 9;
const ID = /^t([0-9a-z]{9})[0-9a-z]{10}$/;

/** `at` in ms since 1970; `id` is a random UUID, of which 48 bits are used: hard to guess, and they do not meet twice. */
export function newTaskId(at: number, id: string): string {
  const chance = BigInt(`0x${id.replaceAll("-", "").slice(0, 12)}`);
  return `t${at.toString(36).padStart(TIME_DIGITS, "0")}${chance.toString(36).padStart(10, "0")}`;
}

/** When the task of this id was requested, ms since 1970; undefined for what is not an id of ours. */
export function timeOfTask(id: string): number | undefined {
  const digits = ID.exec(id)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 36);
}

/** The day of the archive that has this task, as `YYYY-MM-DD`, UTC. */
export function dayOfTask(id: string): string | undefined {
  const at = timeOfTask(id);
  return at === undefined ? undefined : new Date(at).toISOString().slice(0, 10);
}
