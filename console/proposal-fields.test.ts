// The form that a proposal fills in.

import assert from "node:assert/strict";
import { test } from "node:test";
import { PROPOSAL, SITES } from "./data.fixture.ts";
import { appBody, appFields } from "./src/pages/app-fields.ts";
import { decisionsOf, foundNotes, lookBody, lookCommand, proposedEntries } from "./src/pages/proposal-fields.ts";

const fields = appFields(SITES, true);

test("what is sent is what was proposed, until somebody changes it", () => {
  const entries = proposedEntries(fields, PROPOSAL);
  assert.deepEqual(appBody(fields, entries), { name: "tills", ...PROPOSAL.app });
});

test("each field says where its value was found", () => {
  const notes = foundNotes(fields, PROPOSAL);
  assert.equal(notes["source.branch"], "Found: default branch of SHOP/tills.");
  assert.equal(notes.targets, "Found: 0.files: names shop/tills (tills.yaml:14).");
});

test("a choice changes the fields that it is about, and keeps what was typed", () => {
  const [decision] = decisionsOf(fields, PROPOSAL);
  assert.deepEqual(
    [decision?.title, decision?.options.map(({ text }) => text)],
    ["Targets", ["seoul / seoul-dp", "tokyo / tokyo-dp"]],
  );
  const typed = { ...proposedEntries(fields, PROPOSAL), title: "Our tills" };
  const chosen = decision?.options[1]?.entries(typed) ?? {};
  const body = appBody(fields, chosen);
  assert.deepEqual([body.title, body.name], ["Our tills", "tills"]);
  assert.deepEqual(body.targets, [{ name: "tokyo", site: "tokyo", cluster: "tokyo-dp", files: ["tills.yaml"] }]);
});

test("the yaml repository is in the project of the source, unless another one is named", () => {
  const source = { system: "bitbucket", project: "SHOP", slug: "tills" };
  assert.deepEqual(lookBody({ source, yaml: { project: "X" } }), { source });
  assert.deepEqual(lookBody({ source, yaml: { slug: "y" } }).yaml, { slug: "y", project: "SHOP" });
  assert.deepEqual(lookBody({ source, yaml: { slug: "y", project: "Z" } }).yaml, { slug: "y", project: "Z" });
});

test("the command does what the form does", () => {
  assert.equal(lookCommand({}), "gantry app adopt --from SYSTEM/PROJECT/SLUG");
  const source = { system: "bitbucket", project: "SHOP", slug: "tills", folder: "api" };
  assert.equal(
    lookCommand({ source, yaml: { slug: "deployments" }, team: "payments" }),
    "gantry app adopt --from bitbucket/SHOP/tills --yaml SHOP/deployments --folder api --team payments",
  );
});
