// Preferences that this browser keeps for this person.

/** The saved text, or null. A browser without storage always returns null. */
export function readPreference(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // Storage is switched off: the console works without it.
  }
}

export function savePreference(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    return; // As above.
  }
}
