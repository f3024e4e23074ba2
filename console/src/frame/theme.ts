// The colour theme: that of the operating system, or the one this person chose.

import { readPreference, savePreference } from "./preferences.ts";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const PREFERENCE = "gantry.theme";

export function savedTheme(): Theme {
  const saved = readPreference(PREFERENCE);
  return THEMES.find((theme) => theme === saved) ?? "system";
}

export function chooseTheme(theme: Theme): void {
  savePreference(PREFERENCE, theme);
  applyTheme(theme);
}

/** Every colour is a pair in light-dark(); the colour scheme of the root element selects one of the two. */
export function applyTheme(theme: Theme): void {
  document.documentElement.style.colorScheme = theme === "system" ? "light dark" : theme;
}
