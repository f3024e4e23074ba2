// Whether the screen is as narrow as a phone. It changes when a window is resized or a device is turned.

import { signal } from "@preact/signals";

const query = matchMedia("(max-width: 719px)");

export const isNarrow = signal(query.matches);

query.addEventListener("change", () => {
  isNarrow.value = query.matches;
});
