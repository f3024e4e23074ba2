// Rights: who may do what, as people would state it, and properties that hold for every policy.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testRuns } from "../test-runs.fixture.ts";
import { decideRight, hasNoMore, needInWords, rightsOf, type Subject } from "./decide-right.ts";
import type { Binding, Deny, Policy } from "./policy.ts";
import { readPolicy, readRoles } from "./read-policy.ts";
import { leastRole, ROLE_VERBS, ROLES, type Role } from "./roles.ts";
import { matches, type RightRequest, type Scope, UNKNOWN_SITE } from "./selector.ts";
import { VERB_NAMES, VERBS, type Verb } from "./verbs.ts";

const policyOf = (text: string): Policy => {
  const read = readPolicy(text, "roles.yaml");
  assert.ok(read.ok, JSON.stringify(read));
  return read.policy;
};
const caller = (fields: Partial<Subject> = {}): Subject => ({ name: "ada", role: "none", groups: [], ...fields });

const POLICY = policyOf(`
teams:
  payments: [orders, "pay-*"]
  records: []
roles:
  releaser: { extends: viewer, verbs: [run-cd] }
bindings:
  - { role: developer, groups: ["corp:team-payments"], apps: ["team:payments", "team:records"] }
  - { role: releaser, people: ["corp:kim"], apps: [orders], sites: [seoul] }
  - { role: viewer, groups: ["corp:team-gold"], apps: ["label:tier=gold"] }
  - { role: operator, people: ["corp:ops"], sites: ["seo*"] }
  - { role: viewer, people: [nightly], pipelines: [nightly] }
deny:
  - { verbs: [run-cd], groups: ["corp:contractors"], apps: [orders], reason: "Contractors do not deploy orders." }
`);
const may = (who: Partial<Subject>, request: RightRequest): boolean =>
  decideRight({ ...request, caller: caller(who), policy: POLICY }).allowed;

test("the built-in roles have exactly these verbs", () => {
  const viewer = ["view", "view-logs", "view-metrics", "view-pipelines", "view-sites"];
  const developer = [
    ...viewer,
    ...[
      "cancel",
      "change-app",
      "create-app",
      "mark-done",
      "pause-app",
      "redeliver",
      "remove-app",
      "rerun",
      "resolve",
      "run-cd",
      "run-ci",
    ],
    "start-task",
  ];
  const expected: Record<Role, readonly string[]> = {
    none: [],
    viewer,
    developer,
    approver: [...viewer, "approve"],
    operator: [...developer, "enrol", "manage-runners", "manage-settings", "override-policy", "pause-pipeline"],
    admin: Object.keys(VERBS),
  };
  for (const role of ROLES) assert.deepEqual([...ROLE_VERBS[role]].sort(), [...expected[role]].sort(), role);
  assert.equal(leastRole("run-cd"), "developer");
  assert.equal(leastRole("approve"), "approver");
  assert.equal(leastRole("manage-runners"), "operator");
});

test("a group of an issuer has its role on the apps of its team, and no group of another issuer has it", () => {
  const payments = { groups: ["team-payments"], issuer: "corp" };
  for (const app of ["orders", "pay-in", "pay-"])
    assert.ok(may(payments, { verb: "run-cd", app, pipeline: "cd" }), app);
  assert.ok(may(payments, { verb: "view", app: "shop", team: "records" }));
  assert.ok(!may(payments, { verb: "view", app: "shop" }));
  assert.ok(!may(payments, { verb: "view", app: "spay-in" }));
  assert.ok(!may(payments, { verb: "manage-tokens" }));
  assert.ok(!may(payments, { verb: "view-sites", site: "seoul" }));
  assert.ok(!may({ ...payments, issuer: "site-b" }, { verb: "view", app: "orders" }));
  assert.ok(!may({ groups: ["team-payments"] }, { verb: "view", app: "orders" }));
});

