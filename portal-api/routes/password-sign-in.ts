// POST /sign-in/password, and /sign-in/activate: sign-in with a local account, and setting its first password.

import { GantryError } from "@gantry/core/errors.ts";
import type { StreamAppend } from "@gantry/journal/journal.ts";
import { z } from "zod";
import { noteTried, noteWho } from "../audit/note.ts";
import { clientAddress, openingOf } from "../http/address.ts";
import { route } from "../http/route.ts";
import { startSession } from "../http/start-session.ts";
import { say } from "../messages.ts";
import { activationPage } from "../pages/activation-page.ts";
import { sendPage } from "../pages/page.ts";
import { sendSignInPage } from "../pages/sign-in-page.ts";
import type { PersonRecord } from "../people/person-record.ts";
import type { Portal } from "../portal.ts";

const html = { "text/html": z.string() };
const next = z.string().max(2_000).optional().describe("Path to open after sign-in");
const password = z.string().max(1_000);

export const signInWithPassword = route({
  method: "POST",
  path: "/sign-in/password",
  id: "signInWithPassword",
  tag: "access",
  summary: "Sign in with name and password, from the form",
  description: "After several failures each further try has to wait longer.",
  right: "anyone",
  verb: "sign in",
  form: true,
  body: z.strictObject({ name: z.string().max(200), password, next }),
  responses: {
    303: { description: "Signed in", headers: { "Set-Cookie": "The session cookie" } },
    401: { description: "The form again, with the error", content: html },
    429: { description: "The form again: too many wrong passwords, with the time to wait", content: html },
  },
  errors: ["limit-reached"],
  handle: async ({ ctx, portal, body }) => {
    refuseWithoutAccounts(portal);
    const name = body.name.trim().toLowerCase();
    const made: { secret?: string } = {};
    const session = async (record: PersonRecord): Promise<StreamAppend> => {
      const principal = { name: record.name, role: portal.people.roleOf(record), person: true };
      const opened = await portal.sessions.prepare(
        principal,
        openingOf(portal, ctx, "password"),
        record.sessionsEndedAt,
      );
      made.secret = opened.secret;
      return opened.append;
    };
    const attempt = { name, password: body.password, address: clientAddress(portal, ctx) };
    const isRight = await portal.passwordSignIn.signIn(attempt, session).catch((error: unknown) => {
      if (error instanceof GantryError && error.code === "sign-in-paused") return error;
      throw error;
    });
    if (isRight === true && made.secret !== undefined) {
      const who = await portal.sessions.identify(made.secret);
      if (who) noteWho(ctx, who);
      startSession(portal, ctx, made.secret, body.next);
      return;
    }
    noteTried(ctx, name);
    const seconds = isRight instanceof GantryError ? Number(isRight.details.retryAfterS) : undefined;
    if (seconds !== undefined) ctx.set("Retry-After", String(seconds));
    const problem = seconds === undefined ? say.passwordIsWrong() : say.signInIsPaused(seconds);
    await sendSignInPage({ ctx, portal }, { next: body.next, problem }, seconds === undefined ? 401 : 429);
  },
});

export const showActivation = route({
  method: "GET",
  path: "/sign-in/activate",
  id: "showActivation",
  tag: "access",
  summary: "Show the form that sets the first password",
  right: "anyone",
  verb: "set a password",
  query: z.strictObject({ code: z.string().max(200) }),
  responses: {
    200: { description: "The form", content: html },
    401: { description: "The sign-in form: the link was used, has expired or is unknown", content: html },
  },
  handle: async ({ ctx, portal, query }) => {
    const name = await portal.people.ownerOf(query.code);
    if (name === undefined) await sendSignInPage({ ctx, portal }, { problem: say.activationIsOver() }, 401);
    else sendPage(ctx, activationPage({ name, code: query.code }));
  },
});

export const activate = route({
  method: "POST",
  path: "/sign-in/activate",
  id: "activate",
  tag: "access",
  summary: "Set the first password, from the form",
  right: "anyone",
  verb: "set a password",
  form: true,
  body: z.strictObject({ code: z.string().max(200), password, repeated: password }),
  responses: {
    303: { description: "The password is set: sign in with it" },
    400: { description: "The form again, with the error", content: html },
    401: { description: "The sign-in form: the link was used, has expired or is unknown", content: html },
  },
  errors: ["limit-reached"],
  handle: async ({ ctx, portal, body }) => {
    const name = await portal.people.ownerOf(body.code);
    if (name === undefined) {
      await sendSignInPage({ ctx, portal }, { problem: say.activationIsOver() }, 401);
      return;
    }
    const problem =
      body.password === body.repeated ? await setPassword(portal, body) : { words: say.passwordsDiffer() };
    if (problem === "used") {
      // Another browser was faster: the answer is the same as a moment later.
      await sendSignInPage({ ctx, portal }, { problem: say.activationIsOver() }, 401);
      return;
    }
    if (problem !== undefined) {
      sendPage(ctx, activationPage({ name, code: body.code, problem: problem.words }), 400);
      return;
    }
    const found = await portal.people.rightsOf(name);
    if (found) noteWho(ctx, found.rights);
    ctx.redirect("/sign-in?set=password");
    ctx.status = 303;
  },
});

/** The problem in words, or that the link was used meanwhile; undefined when the password is set. */
async function setPassword(
  portal: Portal,
  request: { code: string; password: string },
): Promise<{ readonly words: string } | "used" | undefined> {
  try {
    const person = await portal.people.activate(request.code, request.password);
    return person === undefined ? "used" : undefined;
  } catch (error) {
    if (error instanceof GantryError && error.code === "bad-request")
      return { words: say.weakPassword(String(error.details.problem)) };
    throw error;
  }
}

function refuseWithoutAccounts({ config }: Portal): void {
  if (!config.signIn.localAccounts) {
    throw new GantryError("bad-request", { problem: "sign-in with a password is turned off (signIn.localAccounts)" });
  }
}
