// Looking for apps that could be adopted, through the API.

import assert from "node:assert/strict";
import { completeRecord, recordOf } from "@gantry/core/app/app-record.ts";
import { readApp } from "@gantry/core/app/read-app.ts";
import { isJsonObject, type JsonObject } from "@gantry/core/json.ts";
import { type AppProposal, appProposal } from "@gantry/wire/agent/proposals.ts";
import type { Field } from "./adopted.fixture.ts";
import { repository } from "./adopted-shapes.fixture.ts";

/** Looks, and waits for the proposal. */
export async function look(field: Field, body: object): Promise<AppProposal> {
  const started = await field.gantry.call("POST", "/v1/app-proposals", body);
  assert.equal(started.status, 202, JSON.stringify(started.body));
  const address = started.headers.get("location") ?? "";
  for (;;) {
    const answer = await field.gantry.call("GET", `${address}?wait=30000`);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    const proposal = appProposal.parse(answer.body);
    if (proposal.state !== "running") return proposal;
  }
}

export const lookAt = (field: Field, slug: string, yaml?: string, more: object = {}): Promise<AppProposal> =>
  look(field, {
    source: repository(slug),
    ...(yaml === undefined ? {} : { yaml: { project: "APPS", slug: yaml } }),
    ...more,
  });

/** The complete record without what people may choose freely: what a target is called. */
export function plain(name: string, app: unknown): JsonObject {
  const read = readApp(name, app);
  assert.ok(read.ok, JSON.stringify(read));
  const { targets, ...rest } = completeRecord(name, recordOf(name, read.fields));
  const all = Array.isArray(targets) ? targets : [];
  return { ...rest, targets: all.map((one) => (isJsonObject(one) ? { ...one, name: "?" } : one)) };
}

export const opens = ({ open }: AppProposal): readonly string[] =>
  open.map(({ kind, pointer }) => `${kind} ${pointer}`);