test("a rule about clusters covers what is deployed there, and not the site itself", () => {
  const policy = policyOf(`
bindings:
  - { role: operator, people: [kim], apps: [orders], sites: [tokyo, "seoul/test-*"] }
  - { role: operator, people: [ops], sites: ["seoul/*"] }
  - { role: developer, people: [lee] }
deny:
  - { verbs: [run-cd, change-app], people: [lee], sites: ["*/prod-*"], reason: Ask the platform team }
`);
  const may = (name: string, verb: Verb, ...sites: readonly string[]): boolean =>
    decideRight({ caller: caller({ name }), policy, verb, app: "orders", pipeline: "cd", sites }).allowed;
  assert.ok(may("kim", "run-cd", "seoul", "seoul/test-1", "tokyo/prod-1"), "building at the site is in no cluster");
  for (const place of ["seoul/prod-1", "seoul/test", "osaka/test-1", "osaka", UNKNOWN_SITE])
    assert.ok(!may("kim", "run-cd", "seoul", place), place);
  assert.ok(may("lee", "run-cd", "seoul", "seoul/test-1"));
  assert.ok(!may("lee", "run-cd", "seoul", "seoul/prod-1") && !may("lee", "change-app", "tokyo/prod-2"));
  assert.ok(!may("lee", "run-cd", UNKNOWN_SITE));
  const onSite = (name: string, verb: Verb): boolean =>
    decideRight({ caller: caller({ name }), policy, verb, site: "seoul" }).allowed;
  assert.ok(!onSite("ops", "manage-runners") && !onSite("ops", "view-sites") && !onSite("kim", "enrol"));
  const refused = readPolicy('deny:\n  - { verbs: [enrol], people: ["*"], sites: ["seoul/x"] }\n', "roles.yaml");
  assert.match(JSON.stringify(refused), /about sites, not clusters, so this deny would never apply/);
});

test("a binding that names sites lets work run only there", () => {
  const kim = { name: "corp:kim" };
  const cd = (sites: readonly string[] | undefined): boolean =>
    may(kim, { verb: "run-cd", app: "orders", pipeline: "cd", sites });
  assert.deepEqual([cd(["seoul"]), cd(["seoul", "tokyo"]), cd(["?"]), cd(undefined)], [true, false, false, false]);
  assert.ok(may(kim, { verb: "view", app: "orders" }));
  assert.ok(!may(kim, { verb: "run-ci", app: "orders", pipeline: "ci", sites: ["seoul"] }));
  assert.ok(may(kim, { verb: "view-sites", site: "seoul" }));
});

test("bindings by label, by site and by pipeline", () => {
  const gold = { groups: ["team-gold"], issuer: "corp" };
  assert.ok(may(gold, { verb: "view", app: "shop", labels: { tier: "gold" } }));
  assert.ok(!may(gold, { verb: "view", app: "shop", labels: { tier: "tin" } }));
  assert.ok(!may(gold, { verb: "view", app: "shop" }));
  const ops = { name: "corp:ops" };
  assert.ok(may(ops, { verb: "manage-runners", site: "seoul" }));
  assert.ok(!may(ops, { verb: "manage-runners", site: "tokyo" }));
  assert.ok(!may(ops, { verb: "view", app: "orders" }));
  assert.ok(!may(ops, { verb: "manage-settings" }));
  const nightly = { name: "nightly" };
  assert.ok(may(nightly, { verb: "view", pipeline: "nightly" }));
  assert.ok(may(nightly, { verb: "view-pipelines", pipeline: "nightly" }));
  assert.ok(!may(nightly, { verb: "view", app: "orders", pipeline: "cd" }));
});

test("a deny wins, says why, and whoever could do it is named", () => {
  const who = { groups: ["team-payments", "contractors"], issuer: "corp", name: "corp:eve" };
  const request = { verb: "run-cd", app: "orders", pipeline: "cd" } as const;
  const denied = decideRight({ ...request, caller: caller(who), policy: POLICY });
  assert.equal(denied.allowed, false);
  assert.equal(denied.reason, "A rule of the policy denies it: Contractors do not deploy orders.");
  assert.equal(needInWords(denied, "app"), "Ask somebody who may do it: corp:team-payments.", "no role helps");
  assert.ok(!may({ ...who, role: "admin" }, request), "also for an administrator");
  assert.ok(may(who, { ...request, app: "pay-in" }));
  const missing = decideRight({ verb: "run-ci", app: "orders", caller: caller({ name: "corp:kim" }), policy: POLICY });
  assert.equal(needInWords(missing, "app"), "Needs the role developer on this app: ask corp:team-payments.");
  const nobody = decideRight({ verb: "manage-tokens", caller: caller(), policy: undefined });
  assert.equal(needInWords(nobody, ""), "Needs the role admin: ask an administrator.");
});

