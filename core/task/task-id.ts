// Ids of tasks. They begin with the time of the request, so they sort by time, and the id tells on which day to look in the
// archive.

const TIME_DIGITS = 9;
const ID = /^t([0-9a-z]{9})[0-9a-z]{10}$/;

/** `at`: ms since 1970. `id`: a random UUID, of which 48 bits are used: hard to guess and practically unique. */
export function newTaskId(at: number, id: string): string {
  return timedId("t", at, id);
}

/** Of the same form, for other things: `letter` says which. */
export function timedId(letter: string, at: number, id: string): string {
  const chance = BigInt(`0x${id.replaceAll("-", "").slice(0, 12)}`);
  return `${letter}${at.toString(36).padStart(TIME_DIGITS, "0")}${chance.toString(36).padStart(10, "0")}`;
}

/** When the task with this id was requested, ms since 1970; undefined for a text that is not a task id. */
export function timeOfTask(id: string): number | undefined {
  const digits = ID.exec(id)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 36);
}

/** The day under which the archive has this task, as `YYYY-MM-DD`, UTC. */
export function dayOfTask(id: string): string | undefined {
  const at = timeOfTask(id);
  return at === undefined ? undefined : new Date(at).toISOString().slice(0, 10);
}
