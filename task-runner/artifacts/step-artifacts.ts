// What steps can do with artifacts, in the thread of the job: finds and hashes files, and writes what was downloaded.

import { join } from "node:path";
import { bytesOf } from "@gantry/core/artifact/artifact.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { StepArtifacts } from "@gantry/core/step/step.ts";
import type { StepRun } from "../steps/step-run.ts";
import { addContent } from "./content-folder.ts";
import { findFiles } from "./find-files.ts";
import { writeFiles } from "./write-files.ts";

const SHOWN = 5;
const SAVING = ["artifact/save", "cache/save"];

export function stepArtifacts({ job, step, signal, log }: StepRun): StepArtifacts {
  const { workspace } = job.folders;
  const { content } = job.environment;
  return {
    save: async ({ name, paths, keepMs }) => {
      const found = await findFiles(workspace, paths);
      if (found.tooMany)
        throw new GantryError("artifact-too-large", {
          artifact: `The artifact ${name}`,
          problem: "it would have too many files; pack them into one file",
        });
      const leftOut = [...found.links, ...found.leftOut];
      if (leftOut.length > 0) log.line(`Left out, because they are links or no plain files: ${someOf(leftOut)}`);
      const mayLink = isLastWork(job.spec.steps, step.id);
      const files = [];
      for (const path of found.paths) {
        signal.throwIfAborted();
        const { digest, size, executable } = await addContent(content, join(workspace, path), path, {
          mayLink,
          room: job.contentRoom,
        });
        files.push({ path, digest, size, ...(executable ? { executable: true as const } : {}) });
      }
      if (files.length > 0) await job.artifacts.save({ name, keepMs, files }, signal);
      return { files: files.length, bytes: bytesOf(files) };
    },
    download: async ({ job: from, artifact, to }) => {
      const taken = await job.artifacts.take({ job: from, name: artifact }, signal);
      for (const { job: key, files } of taken) {
        // Of `each`: elements must not overwrite one another.
        const element = /\[(.*)\]$/.exec(key)?.[1];
        const folder = element === undefined || key === from ? to : `${to}/${folderName(element)}`;
        await writeFiles(workspace, folder.replace(/^\.\//, ""), files, content);
      }
      const files = taken.flatMap((one) => one.files);
      return { artifacts: taken.map(({ name }) => name), files: files.length, bytes: bytesOf(files) };
    },
  };
}

/** After it, only Gantry's own code works on the files. */
export function isLastWork(steps: StepRun["job"]["spec"]["steps"], id: string): boolean {
  const after = steps.slice(steps.findIndex((step) => step.id === id) + 1);
  return after.every(({ action }) => action.kind === "uses" && SAVING.includes(action.uses));
}

function folderName(element: string): string {
  const name = element.replace(/[^A-Za-z0-9,._-]+/g, "-");
  return /^\.*$/.test(name) ? "element" : name;
}

function someOf(paths: readonly string[]): string {
  const more = paths.length > SHOWN ? `, and ${paths.length - SHOWN} more` : "";
  return `${paths
    .slice(0, SHOWN)
    .map((path) => JSON.stringify(path))
    .join(", ")}${more}`;
}
