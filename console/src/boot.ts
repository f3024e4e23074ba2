// Runs before the first paint: the theme that this person chose, so that nothing flashes.

import { applyTheme, savedTheme } from "./frame/theme.ts";

applyTheme(savedTheme());
