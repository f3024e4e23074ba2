// One kustomization that several apps and people change: a CD whose lines were changed since its checkout sets the images anew.

import assert from "node:assert/strict";
import { test } from "node:test";
import { BASE, openField } from "./adopted.fixture.ts";
import { deployment, repository } from "./adopted-shapes.fixture.ts";

const LIST = (back: string): string =>
  `resources: [front.yaml, back.yaml]\nimages: [{name: front, newTag: v1}, {name: back, newTag: ${back}}]   # both\n`;

test("a CD whose line was changed since its checkout deploys on top of the change", { timeout: 300_000 }, async (t) => {
  const field = await openField(t);
  const { gantry } = field;
  await field.makeRepository("front", { "app.py": "1\n", Dockerfile: `${BASE}COPY app.py /srv/app.py\n` });
  await field.makeRepository("shop", {
    "live/kustomization.yaml": LIST("v1"),
    "live/front.yaml": deployment("front", "front"),
    "live/back.yaml": deployment("back", "back"),
  });
  await field.adopt("front", {
    title: "Front",
    source: repository("front"),
    build: { site: "seoul" },
    yaml: { ...repository("shop"), form: "kustomize" },
    targets: [{ name: "seoul", site: "seoul", cluster: "seoul-dp", overlay: "live" }],
  });
  const build = await field.ci("front");

  // The first push does not arrive. While Gantry waits to push again, somebody else changes the same line.
  await field.failOnce("POST .*/shop.git/git-receive-pack");
  const { id } = await field.start("front");
  await gantry.until(id, ({ kind, step }) => kind === "StepWaiting" && step === "push");
  await field.push("shop", { "live/kustomization.yaml": LIST("v2") });

  const task = await gantry.ended(id);
  assert.equal(task.state, "succeeded", `${task.headline} ${JSON.stringify(task.failure)}`);
  const { files, commits } = await field.contents("shop");
  const text = files["live/kustomization.yaml"] ?? "";
  assert.ok(text.includes(build.images[0]?.digest ?? "?"), text);
  assert.match(text, /name: back, newTag: v2\}\] {3}# both/, "the change of the other one is kept");
  assert.equal(commits, 3, "the beginning, the change, and one deployment");
});