test("without a policy a role holds everywhere, and a scope narrows it", () => {
  const ask = (role: Role, verb: Verb, scope?: Scope): boolean =>
    decideRight({ verb, app: "orders", site: "seoul", caller: caller({ role, scope }), policy: undefined }).allowed;
  for (const role of ROLES)
    for (const verb of VERB_NAMES) assert.equal(ask(role, verb), ROLE_VERBS[role].includes(verb));
  assert.ok(ask("admin", "run-ci", { apps: ["orders"] }));
  assert.ok(!ask("admin", "run-ci", { apps: ["shop"] }));
  assert.ok(!ask("admin", "manage-tokens", { apps: ["orders"] }));
  assert.ok(!ask("admin", "run-ci", { verbs: ["view"] }));
  // Who may change the runners of a site has a hand in all apps there.
  for (const verb of VERB_NAMES.filter((one) => VERBS[one].on === "site"))
    for (const scope of [{ apps: ["orders"] }, { apps: ["*"] }, { apps: ["orders"], sites: ["seoul"] }]) {
      const rights = rightsOf(caller({ role: "admin", scope }), undefined);
      assert.equal(rights.may({ verb, site: "seoul" }), verb === "view-sites", verb);
      assert.equal(rights.mayAnywhere(verb), verb === "view-sites", verb);
    }
  for (const verb of ["enrol", "manage-runners"] as const) {
    assert.ok(ask("admin", verb, { sites: ["seoul"] }));
    assert.ok(!ask("admin", verb, { sites: ["tokyo"] }));
  }
});

test("a policy is refused as a whole, with every mistake, its line and a hint", () => {
  const text = [
    "teams: { payments: [orders] }",
    "bindings:",
    "  - { role: develper, groups: [a], apps: [orders] }",
    "  - { role: viewer, apps: [team:paymants] }",
    "roles:",
    "  admin: { verbs: [view] }",
  ].join("\n");
  const read = readPolicy(text, "roles.yaml");
  assert.ok(!read.ok);
  assert.deepEqual(
    read.problems.map(({ line, detail }) => [line, detail]),
    [
      [6, "roles: the role admin is built in; choose another name"],
      [3, "bindings.0: there is no role develper (did you mean developer?)"],
      [4, 'groups or people is missing; `people: ["*"]` is everybody'],
      [4, "bindings.1: there is no team paymants (did you mean payments?)"],
    ],
  );
  const details = (wrong: string): string => {
    const result = readPolicy(wrong, "roles.yaml");
    assert.ok(!result.ok, wrong);
    return result.problems.map(({ line, detail }) => `${line}: ${detail}`).join("; ");
  };
  assert.match(details("bindings:\n  - { role: viewer, people: [a], app: [x] }"), /2: .*unknown key app/);
  assert.match(details("deny:\n  - { verbs: [run-dc], people: [a] }"), /2: .*did you mean run-cd/);
  assert.match(details("bindings:\n  - { role: viewer, people: [a], apps: [] }"), /2: /);
  assert.match(details("bindings:\n  - { role: viewer, people: [a], apps: ['Team:x'] }"), /2: .*team:NAME/);
  assert.match(details("a: [b"), /1: /);
  assert.match(details("[]"), /must be a map/);
});

const ADMIN = 'bindings:\n  - { role: admin, groups: ["corp:platform"] }\n';
const rolesOf = (...texts: readonly string[]) =>
  readRoles(texts.map((text, at) => ({ file: `roles/${"abc".charAt(at)}.yaml`, text })));

test("the files of the folder roles count together: each may use roles and teams of the others", () => {
  const read = rolesOf(
    "bindings:\n  - { role: releaser, people: [kim], apps: ['team:payments'] }\n",
    "teams: { payments: [orders] }\nroles:\n  releaser: { verbs: [run-cd] }\n",
    ADMIN,
  );
  assert.ok(read.ok);
  const caller = { name: "kim", role: "none" as const, groups: [] };
  assert.equal(decideRight({ caller, policy: read.policy, verb: "run-cd", app: "orders" }).allowed, true);

  const twice = rolesOf(
    "teams: { a: [x] }\n",
    `teams:\n  b: [y]\n  a: [z]\n${ADMIN}`,
    "roles: { a: { verbz: [view] } }\n",
  );
  assert.ok(!twice.ok);
  assert.deepEqual(
    twice.problems.map(({ file, line, detail }) => `${file}:${line} ${detail}`),
    [
      "roles/c.yaml:1 roles.a: verbs is missing",
      "roles/c.yaml:1 roles.a: unknown key verbz (did you mean verbs?)",
      "roles/b.yaml:3 teams: the team a is defined in roles/a.yaml already",
    ],
  );
});

