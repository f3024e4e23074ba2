// Which bytes of a log a request asks for: by `from` and `limit`, else by the Range header, else all.

export type Range = { readonly from: number; readonly end: number; readonly isPartial: boolean };

/** Undefined when the range begins beyond the end (416). A Range header that is not one range of bytes is ignored. */
export function decideRange(
  asked: { readonly range: string; readonly from: number | undefined; readonly limit: number | undefined },
  size: number,
): Range | undefined {
  if (asked.from !== undefined || asked.limit !== undefined) {
    const from = Math.min(asked.from ?? 0, size);
    return { from, end: Math.min(size, from + (asked.limit ?? size)), isPartial: false };
  }
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(asked.range) ?? [];
  if (first === "" && last === "") return { from: 0, end: size, isPartial: false };
  if (first === "") {
    const length = Math.min(size, Number(last));
    return length === 0 ? undefined : { from: size - length, end: size, isPartial: true };
  }
  const from = Number(first);
  if (from >= size) return undefined;
  if (last !== "" && Number(last) < from) return { from: 0, end: size, isPartial: false };
  return { from, end: last === "" ? size : Math.min(size, Number(last) + 1), isPartial: true };
}
