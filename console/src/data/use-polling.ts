// Something that is not told by events is asked for again, while somebody looks.

import { useEffect } from "preact/hooks";

export function usePolling(ms: number, ask: () => void): void {
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) ask();
    }, ms);
    return () => clearInterval(timer);
  }, [ms]);
}
