// Steps that edit YAML files of the workspace. They change nothing outside: a later git step commits and pushes.

import { join } from "node:path";
import type { JsonValue } from "@gantry/core/json.ts";
import { succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, NO_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { readInside, writeInside } from "./files.ts";
import { setImage } from "./set-image.ts";
import { parsePath, setPath } from "./set-path.ts";
import { directory, files, line, orFailed } from "./step-parts.ts";

const json = z
  .json()
  .refine(isExact, "holds an integer above 2^53, whose last digits would be lost; write it as a text in quotes");
/** Which document of a file with several. All fields that are given must fit exactly one document. */
const document = z
  .strictObject({
    apiVersion: z.string().min(1).optional(),
    kind: z.string().min(1).optional(),
    name: z.string().min(1).optional(),
    namespace: z.string().min(1).optional(),
    /** Position in the file, from 0; empty documents do not count. */
    index: z.int().min(0).max(10_000).optional(),
  })
  .refine((selector) => Object.values(selector).some((one) => one !== undefined), "must name at least one field");

export const kustomizeSetImage = defineStep({
  name: "kustomize/set-image",
  title: "Set the image in kustomization files",
  input: z.strictObject({
    files,
    /** Name of the image in the base's manifests. */
    image: line,
    newName: line,
    digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, "must be a sha256 digest"),
    directory,
  }),
  /** `previous` holds the digest that a file named before, where it named one. */
  output: z.object({ changed: z.array(z.string()), previous: z.record(z.string(), z.string()) }),
  needs: [],
  acts: () => [],
  effects: [],
  retry: NO_RETRY,
  timeoutMs: 60_000,
  plan: async ({ input }) =>
    input.files.map((file) => `set ${input.image} to ${input.newName}@${input.digest} in ${file}`),
  run: ({ input, workspace, log }) =>
    orFailed(async () => {
      const changed: string[] = [];
      const previous: Record<string, string> = {};
      for (const file of input.files) {
        const edited = setImage(file, await readInside(workspace, join(input.directory, file)), input);
        if (edited.previous !== undefined) previous[file] = edited.previous;
        log(edited.changed ? `${file}: ${edited.previous ?? "no digest"} → ${input.digest}` : `${file}: unchanged`);
        if (!edited.changed) continue;
        await writeInside(workspace, join(input.directory, file), edited.text);
        changed.push(file);
      }
      return succeeded({ changed, previous });
    }),
});

export const yamlEdit = defineStep({
  name: "yaml/edit",
  title: "Edit YAML files",
  input: z.strictObject({
    files,
    set: z
      .array(
        z.strictObject({
          /** `spec.replicas`, `images[0].newTag`, `containers[name=web].image`, `labels["app.kubernetes.io/name"]` */
          path: z
            .string()
            .min(1)
            .max(512)
            .refine((text) => parsePath(text) !== undefined, "is not a path"),
          value: json,
          document: document.optional(),
        }),
      )
      .min(1)
      .max(100),
    directory,
  }),
  output: z.object({ changed: z.array(z.string()) }),
  needs: [],
  acts: () => [],
  effects: [],
  retry: NO_RETRY,
  timeoutMs: 60_000,
  plan: async ({ input }) =>
    input.files.flatMap((file) =>
      input.set.map(
        (one) => `set ${one.path} to ${JSON.stringify(one.value)} in ${file}${documentNamed(one.document)}`,
      ),
    ),
  run: ({ input, workspace, log }) =>
    orFailed(async () => {
      const changed: string[] = [];
      for (const file of input.files) {
        const before = await readInside(workspace, join(input.directory, file));
        const after = input.set.reduce(
          (text, one) => setPath(file, text, parsePath(one.path) ?? [], one.value, one.document).text,
          before,
        );
        log(`${file}: ${after === before ? "unchanged" : "changed"}`);
        if (after === before) continue;
        await writeInside(workspace, join(input.directory, file), after);
        changed.push(file);
      }
      return succeeded({ changed });
    }),
});

function isExact(value: JsonValue): boolean {
  if (typeof value === "number") return !Number.isInteger(value) || Number.isSafeInteger(value);
  return typeof value !== "object" || value === null || Object.values(value).every(isExact);
}

function documentNamed(selector: z.output<typeof document> | undefined): string {
  if (selector === undefined) return "";
  const fields = Object.entries(selector).filter(([, value]) => value !== undefined);
  return ` (document with ${fields.map(([field, value]) => `${field} ${value}`).join(", ")})`;
}
