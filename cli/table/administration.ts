// Commands about people, tokens, rights, settings and the audit log.

import { command } from "./command.ts";

const FOLDER = {
  folder: {
    type: "string",
    value: "DIR",
    summary: "read portal.db in this data folder of the portal, which may be stopped",
  },
} as const;
const WHY = { why: { type: "string", value: "TEXT", summary: "why, for the history" } } as const;
const IN_FORCE = "A change takes effect in all processes within 10 seconds.";

const PEOPLE = [
  command({
    name: "people list",
    summary: "list everyone who has an account",
    portal: true,
    isDefault: true,
    run: async (call) => (await import("../access/people.ts")).listPeople(call),
  }),
  command({
    name: "people add",
    summary: "create a local account; prints the link that sets the password",
    args: ["NAME"],
    flags: {
      role: { type: "string", value: "ROLE", summary: "role on everything" },
      group: { type: "string", multiple: true, value: "GROUP", summary: "a group" },
      "display-name": { type: "string", value: "TEXT", summary: "the name that others see" },
      mail: { type: "string", value: "ADDRESS", summary: "mail address" },
    },
    portal: true,
    examples: ["people add dana --role developer --group web"],
    run: async (call) => (await import("../access/people.ts")).addPerson(call),
  }),
  command({
    name: "people reset",
    summary: "take the password away and print a new link; ends all sessions",
    args: ["NAME"],
    portal: true,
    run: async (call) => (await import("../access/people.ts")).resetPerson(call),
  }),
  command({
    name: "people disable",
    summary: "end all sessions and tokens of a person, and refuse sign-in",
    args: ["NAME"],
    portal: true,
    run: async (call) => (await import("../access/people.ts")).disablePerson(call),
  }),
  command({
    name: "people enable",
    summary: "let a disabled person sign in again",
    args: ["NAME"],
    portal: true,
    run: async (call) => (await import("../access/people.ts")).enablePerson(call),
  }),
  command({
    name: "people remove",
    summary: "remove an account",
    args: ["NAME"],
    portal: true,
    run: async (call) => (await import("../access/people.ts")).removePerson(call),
  }),
  command({
    name: "people sessions",
    summary: "list the sessions of a person",
    args: ["NAME"],
    portal: true,
    run: async (call) => (await import("../access/people.ts")).listSessions(call),
  }),
  command({
    name: "people sign-out",
    summary: "end all sessions of a person",
    args: ["NAME"],
    portal: true,
    run: async (call) => (await import("../access/people.ts")).signOut(call),
  }),
];

const TOKENS = [
  command({
    name: "tokens list",
    summary: "list the tokens of everyone, without their secrets",
    portal: true,
    isDefault: true,
    run: async (call) => (await import("../access/tokens.ts")).listTokens(call),
  }),
  command({
    name: "tokens create",
    summary: "create a service token; it is printed once",
    details: "People create personal tokens on their profile page.",
    args: ["NAME"],
    flags: {
      role: { type: "string", required: true, value: "ROLE", summary: "what it may do" },
      days: { type: "string", value: "N", summary: "when it expires" },
      verb: { type: "string", multiple: true, value: "VERB", summary: "only this verb of the role" },
      app: { type: "string", multiple: true, value: "APP", summary: "only this app" },
      site: { type: "string", multiple: true, value: "SITE", summary: "only this site" },
    },
    portal: true,
    examples: ["tokens create nightly --role developer --days 90 --app orders"],
    run: async (call) => (await import("../access/tokens.ts")).createToken(call),
  }),
  command({
    name: "tokens rotate",
    summary: "print a new secret; the old one stays valid for a while",
    args: ["NAME"],
    flags: {
      days: { type: "string", value: "N", summary: "when it expires" },
      overlap: { type: "string", value: "MINUTES", summary: "how long the old secret stays valid (default 60)" },
    },
    portal: true,
    run: async (call) => (await import("../access/tokens.ts")).rotateToken(call),
  }),
  command({
    name: "tokens revoke",
    summary: "end a token",
    args: ["NAME"],
    flags: { owner: { type: "string", value: "PERSON", summary: "it is the personal token of this person" } },
    portal: true,
    run: async (call) => (await import("../access/tokens.ts")).revokeToken(call),
  }),
];

