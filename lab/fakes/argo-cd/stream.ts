// `GET /api/v1/stream/applications`: what is there, then every change, as one JSON document per line.

import { PassThrough } from "node:stream";
import type Router from "@koa/router";
import type { Application } from "./model.ts";
import type { FakeArgoCd } from "./refresh.ts";

/**
 * Without `resourceVersion`, and with `name`, the stream begins with the applications that there are; otherwise it is silent
 * until something changes, and nothing at all is sent before: not even the status. There is no sign of life in between.
 */
export function streamRoutes(router: Router, { state }: FakeArgoCd, watchers: Set<(name: string) => void>): void {
  router.get("/api/v1/stream/applications", (ctx) => {
    const { name: wanted, resourceVersion, projects } = ctx.query;
    const stream = new PassThrough();
    const known = new Map<string, Application>(Object.entries(state.apps).map(([name, { object }]) => [name, object]));
    const write = (type: "ADDED" | "MODIFIED" | "DELETED", application: Application): void => {
      if (wanted && wanted !== application.metadata.name) return;
      if (projects && ![projects].flat().includes(application.spec.project)) return;
      stream.write(`${JSON.stringify({ result: { type, application } })}\n`);
    };
    const onChanged = (name: string): void => {
      const before = known.get(name);
      const application = state.apps[name]?.object;
      if (application) {
        known.set(name, application);
        write(before ? "MODIFIED" : "ADDED", application);
      } else if (before) {
        known.delete(name);
        write("DELETED", before);
      }
    };
    watchers.add(onChanged);
    stream.once("close", () => watchers.delete(onChanged));
    if (!resourceVersion || wanted) for (const application of known.values()) write("ADDED", application);
    ctx.type = "application/json";
    ctx.body = stream;
  });
}
