// Node keeps a signal that was composed of others alive as long as somebody listens to it. Simulated processes die without
// a goodbye, so every seed would leave its whole world behind. Here such a signal lives no longer than those that know it.

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