test("roles that leave nobody as an administrator are refused", () => {
  const verdict = (text: string): string => {
    const read = rolesOf(text);
    return read.ok ? "" : read.problems.map(({ file, line, detail }) => `${file}:${line} ${detail}`).join();
  };
  assert.equal(verdict(ADMIN), "");
  const denied = (who: string): string => verdict(`${ADMIN}deny:\n  - { verbs: ["*"], ${who} }\n`);
  for (const who of ['people: ["*"]', 'people: ["corp:*"]', 'groups: ["corp:*"]', 'groups: ["corp:platform"]'])
    assert.match(denied(who), /^roles\/a.yaml:1 nobody would be an administrator: a deny covers everybody/, who);
  for (const who of ['people: ["corp:kim"]', 'people: ["other:*"]', 'groups: ["corp:contractors"]'])
    assert.equal(denied(who), "", who);
  assert.equal(denied('people: ["*"], sites: [prod]'), "", "not a deny of the installation");
  for (const few of [
    "teams: { a: [x] }\n",
    "bindings:\n  - { role: operator, people: [kim] }\n",
    "bindings:\n  - { role: admin, people: [kim], sites: [seoul] }\n",
  ])
    assert.match(verdict(few), /nobody would be an administrator: give the role admin to groups or people/, few);
});

test("a pattern matches as the same regular expression does", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
  const plain = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 8 });
  fc.assert(
    fc.property(word, plain, (pattern, text) => {
      const expected = new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(text);
      assert.equal(matches(pattern, text), expected);
    }),
    { numRuns: testRuns(1_000) },
  );
});

const name = fc.constantFrom("orders", "pay-in", "shop");
const site = fc.constantFrom("seoul", "tokyo", "?");
const pipeline = fc.constantFrom("ci", "cd", "nightly");
const optional = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });
const list = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(of, { minLength: 1, maxLength: 2 });
const verbs = fc.subarray([...VERB_NAMES], { minLength: 1 });
const rule = {
  groups: fc.subarray(["corp:a", "corp:*"]),
  people: fc.subarray(["corp:ada", "corp:kim", "*"]),
  apps: optional(list(fc.constantFrom("orders", "pay-*", "*", "team:payments", "label:tier=gold"))),
  sites: optional(list(fc.constantFrom("seoul", "*", "seoul/test-*"))),
  pipelines: optional(list(fc.constantFrom("ci", "night*"))),
  verbs,
};
const binding: fc.Arbitrary<Binding> = fc.record({ ...rule, role: fc.constant("own") });
const deny: fc.Arbitrary<Deny> = fc.record({ ...rule, reason: fc.constant(undefined) });
const policy: fc.Arbitrary<Policy> = fc.record({
  teams: fc.constant({ payments: ["pay-*"] }),
  bindings: fc.array(binding, { maxLength: 4 }),
  deny: fc.array(deny, { maxLength: 2 }),
});
const scope: fc.Arbitrary<Scope> = fc.record(
  { verbs, apps: list(fc.constantFrom("orders", "*")), sites: list(fc.constantFrom("seoul", "*")) },
  { requiredKeys: [] },
);
const request: fc.Arbitrary<RightRequest> = fc.record({
  verb: fc.constantFrom(...VERB_NAMES),
  app: optional(name),
  team: optional(fc.constant("payments")),
  labels: optional(fc.constant({ tier: "gold" })),
  site: optional(site),
  sites: optional(fc.array(fc.oneof(site, fc.constantFrom("seoul/test-1", "seoul/prod-1")), { maxLength: 2 })),
  pipeline: optional(pipeline),
});
const subject: fc.Arbitrary<Subject> = fc.record({
  name: fc.constantFrom("corp:ada", "corp:kim", "eve"),
  role: fc.constantFrom(...ROLES),
  groups: fc.subarray(["a", "b"]),
  issuer: optional(fc.constantFrom("corp", "other")),
});
const RUNS = { numRuns: testRuns(2_000) };

test("a deny that touches a request wins over everything that allows it", () => {
  fc.assert(
    fc.property(policy, subject, request, deny, (rules, who, asked, one) => {
      const everywhere: Deny = {
        ...one,
        people: ["*"],
        verbs: [asked.verb],
        apps: undefined,
        sites: undefined,
        pipelines: undefined,
      };
      assert.ok(!rightsOf(who, { ...rules, deny: [...rules.deny, everywhere] }).may(asked));
    }),
    RUNS,
  );
});

