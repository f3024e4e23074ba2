// All texts of the portal's own pages: sign-in and API documentation.

export const say = {
  signInTitle: (): string => "Sign in",
  signInHint: (): string =>
    "Paste a token. An administrator creates tokens on the settings page or with POST /v1/tokens. The first token is in the file admin-token in the data folder of the portal.",
  tokenLabel: (): string => "Token",
  signInButton: (): string => "Sign in",
  linkIsOver: (): string =>
    "This sign-in link has been used or has expired. Ask for a new one, or sign in with a token.",
  tokenIsUnknown: (): string => "This token is unknown, has expired or has been revoked.",
  notBuiltTitle: (): string => "The console is not built",
  notBuiltBefore: (): string => "Run",
  notBuiltAfter: (): string => "in the folder of Gantry, then reload this page. The command npm start builds it, too.",
  notBuiltApi: (): string => "The API works without the console: see /docs.",
  docsTitle: (): string => "HTTP API",
  docsIntro: (): string => "All operations of the API. The machine-readable document is",
  docsErrors: (): string => "Errors",
  docsErrorsIntro: (): string =>
    "Every error is application/problem+json and says what happened, why, and what to do. Programs should rely on the code.",
};
