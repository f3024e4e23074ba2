// Node keeps a composed signal alive while it has listeners. Simulated processes die without removing theirs, so every seed
// would leak all of its objects. This replacement can be collected as soon as nothing refers to it.

export function replaceAbortSignalAny(): void {
  AbortSignal.any = (signals) => {
    const both = new AbortController();
    const all = [...signals];
    const aborted = all.find((one) => one.aborted);
    if (aborted) both.abort(aborted.reason);
    else for (const one of all) one.addEventListener("abort", () => both.abort(one.reason), { once: true });
    return both.signal;
  };
}
