// Who starts a task learns in the answer which systems the sites of its jobs lack.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolFixture } from "../runner-protocol/protocol.fixture.ts";

const PROJECT = `name: project
title: project
button: Run project
app: none
jobs:
  work: { site: seoul, steps: [{ title: Make, uses: jira/create-project, with: { key: ORD, name: orders } }] }
`;

test("the answer to a start names the system that no runner of the site has, once a runner has registered", async (t) => {
  const fixture = await ProtocolFixture.open(t, { project: PROJECT });
  assert.equal((await fixture.request("project")).warnings, undefined, "nobody knows yet");
  await fixture.runner("seoul-1");
  const [warning, ...more] = (await fixture.request("project")).warnings ?? [];
  assert.match(
    warning ?? "",
    /^No runner of the site seoul has a system of the kind jira, which the step “Make” needs: /,
  );
  assert.deepEqual(more, []);
  assert.equal((await fixture.request("safe")).warnings, undefined, "its step needs no system");
});
