// What the jobs of a task have saved: each artifact with its files, which can be shown or downloaded.

import type { ArtifactFileView, ArtifactView } from "@gantry/wire/agent/artifacts.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { useState } from "preact/hooks";
import { type Page, v1 } from "../../data/api.ts";
import { useResource } from "../../data/store.ts";
import { bytesText, count } from "../../parts/format.ts";
import { Loaded } from "../../parts/loading-states.tsx";
import { Moment } from "../../parts/values.tsx";

/** Nothing for a task without artifacts, and for people who may not see them. */
export function Artifacts({ task }: { task: TaskView }) {
  const artifacts = useResource<Page<ArtifactView>>(v1.artifacts(task.id), {
    reloadOn: ({ subject, data }) => subject === task.id && data.event.kind === "ArtifactSaved",
  });
  const items = artifacts.data.value?.items ?? [];
  if (items.length === 0) return null;
  return (
    <section>
      <h2>Artifacts</h2>
      <ul class="artifacts">
        {items.map((one) => (
          <li key={`${one.job}/${one.name}`}>
            <Artifact task={task.id} artifact={one} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Artifact({ task, artifact }: { task: string; artifact: ArtifactView }) {
  const [isOpen, setOpen] = useState(false);
  const { job, name, files, bytes, keptUntil, state } = artifact;
  return (
    <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span class="strong mono">{name}</span>{" "}
        <span class="soft">
          of {job}: {count(files, "file")}, {bytesText(bytes)}, {state === "expired" ? "expired" : "kept until"}{" "}
          <Moment at={keptUntil} />
        </span>
      </summary>
      {isOpen && state === "kept" ? <Files task={task} artifact={artifact} /> : null}
      {isOpen && state === "expired" ? (
        <p class="quiet">Its files are removed. Rerun the job to make them again.</p>
      ) : null}
    </details>
  );
}

function Files({ task, artifact: { job, name } }: { task: string; artifact: ArtifactView }) {
  const files = useResource<Page<ArtifactFileView>>(v1.artifactFiles(task, job, name));
  return (
    <Loaded resource={files}>
      {({ items }) => (
        <ul class="files">
          {items.map(({ path, size }) => (
            <li key={path}>
              <a class="mono" href={v1.artifactContent(task, job, name, path)} download>
                {path}
              </a>{" "}
              <span class="soft num">{bytesText(size)}</span>{" "}
              <a href={v1.artifactContent(task, job, name, path, true)} target="_blank" rel="noreferrer">
                Show as text
              </a>
            </li>
          ))}
        </ul>
      )}
    </Loaded>
  );
}
