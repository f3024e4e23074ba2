// The sign-in page: the issuers of this address, name and password, and the form for a token.

import type Koa from "koa";
import { safeNext } from "../access/decide-access.ts";
import { addressOf } from "../http/address.ts";
import { say } from "../messages.ts";
import type { Issuer } from "../oidc/issuers.ts";
import type { Portal } from "../portal.ts";
import { document, type Html, html, sendPage } from "./page.ts";

type SignInView = {
  readonly next: string;
  readonly problem: string | undefined;
  readonly isPasswordNew: boolean;
  /** The problem is about the token: its form is open, with the problem in it. */
  readonly isTokenWrong: boolean;
  readonly issuers: readonly Issuer[];
  readonly hasPasswords: boolean;
  /** Asks for a mail address, which selects one of several issuers. */
  readonly asksForMail: boolean;
};

/** Responds with the sign-in page for the address that the browser uses. `mail` chooses the issuer of its domain. */
export async function sendSignInPage(
  { ctx, portal }: { readonly ctx: Koa.Context; readonly portal: Portal },
  view: {
    readonly next?: string | undefined;
    readonly problem?: string;
    readonly mail?: string | undefined;
    readonly isPasswordNew?: boolean;
    readonly isTokenWrong?: boolean;
  },
  status = 200,
): Promise<void> {
  const { issuers } = portal.sso;
  const offered = issuers.at(addressOf(portal, ctx));
  const ofMail = view.mail === undefined ? undefined : issuers.ofMail(view.mail);
  const isUnknown = view.mail !== undefined && !ofMail;
  const page = signInPage({
    next: safeNext(view.next),
    isTokenWrong: view.isTokenWrong === true,
    problem: view.problem ?? (isUnknown ? say.mailIsUnknown() : undefined),
    isPasswordNew: view.isPasswordNew === true,
    issuers: ofMail ? [ofMail] : offered,
    hasPasswords: portal.config.signIn.localAccounts && (await portal.personStore.hasLocal()),
    asksForMail: !ofMail && issuers.all.length > 1 && issuers.all.some(({ settings }) => settings.domains.length > 0),
  });
  sendPage(ctx, page, status);
}

function signInPage(view: SignInView): string {
  const { issuers, hasPasswords, asksForMail } = view;
  const problem = view.problem === undefined ? "" : html`<p class="problem" role="alert">${view.problem}</p>`;
  const isTokenOnly = issuers.length === 0 && !hasPasswords && !asksForMail;
  return document(
    say.signInTitle(),
    html`<main class="narrow">
<h1>Gantry</h1>
${view.isPasswordNew ? html`<p role="status">${say.passwordIsSet()}</p>` : ""}
${view.isTokenWrong && !isTokenOnly ? "" : problem}
${issuers.map((issuer) => issuerLink(issuer, view))}
${asksForMail ? mailForm(view) : ""}
${hasPasswords ? passwordForm(view) : ""}
${isTokenOnly ? tokenForm(view, true) : html`<details${view.isTokenWrong ? " open" : ""}><summary>${say.withToken()}</summary>${view.isTokenWrong ? problem : ""}${tokenForm(view, view.isTokenWrong)}</details>`}
</main>`,
  );
}

/** A link, because the content security policy lets no form lead to another host. */
function issuerLink({ settings, isDown }: Issuer, { next }: SignInView): Html {
  const query = next === "/" ? "" : `?next=${encodeURIComponent(next)}`;
  return html`<p><a class="button" href="/sign-in/with/${settings.id}${query}">${say.withIssuer(settings.name)}</a></p>
${isDown() ? html`<p class="soft">${say.issuerWasDown(settings.name)}</p>` : ""}`;
}

function mailForm({ next }: SignInView): Html {
  return html`<form method="get" action="/sign-in">
<label for="mail">${say.mailLabel()}</label>
<input id="mail" name="mail" type="text" inputmode="email" autocomplete="email" required>
<input type="hidden" name="next" value="${next}">
<button>${say.continueButton()}</button>
</form>`;
}

function passwordForm({ next }: SignInView): Html {
  return html`<form method="post" action="/sign-in/password">
<label for="name">${say.nameLabel()}</label>
<input id="name" name="name" type="text" autocomplete="username" autocapitalize="none" required>
<label for="password">${say.passwordLabel()}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<input type="hidden" name="next" value="${next}">
<button>${say.signInButton()}</button>
</form>`;
}

function tokenForm({ next }: SignInView, isFirst: boolean): Html {
  return html`<form method="post" action="/sign-in">
<label for="token">${say.tokenLabel()}</label>
<input id="token" name="token" type="password" autocomplete="off" required${isFirst ? " autofocus" : ""}>
<input type="hidden" name="next" value="${next}">
<button>${say.signInButton()}</button>
</form>
<p class="soft">${say.signInHint()}</p>`;
}
