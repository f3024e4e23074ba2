// The name of a pipeline, with a link where it has a page: Gantry makes some itself (of fan-outs and undos), and others are gone, or not
// for this person to see.

import type { PipelineView } from "@gantry/wire/agent/views.ts";
import { type Page, to, v1 } from "../data/api.ts";
import { useResource } from "../data/store.ts";

export function PipelineLink({ name }: { name: string }) {
  const known = useResource<Page<PipelineView>>(v1.pipelines).data.value?.items ?? [];
  // Those of an app are not in the list of all.
  const hasPage = name.includes(".") || known.some((one) => one.name === name);
  return hasPage ? <a href={to.pipeline(name)}>{name}</a> : <span>{name}</span>;
}
