// Tells a page when targets have changed. The stream is open only while such a page is shown and the tab is visible, because a browser
// opens at most six connections to one portal.

import type { TargetView } from "@gantry/wire/agent/fleet.ts";
import { useEffect } from "preact/hooks";
import { parseJson } from "./json.ts";

/** Changes that follow closely cause one call. */
const SETTLE_MS = 100;
/** Between two tries to open the stream, and between two calls while it cannot be opened. */
const RETRY_MS = 10_000;

/** `onChange` is called for changes of targets that `concerns`, and when any target may have changed. */
export function useFleetChanges(onChange: () => void, concerns: (target: TargetView) => boolean = () => true): void {
  useEffect(() => {
    let stream: EventSource | undefined;
    let settling: ReturnType<typeof setTimeout> | undefined;
    let retrying: ReturnType<typeof setTimeout> | undefined;
    const changed = (): void => {
      settling ??= setTimeout(() => {
        settling = undefined;
        onChange();
      }, SETTLE_MS);
    };
    const close = (): void => {
      stream?.close();
      stream = undefined;
      clearTimeout(retrying);
    };
    const open = (): void => {
      close();
      const source = new EventSource("/v1/fleet/changes");
      stream = source;
      source.addEventListener("reset", changed);
      source.addEventListener("targets", ({ data }) => {
        const { items } = parseJson<{ items: readonly TargetView[] }>(String(data));
        if (items.some(concerns)) changed();
      });
      source.onerror = () => {
        if (source.readyState !== EventSource.CLOSED) return;
        changed();
        retrying = setTimeout(open, RETRY_MS);
      };
    };
    const onVisibility = (): void => {
      if (document.hidden) close();
      else if (stream === undefined) {
        open();
        changed();
      }
    };
    open();
    document.addEventListener("visibilitychange", onVisibility);
    return () => {
      document.removeEventListener("visibilitychange", onVisibility);
      clearTimeout(settling);
      close();
    };
  }, []);
}
