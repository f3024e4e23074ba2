// Every sentence of the portal's own pages.

export const say = {
  signInTitle: (): string => "Sign in",
  signInHint: (): string =>
    "Paste a token. An administrator creates one with POST /v1/tokens; the first one is in the file admin-token of the portal's data folder.",
  tokenLabel: (): string => "Token",
  signInButton: (): string => "Sign in",
  linkIsOver: (): string => "This sign-in link was used or is too old. Ask for a new one, or sign in with a token.",
  tokenIsUnknown: (): string => "This token is not known, has expired or was revoked.",
  docsTitle: (): string => "HTTP API",
  docsIntro: (): string =>
    "Every address, made from the same declarations that serve it. The machine-readable document is openapi.json.",
  docsErrors: (): string => "Errors",
  docsErrorsIntro: (): string =>
    "Every error is application/problem+json: code, what happened, why, and what to do. A program decides by the code.",
  accessOf: (role: string): string => (role === "anyone" ? "needs no sign-in" : `needs the role ${role}`),
};
