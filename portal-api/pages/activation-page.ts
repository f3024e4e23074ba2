// The form with which a person sets the first password.

import { say } from "../messages.ts";
import { PASSWORD_LENGTH } from "../people/passwords.ts";
import { document, html } from "./page.ts";

export function activationPage(view: {
  readonly name: string;
  readonly code: string;
  readonly problem?: string | undefined;
}): string {
  return document(
    say.activationTitle(),
    html`<main class="narrow">
<h1>${say.activationTitle()}</h1>
${view.problem === undefined ? "" : html`<p class="problem" role="alert">${view.problem}</p>`}
<form method="post" action="/sign-in/activate">
<p>${say.activationFor(view.name)}</p>
<input type="hidden" name="username" value="${view.name}" autocomplete="username" disabled>
<input type="hidden" name="code" value="${view.code}">
<label for="password">${say.newPasswordLabel()}</label>
<input id="password" name="password" type="password" autocomplete="new-password" required minlength="${PASSWORD_LENGTH.least}" autofocus>
<label for="repeated">${say.repeatPasswordLabel()}</label>
<input id="repeated" name="repeated" type="password" autocomplete="new-password" required>
<button>${say.setPasswordButton()}</button>
</form>
<p class="soft">${say.passwordHint(PASSWORD_LENGTH.least)}</p>
</main>`,
  );
}
