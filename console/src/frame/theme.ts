// The theme: as the system has it, or as the person chose it.

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "gantry.theme";

export function savedTheme(): Theme {
  const saved = readPreference(KEY);
  return THEMES.find((theme) => theme === saved) ?? "system";
}

export function chooseTheme(theme: Theme): void {
  savePreference(KEY, theme);
  applyTheme(theme);
}

/** Every colour is a pair in light-dark(); the colour scheme of the root picks one of them. */
export function applyTheme(theme: Theme): void {
  document.documentElement.style.colorScheme = theme === "system" ? "light dark" : theme;
}

/** What this browser kept for this person; a browser that keeps nothing answers nothing. */
export function readPreference(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // Storage is switched off: the console works without it.
  }
}

export function savePreference(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    return; // As above.
  }
}
