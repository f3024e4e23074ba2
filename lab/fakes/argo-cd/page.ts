// The page of one application, for people.

import { fakePage } from "../page.ts";
import type { AppRecord } from "./model.ts";

export function applicationPage({ object: app }: AppRecord): string {
  const { spec, status } = app;
  const resources = (status.resources ?? []).map(({ kind, name, status: sync, health }) => {
    const more = health ? `, ${health.status}${health.message ? `: ${health.message}` : ""}` : "";
    return [`${kind} ${name}`, `${sync}${more}`] as const;
  });
  const operation = status.operationState;
  const history = (status.history ?? []).map((one) => `${one.deployedAt}  ${one.revision}`).reverse();
  return fakePage("Argo CD", app.metadata.name, [
    ["Health", status.health?.status ?? "Unknown"],
    ["Sync", `${status.sync?.status ?? "Unknown"} ${status.sync?.revision ?? ""}`],
    ["Last operation", operation ? `${operation.phase}: ${operation.message}` : "none"],
    ["Conditions", (status.conditions ?? []).map((one) => `${one.type}: ${one.message}`).join("\n") || "none"],
    ["Source", `${spec.source.repoURL} ${spec.source.path ?? "."} at ${spec.source.targetRevision ?? "HEAD"}`],
    ["Destination", `${spec.destination.name ?? spec.destination.server} / ${spec.destination.namespace ?? ""}`],
    ["Images", (status.summary?.images ?? []).join("\n") || "none"],
    ...resources,
    ["History", history.join("\n") || "nothing was deployed"],
  ]);
}
