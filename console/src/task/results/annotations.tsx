// What the scripts of a task said about their files.

import type { TaskView } from "@gantry/wire/agent/views.ts";
import { withQuery } from "../../frame/router.ts";
import { count, readable } from "../../parts/format.ts";
import { Icon } from "../../parts/icon.tsx";
import { Prose } from "../../parts/prose.tsx";
import { annotationCounts, annotationsByFile, lineText, type Said } from "./decide-annotations.ts";

const HUES = { error: "red", warning: "amber", notice: "blue" } as const;
const GLYPHS = { error: "✕", warning: "▲", notice: "●" } as const;

export function Annotations({ task }: { task: TaskView }) {
  const { error, warning, notice, leftOut } = annotationCounts(task);
  if (error + warning + notice + leftOut === 0) return null;
  const counts = [count(error, "error"), count(warning, "warning"), count(notice, "notice")];
  return (
    <section class="annotations" aria-label="Annotations">
      <h2>
        Annotations <span class="soft num">{counts.filter((text) => !text.startsWith("0 ")).join(", ")}</span>
      </h2>
      {annotationsByFile(task).map(({ file, said }) => (
        <div key={file ?? ""} class="annotated">
          <h3 class={file === undefined ? "" : "mono"}>{file === undefined ? "Without a file" : readable(file)}</h3>
          <ul>
            {said.map((one, at) => (
              <Annotation key={at} {...one} />
            ))}
          </ul>
        </div>
      ))}
      {leftOut === 0 ? null : (
        <p class="quiet">{count(leftOut, "more annotation")} in the logs: a step keeps 10 of each level, a job 50.</p>
      )}
    </section>
  );
}

function Annotation({ annotation, job, step, href }: Said) {
  const { level, title, message } = annotation;
  const place = lineText(annotation);
  return (
    <li class={`annotation hue-${HUES[level]}`}>
      <span class="annotation-level">
        <span aria-hidden="true">{GLYPHS[level]}</span> {level}
      </span>
      <div>
        {title === undefined ? null : (
          <p class="strong">
            <Prose text={readable(title)} />
          </p>
        )}
        <p class="annotation-text">
          <Prose text={readable(message)} />
        </p>
        <p class="soft facts-line">
          {place === "" && href === undefined ? null : href === undefined ? (
            <span class="num">{place}</span>
          ) : (
            <a href={href} target="_blank" rel="noreferrer" class="num">
              {place === "" ? "Show the file" : place} <Icon name="out" />
            </a>
          )}
          <span>
            <a href={withQuery({ job: job.key, step: step.id, attempt: undefined, tab: undefined })}>
              <Prose text={step.title} />
            </a>{" "}
            in <span class="mono">{job.key}</span>
          </span>
        </p>
      </div>
    </li>
  );
}
