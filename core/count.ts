// A number with what it counts: "1 file", "2 files".

/** `many`: the plural where it is not made by an `s`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