test("one more deny never allows what was not allowed", () => {
  fc.assert(
    fc.property(policy, subject, request, deny, (rules, who, asked, one) => {
      const before = rightsOf(who, rules).may(asked);
      const after = rightsOf(who, { ...rules, deny: [...rules.deny, one] }).may(asked);
      assert.ok(before || !after);
    }),
    RUNS,
  );
});

test("one more binding never takes a right away", () => {
  fc.assert(
    fc.property(policy, subject, request, binding, (rules, who, asked, one) => {
      const before = rightsOf(who, rules).may(asked);
      assert.ok(!before || rightsOf(who, { ...rules, bindings: [...rules.bindings, one] }).may(asked));
    }),
    RUNS,
  );
});

test("the order of rules does not matter", () => {
  fc.assert(
    fc.property(policy, subject, request, (rules, who, asked) => {
      const turned = { ...rules, bindings: rules.bindings.toReversed(), deny: rules.deny.toReversed() };
      assert.equal(rightsOf(who, turned).may(asked), rightsOf(who, rules).may(asked));
    }),
    RUNS,
  );
});

test("who makes an account or token never gains by it", () => {
  fc.assert(
    fc.property(policy, subject, subject, request, (rules, who, other, asked) => {
      if (hasNoMore(other, who, rules) && rightsOf(other, rules).may(asked)) {
        const isAdmin = VERB_NAMES.every(rightsOf(who, rules).mayEverywhere);
        assert.ok(isAdmin || rightsOf(who, rules).may(asked));
      }
    }),
    RUNS,
  );
});

test("a scope never widens", () => {
  fc.assert(
    fc.property(policy, subject, request, scope, (rules, who, asked, narrow) => {
      assert.ok(rightsOf(who, rules).may(asked) || !rightsOf({ ...who, scope: narrow }, rules).may(asked));
    }),
    RUNS,
  );
});

test("the shortcuts agree with the decision", () => {
  fc.assert(
    fc.property(policy, subject, optional(scope), request, (rules, who, narrow, asked) => {
      const rights = rightsOf({ ...who, scope: narrow }, rules);
      assert.equal(rights.decide(asked).allowed, rights.may(asked));
      if (rights.mayEverywhere(asked.verb)) assert.ok(rights.may(asked));
      if (rights.may(asked)) assert.ok(rights.mayAnywhere(asked.verb));
      if (VERBS[asked.verb].on === "installation" && rights.mayAnywhere(asked.verb))
        assert.ok(rights.may(asked) || rights.decide(asked).obstacle === "denied");
      if (rights.isUniform) assert.equal(rights.may(asked), rights.may({ verb: asked.verb }));
      const { team: _, labels: __, ...rest } = asked;
      if (!rights.needs.record) assert.equal(rights.may(asked), rights.may(rest));
      if (!rights.needs.sites)
        assert.equal(rights.may(asked), rights.may({ ...asked, sites: undefined, site: asked.site }));
      if (rights.isByApp(asked.verb))
        assert.ok(!(VERBS[asked.verb].on === "app" && rights.may({ ...asked, app: undefined })));
    }),
    RUNS,
  );
});

test("a deny that names sites, apps or pipelines works for every verb, or its file is refused", () => {
  for (const verb of VERB_NAMES) {
    const { on } = VERBS[verb];
    for (const [list, value] of [
      ["sites", "prod"],
      ["apps", "orders"],
      ["pipelines", "cd"],
    ] as const) {
      const read = readPolicy(
        `bindings: [{ role: admin, people: [ada] }]\ndeny: [{ verbs: [${verb}], people: [ada], ${list}: [${value}] }]`,
        "roles.yaml",
      );
      if (!read.ok) {
        assert.match(JSON.stringify(read), /this deny would never apply/, verb);
        continue;
      }
      const about = (site: string, app: string, pipeline: string): RightRequest =>
        on === "site" ? { verb, site } : { verb, app, pipeline, sites: [site] };
      const ask = (request: RightRequest) => decideRight({ ...request, caller: caller(), policy: read.policy }).allowed;
      assert.equal(ask(about("prod", "orders", "cd")), false, `${verb} ${list}`);
      assert.equal(ask(about("dev", "shop", "ci")), true, `${verb} ${list}`);
    }
  }
});
