import assert from "node:assert/strict";
import { test } from "node:test";
import { explain, GantryError } from "@gantry/core/errors.ts";
import { decideBuilder, findObstacle, neededStages } from "./decide-builder.ts";
import { parseDockerfile } from "./dockerfile/dockerfile.ts";

function obstacleOf(text: string, args: Record<string, string> = {}) {
  const { dockerfile, problems } = parseDockerfile(text);
  assert.deepEqual(problems, []);
  return findObstacle(dockerfile, args);
}

test("copying files and setting metadata needs no builder", () => {
  const text = [
    "ARG REGISTRY=r.example",
    "FROM scratch AS files",
    "COPY dist/ /dist/",
    "FROM ${REGISTRY}/web-base:1",
    "COPY --from=files --chown=1000:1000 --chmod=0755 --link /dist /srv/",
    "ADD page.html /srv/",
    "ENV A=1",
    "LABEL b=2",
    "WORKDIR /srv",
    "EXPOSE 8080",
    "USER web",
    "VOLUME /data",
    "STOPSIGNAL SIGINT",
    "HEALTHCHECK CMD true",
    'SHELL ["/bin/bash", "-c"]',
    "ONBUILD RUN true",
    "ENTRYPOINT web",
    'CMD ["serve"]',
  ].join("\n");
  assert.equal(obstacleOf(text), undefined);
});

test("names the line and the instruction that needs a real builder", () => {
  const cases: readonly [string, number, RegExp][] = [
    ["FROM a\nUSER x\nRUN npm ci", 3, /RUN runs a command/],
    ["FROM a\nADD https://example.com/x.tgz /x", 2, /ADD downloads/],
    ["FROM a\nADD git@example.com:a/b.git /x", 2, /ADD downloads/],
    ["FROM a\nADD root.tar.gz /", 2, /ADD unpacks/],
    ["FROM a\nARG URL\nADD $URL /x", 3, /ADD names a source by a variable/],
    ["FROM a\nCOPY --from=nginx:1 /etc/x /x", 2, /COPY --from=nginx:1 takes files out of another image/],
    ["FROM b AS one\nFROM a\nCOPY --from=one /x /x", 3, /COPY --from=one takes files out of a stage with a base image/],
    ["FROM a\nCOPY --parents a/b /x", 2, /COPY --parents is not known/],
    ["FROM a\nCOPY --chmod=u+x a /x", 2, /COPY --chmod must be octal/],
  ];
  for (const [text, line, sentence] of cases) {
    const obstacle = obstacleOf(text);
    assert.equal(obstacle?.line, line, text);
    assert.match(`${obstacle?.instruction} ${obstacle?.why}`, sentence);
  }
});

test("a stage that the last one does not need is no obstacle, and one behind a variable is found", () => {
  assert.equal(obstacleOf("FROM a AS test\nRUN npm test\nFROM scratch\nCOPY x /x"), undefined);
  const text = "ARG BASE=one\nFROM a AS one\nRUN true\nFROM ${BASE}\nUSER x";
  assert.equal(obstacleOf(text)?.line, 3);
  assert.equal(obstacleOf(text, { BASE: "scratch" }), undefined);
  const { dockerfile } = parseDockerfile("FROM a AS x\nFROM b AS y\nFROM x\nCOPY --from=1 /a /b");
  assert.deepEqual(
    neededStages(dockerfile, {}).map(({ base }) => base),
    ["a", "b", "x"],
  );
});

test("chooses the assembler where it can, else the first builder that is there", () => {
  const obstacle = { line: 3, instruction: "RUN", why: "runs a command in the image" };
  const file = "Dockerfile";
  assert.equal(decideBuilder({ requested: "auto", available: ["buildah"], obstacle: undefined, file }), "assembler");
  assert.equal(decideBuilder({ requested: "auto", available: ["kaniko", "podman"], obstacle, file }), "podman");
  assert.equal(decideBuilder({ requested: "kaniko", available: ["kaniko"], obstacle: undefined, file }), "kaniko");
});

test("says what is missing when no builder fits", () => {
  const obstacle = { line: 3, instruction: "RUN", why: "runs a command in the image" };
  const none = { available: [], obstacle, file: "ci/Dockerfile" } as const;
  const why = (requested: "auto" | "assembler" | "docker"): string => {
    try {
      decideBuilder({ ...none, requested });
    } catch (error) {
      if (error instanceof GantryError && error.code === "no-builder") return explain(error).why;
    }
    return assert.fail("it must refuse");
  };
  assert.equal(why("auto"), "ci/Dockerfile, line 3: RUN runs a command in the image.");
  assert.match(why("assembler"), /line 3: RUN .* The built-in assembler cannot do that/);
  assert.match(why("docker"), /asks for docker, which is not on this runner/);
});
