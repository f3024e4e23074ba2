// An app as a team would write it, for tests.

import type { AppInput } from "./app-shape.ts";

export function appInput(changes: Partial<AppInput> = {}): AppInput {
  return {
    title: "Orders",
    source: { system: "bitbucket", project: "APPS", slug: "orders" },
    build: { site: "seoul" },
    yaml: { system: "bitbucket", project: "APPS", slug: "orders-deploy" },
    targets: [{ name: "seoul", site: "seoul", cluster: "seoul-dp", overlay: "overlays/seoul-dp" }],
    ...changes,
  };
}