const SETTINGS = [
  command({
    name: "settings get",
    summary: "show the live settings and what is allowed",
    args: ["[KEY]"],
    portal: true,
    isDefault: true,
    run: async (call) => (await import("../settings.ts")).getSettings(call),
  }),
  command({
    name: "settings set",
    summary: "change a live setting",
    details: `${IN_FORCE} Write a list as a,b,c.`,
    args: ["KEY", "VALUE"],
    flags: WHY,
    portal: true,
    examples: ["settings set dispatch.pausedSites seoul,tokyo --why 'network maintenance'"],
    run: async (call) => (await import("../settings.ts")).setSetting(call),
  }),
  command({
    name: "settings unset",
    summary: "reset a live setting to its default",
    details: IN_FORCE,
    args: ["KEY"],
    flags: WHY,
    portal: true,
    run: async (call) => (await import("../settings.ts")).unsetSetting(call),
  }),
  command({
    name: "settings history",
    summary: "list the changes of live settings",
    portal: true,
    run: async (call) => (await import("../settings.ts")).settingsHistory(call),
  }),
];

const AUDIT = [
  command({
    name: "audit list",
    summary: "print the newest entries of the audit log",
    details: 'OPERATION is as the entries have it ("run CD"); TIME is like 2026-11-29T18:00:00Z.',
    flags: {
      who: { type: "string", value: "NAME", summary: "only of this person or token" },
      verb: { type: "string", value: "OPERATION", summary: "only this operation" },
      app: { type: "string", value: "APP", summary: "only about this app" },
      task: { type: "string", value: "TASK", summary: "only about this task" },
      result: { type: "string", value: "RESULT", summary: "only done, refused, failed or unknown" },
      since: { type: "string", value: "TIME", summary: "only since then" },
      until: { type: "string", value: "TIME", summary: "only until then" },
      limit: { type: "string", value: "N", summary: "the most to list (default 50)" },
    },
    portal: true,
    isDefault: true,
    examples: ["audit list --app orders --result refused"],
    run: async (call) => (await import("../audit.ts")).listAudit(call),
  }),
  command({
    name: "audit verify",
    summary: "check that no entry of the audit log was changed, removed or moved",
    details:
      'Names the first wrong entry; the exit code is then 1. HASH is from an earlier `verify` or from the portal\'s log ("audit head"): the chain must contain it. Without it, a chain whose newest entries were cut off or that was written anew can look whole.',
    flags: {
      file: { type: "string", value: "FILE", summary: "verify an exported file" },
      ...FOLDER,
      expect: { type: "string", value: "HASH", summary: "a hash that the chain must contain" },
    },
    portal: true,
    examples: ["audit verify --file audit.jsonl --expect 5f0c…"],
    run: async (call) => (await import("../audit.ts")).verifyAudit(call),
  }),
  command({
    name: "audit export",
    summary: "print all entries as JSON lines, oldest first",
    flags: FOLDER,
    portal: true,
    examples: ["audit export > audit.jsonl"],
    run: async (call) => (await import("../audit.ts")).exportAudit(call),
  }),
];

export const ADMINISTRATION = [
  ...PEOPLE,
  ...TOKENS,
  command({
    name: "can",
    summary: "ask whether somebody may do something, and why",
    details: "The exit code is 0 for yes, 1 for no. `gantry can verbs` lists all verbs.",
    args: ["VERB", "[APP]"],
    flags: {
      as: {
        type: "string",
        value: "USER",
        summary: "a person (`corp:ada` of the issuer corp) or a token; default: you",
      },
      groups: { type: "string", value: "A,B", summary: "groups of the person, without the issuer" },
      site: { type: "string", value: "SITE", summary: "the site of a verb about sites, or where the work would run" },
      pipeline: { type: "string", value: "NAME", summary: "the pipeline of the task" },
    },
    portal: true,
    examples: ["can run-cd orders", "can run-cd orders --as corp:kim --site tokyo"],
    run: async (call) => (await import("../can.ts")).can(call),
  }),
  ...SETTINGS,
  ...AUDIT,
];
