// All texts of the portal's own pages: sign-in and API documentation.

export const say = {
  signInTitle: (): string => "Sign in",
  signInHint: (): string =>
    "Paste a token. An administrator creates tokens on the settings page or with POST /v1/tokens. The first token is in the file admin-token in the data folder of the portal.",
  tokenLabel: (): string => "Token",
  signInButton: (): string => "Sign in",
  linkIsOver: (): string =>
    "This sign-in link has been used or has expired. Ask for a new one, or sign in with a token.",
  linkSignsIn: (name: string): string => `This link signs you in as ${name}.`,
  signInAs: (name: string): string => `Sign in as ${name}`,
  linkHint: (): string => "Go on only if you asked for this link, or know who sent it and why.",
  tokenIsUnknown: (): string => "This token is unknown, has expired or has been revoked.",
  withIssuer: (name: string): string => `Sign in with ${name}`,
  issuerWasDown: (name: string): string =>
    `${name} did not answer the last time. Signing in with a token or a password still works.`,
  issuerIsDown: (message: string): string => `${message} Try again in a moment, or sign in in another way.`,
  signInRefused: (issuer: string, problem: string): string => `The sign-in with ${issuer} was refused: ${problem}.`,
  signInIsOver: (): string =>
    "This sign-in was started in another browser or tab, has already been used, or took too long. Start again.",
  mailLabel: (): string => "Mail address",
  mailIsUnknown: (): string => "No sign-in is configured for the domain of this mail address.",
  continueButton: (): string => "Continue",
  withToken: (): string => "Sign in with a token",
  nameLabel: (): string => "Name",
  passwordLabel: (): string => "Password",
  passwordIsWrong: (): string => "The name or the password is wrong.",
  signInIsPaused: (seconds: number): string =>
    `There were too many failed sign-ins. Wait ${seconds} ${seconds === 1 ? "second" : "seconds"}, then try again.`,
  activationTitle: (): string => "Set your password",
  activationFor: (name: string): string => `Your sign-in name is ${name}.`,
  activationIsOver: (): string =>
    "This activation link has been used, was replaced or has expired. Ask an administrator for a new one.",
  passwordIsSet: (): string => "Your password is set. Sign in with it.",
  newPasswordLabel: (): string => "New password",
  repeatPasswordLabel: (): string => "New password again",
  setPasswordButton: (): string => "Set password",
  passwordHint: (least: number): string => `At least ${least} characters. Several words together make a good password.`,
  passwordsDiffer: (): string => "The two passwords are not the same.",
  weakPassword: (problem: string): string => `${problem.charAt(0).toUpperCase()}${problem.slice(1)}.`,
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
