// Commands about signing in, and the API as it is.

import { command } from "./command.ts";

export const SIGN_IN = [
  command({
    name: "login",
    summary: "sign in to a portal, and use it from now on",
    details:
      "Prints the address of the page that creates a personal token, and asks for the token. It is kept in ~/.config/gantry/contexts.json, which only you can read. Without URL it renews the token of the current context.",
    args: ["[URL]"],
    flags: {
      "token-stdin": { type: "boolean", summary: "read the token from stdin, for scripts" },
      context: { type: "string", value: "NAME", summary: "name of the context (default: the host of the portal)" },
      "allow-plain-http": { type: "boolean", summary: "send the token to another machine by plain HTTP" },
    },
    json: true,
    examples: ["login https://gantry.example.com", "login https://gantry.example.com --token-stdin < token"],
    run: async (call) => (await import("../sign-in/login.ts")).login(call),
  }),
  command({
    name: "logout",
    summary: "forget the token of a context",
    args: ["[CONTEXT]"],
    json: true,
    run: async (call) => (await import("../sign-in/login.ts")).logout(call),
  }),
  command({
    name: "whoami",
    summary: "print who you are, with your role, at which portal",
    portal: true,
    run: async (call) => (await import("../sign-in/whoami.ts")).whoami(call),
  }),
  command({
    name: "context list",
    summary: "list the portals that you have signed in to",
    json: true,
    isDefault: true,
    run: async (call) => (await import("../sign-in/context.ts")).listContexts(call),
  }),
  command({
    name: "context use",
    summary: "choose the portal that commands use; `local` is that of `gantry start` in this folder",
    args: ["CONTEXT"],
    json: true,
    examples: ["context use gantry.example.com", "context use local"],
    run: async (call) => (await import("../sign-in/context.ts")).useContext(call),
  }),
  command({
    name: "context remove",
    summary: "remove a portal from the list, with its token",
    args: ["CONTEXT"],
    json: true,
    examples: ["context remove gantry.example.com"],
    run: async (call) => (await import("../sign-in/context.ts")).removeContext(call),
  }),
  command({
    name: "api",
    summary: "send a request to the API of the portal and print the response",
    details:
      "The API is described at /docs of the portal. BODY is JSON, `@FILE` or `-` for stdin. POST requests get an Idempotency-Key.",
    args: ["METHOD", "PATH"],
    flags: {
      body: { type: "string", short: "d", value: "BODY", summary: "the body of the request" },
      "if-match": { type: "string", value: "ETAG", summary: "the header If-Match, for changes" },
    },
    portal: true,
    examples: ["api GET /v1/apps", `api POST /v1/apps/orders/ci -d '{"params":{"ref":"main"}}'`],
    run: async (call) => (await import("../sign-in/api.ts")).api(call),
  }),
];
