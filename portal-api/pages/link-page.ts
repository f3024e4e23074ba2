// What a browser gets for a sign-in link: whoever made the link chose the account, so the person confirms it. Otherwise a link
// could sign somebody in as its sender without being noticed.

import { say } from "../messages.ts";
import { document, html } from "./page.ts";

export function linkPage(view: { readonly name: string; readonly code: string; readonly next: string }): string {
  return document(
    say.signInTitle(),
    html`<main class="narrow">
<h1>Gantry</h1>
<form method="post" action="/sign-in/link">
<p>${say.linkSignsIn(view.name)}</p>
<input type="hidden" name="code" value="${view.code}">
<input type="hidden" name="next" value="${view.next}">
<button autofocus>${say.signInAs(view.name)}</button>
</form>
<p class="soft">${say.linkHint()}</p>
</main>`,
  );
}
