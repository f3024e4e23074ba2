// On the page of pipelines: which set is in force, and why a newer one is not.

import type { DefinitionSource, DefinitionsView } from "@gantry/wire/agent/definitions.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { send, to, v1 } from "../../data/api.ts";
import { mayDo } from "../../data/session.ts";
import { useResource } from "../../data/store.ts";
import { useAction } from "../../data/use-action.ts";
import { count } from "../../parts/format.ts";
import { Loaded, ProblemBox } from "../../parts/loading-states.tsx";
import { Section } from "../../parts/page-layout.tsx";
import { Prose } from "../../parts/prose.tsx";
import { CopyableId, RelativeTime } from "../../parts/values.tsx";

export function Definitions() {
  const view = useResource<DefinitionsView>(v1.definitions, {
    reloadOn: ({ data, type }) => data.pipeline === "definitions-sync" && type === "dev.gantry.task.ended.v1",
  });
  const { isSending, problem, run } = useAction();
  const readNow = (): void =>
    run(async () => {
      await send<TaskView>("POST", v1.syncDefinitions);
      view.reload();
    });
  return (
    <Section title="Definitions in force">
      <Loaded resource={view}>
        {({ inForce, notes = [], refused, sync }) => (
          <>
            <p class="facts-line soft">
              <Source source={inForce.source} />
              {inForce.since === undefined ? null : (
                <span>
                  since <RelativeTime at={inForce.since} />
                </span>
              )}
              {sync?.task === undefined ? null : <a href={to.task(sync.task)}>last read: {STATES[sync.state]}</a>}
              {sync === undefined || !mayDo("manage-settings") ? null : (
                <button type="button" class="button small" disabled={isSending} onClick={readNow}>
                  Read now
                </button>
              )}
            </p>
            {inForce.files === undefined ? null : <Files files={inForce.files} />}
            {notes.map((note) => (
              <p class="quiet" key={note}>
                {note}
              </p>
            ))}
            {sync?.problem === undefined ? null : (
              <p class="quiet">
                <Prose text={sync.problem} />
              </p>
            )}
            {refused === undefined ? null : <Refused refused={refused} />}
          </>
        )}
      </Loaded>
      {problem ? <ProblemBox problem={problem} /> : null}
    </Section>
  );
}

const STATES = { none: "not yet", running: "running", read: "done", failed: "failed" } as const;

/** What counts besides the pipelines, with the beginning of each version. */
function Files({ files }: { files: NonNullable<DefinitionsView["inForce"]["files"]> }) {
  return (
    <p class="facts-line soft">
      {files.map(({ file, digest }) => (
        <span key={file} title={digest}>
          {file} <code>{digest.replace("sha256:", "").slice(0, 12)}</code>
        </span>
      ))}
    </p>
  );
}

function Source({ source }: { source: DefinitionSource | undefined }) {
  if (source === undefined) return <span>by the platform team</span>;
  if (source.kind === "folder") return <span>from the folder of the task-agent</span>;
  const { project, slug, branch } = source.repository;
  return (
    <>
      <span>
        from{" "}
        <span class="mono">
          {project}/{slug}
        </span>
        , branch {branch}
      </span>
      <span>
        commit <CopyableId value={source.commit} /> {source.subject}
      </span>
    </>
  );
}

function Refused({ refused }: { refused: NonNullable<DefinitionsView["refused"]> }) {
  const { commit, count: all, problems } = refused;
  return (
    <div class="refused" role="alert">
      <p class="strong">
        {commit === undefined ? "The files of the folder are" : `Commit ${commit.slice(0, 12)} is`} refused because of{" "}
        {count(all, "mistake")}. The set in force stays.
      </p>
      <ul>
        {problems.map(({ file, line, detail }) => (
          <li key={`${file}:${line}:${detail}`}>
            {file === undefined ? null : (
              <span class="mono">
                {file}:{line ?? 1}{" "}
              </span>
            )}
            {detail}
          </li>
        ))}
      </ul>
    </div>
  );
}
