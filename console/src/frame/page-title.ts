// The title of the browser tab.

import { useEffect } from "preact/hooks";

export function setTabTitle(text: string): void {
  document.title = `${text} · Gantry`;
}

/** Replaces the title from the table of pages by one made from data; undefined, while there is no data, keeps it. */
export function usePageTitle(text: string | undefined): void {
  useEffect(() => {
    if (text !== undefined) setTabTitle(text);
  }, [text]);
}
