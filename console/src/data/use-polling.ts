// Calls a function at an interval, for data that no event announces. A hidden tab does not poll.

import { useEffect } from "preact/hooks";

export function usePolling(ms: number, poll: () => void): void {
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) poll();
    }, ms);
    return () => clearInterval(timer);
  }, [ms]);
}
