// `gantry app pipelines`: which pipelines the buttons of an app start.

import { ACTIONS } from "@gantry/core/choice/actions.ts";
import { type AppPipelinesView, appPipelinesView } from "@gantry/wire/agent/app-pipelines.ts";
import type { Call, Outcome } from "../table/command.ts";

export async function showAppPipelines({
  portal,
  args: [name],
}: Call<object, readonly [name: string]>): Promise<Outcome> {
  const view = await portal().get(`/v1/apps/${encodeURIComponent(name)}/pipelines`, appPipelinesView);
  return { value: view, text: inWords(view) };
}

function inWords(view: AppPipelinesView): string {
  const buttons = ACTIONS.map((action) => {
    const choice = view[action];
    return `Run ${action.toUpperCase()}: ${"name" in choice ? choice.name : choice.problem}\n`;
  });
  const others = (view.others ?? []).map(({ name, button }) => `${button}: ${name}\n`);
  return `${[...buttons, ...others].join("")}${view.own ? ownInWords(view.own) : ""}`;
}

function ownInWords({ branch, commit, at, pipelines, problems = [] }: NonNullable<AppPipelinesView["own"]>): string {
  const read = `\nIts own, as read from ${branch} (commit ${commit.slice(0, 12)}) at ${at}:\n`;
  if (problems.length > 0)
    return `${read}none, because of mistakes:\n${problems.map((one) => `  ${one.file}:${one.line}: ${one.detail}\n`).join("")}`;
  return `${read}${pipelines.length === 0 ? "none\n" : pipelines.map((one) => `  ${one.name}  ${one.file}\n`).join("")}`;
}
