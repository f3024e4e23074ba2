// The page for browsers while the console's files are missing, as in a fresh clone.

import { say } from "../messages.ts";
import { document, html } from "./page.ts";

export function notBuiltPage(): string {
  return document(
    say.notBuiltTitle(),
    html`<main class="narrow">
<h1>${say.notBuiltTitle()}</h1>
<p>${say.notBuiltBefore()} <code>npm run build</code> ${say.notBuiltAfter()}</p>
<p class="soft">${say.notBuiltApi()}</p>
</main>`,
  );
}
