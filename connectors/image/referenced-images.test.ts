import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDockerfile } from "./dockerfile/dockerfile.ts";
import { referencedImages } from "./referenced-images.ts";

test("the images that a Dockerfile takes something from are found, whatever names them", () => {
  const text = `# syntax=h.example/tools/frontend:1
ARG REGISTRY
ARG BASE=\${REGISTRY}/apps/base
FROM \${BASE}:1 AS build
RUN --mount=type=bind,from=h.example/apps/mounted,target=/x true
COPY --from=h.example/apps/copied@sha256:${"a".repeat(64)} /x /x
FROM build AS same
FROM elsewhere.example/apps/other
FROM scratch
COPY --from=build /x /x
COPY --from=0 /x /x
`;
  const { dockerfile, problems } = parseDockerfile(text);
  assert.deepEqual(problems, []);
  const found = referencedImages(dockerfile, { REGISTRY: "h.example" }, "h.example");
  assert.deepEqual(
    found.map(({ repository }) => repository),
    ["apps/base", "apps/mounted", "apps/copied", "tools/frontend"],
  );
  assert.equal(found[0]?.name, "h.example/apps/base:1");
});
