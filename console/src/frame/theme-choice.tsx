// Radio buttons for the three themes: in the account menu and on the settings page.

import { useSignal } from "@preact/signals";
import { chooseTheme, savedTheme, THEMES } from "./theme.ts";

/** `name`: of the radio group, unique on the page. `hasHeading`: a heading names it already, so the legend is hidden. */
export function ThemeChoice({ name, hasHeading = false }: { name: string; hasHeading?: boolean }) {
  const theme = useSignal(savedTheme());
  return (
    <fieldset class="choices">
      <legend class={hasHeading ? "hidden" : undefined}>Theme</legend>
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
