// The sign-in form.

import { say } from "../messages.ts";
import { document, html } from "./page.ts";

export function signInPage(view: { readonly next: string; readonly problem?: string }): string {
  return document(
    say.signInTitle(),
    html`<main class="narrow">
<h1>Gantry</h1>
${view.problem === undefined ? "" : html`<p class="problem" role="alert">${view.problem}</p>`}
<form method="post" action="/sign-in">
<label for="token">${say.tokenLabel()}</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<input type="hidden" name="next" value="${view.next}">
<button>${say.signInButton()}</button>
</form>
<p class="soft">${say.signInHint()}</p>
</main>`,
  );
}
