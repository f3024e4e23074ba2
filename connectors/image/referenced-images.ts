// Which images of a registry a Dockerfile takes something from. Pure.

import { parseReference } from "../oci/reference.ts";
import { findStage } from "./decide-builder.ts";
import { type Dockerfile, flagOf, type Instruction } from "./dockerfile/dockerfile.ts";
import { type Arguments, baseOf } from "./dockerfile/interpret.ts";

/** `name`: as the Dockerfile names it, filled in. */
export type ReferencedImage = { readonly name: string; readonly repository: string };

/**
 * Images at `host` that base images, `--from` and `# syntax` name. Names that only a builder can fill in are not among
 * them, nor are those that base images name (ONBUILD). Throws `dockerfile-invalid`.
 */
export function referencedImages(dockerfile: Dockerfile, given: Arguments, host: string): readonly ReferencedImage[] {
  const { stages, syntax } = dockerfile;
  const names = stages.flatMap((stage, index) => {
    const before = stages.slice(0, index);
    const all = [baseOf(dockerfile, stage, given), ...stage.instructions.flatMap(sourcesOf)];
    return all.filter((name) => findStage(before, name) === undefined);
  });
  const all = new Set([...names, ...(syntax === undefined ? [] : [syntax])]);
  return [...all].flatMap((name) => {
    const reference = parseReference(name);
    return reference?.host === host ? [{ name, repository: reference.repository }] : [];
  });
}

function sourcesOf(instruction: Instruction): readonly string[] {
  const from = flagOf(instruction, "from");
  const mounts = instruction.flags.flatMap(([name, value]) => (name === "mount" ? value.split(",") : []));
  const mounted = mounts.flatMap((one) => (one.startsWith("from=") ? [one.slice("from=".length)] : []));
  return from === undefined ? mounted : [from, ...mounted];
}
