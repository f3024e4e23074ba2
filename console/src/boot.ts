// Sets the chosen theme before the first paint, so that the page does not flash in another one.

import { applyTheme, savedTheme } from "./frame/theme.ts";

applyTheme(savedTheme());
