// The three themes to choose from: in the person's menu and on the page of settings.

import { useSignal } from "@preact/signals";
import { chooseTheme, savedTheme, THEMES } from "./theme.ts";

/** `name`: of the group of buttons, different for each place on a page. `isTitled`: the legend is only for listeners. */
export function ThemeChoice({ name, isTitled = false }: { name: string; isTitled?: boolean }) {
  const theme = useSignal(savedTheme());
  return (
    <fieldset class="choices">
      <legend class={isTitled ? "hidden" : undefined}>Theme</legend>
      {THEMES.map((one) => (
        <label key={one}>
          <input
            type="radio"
            name={name}
            checked={theme.value === one}
            onChange={() => {
              theme.value = one;
              chooseTheme(one);
            }}
          />
          {one}
        </label>
      ))}
    </fieldset>
  );
}
