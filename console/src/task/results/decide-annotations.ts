// What the scripts of a task said about their files, by file, with links to the lines at the git host.

import type { AnnotationView, JobView, StepView, TaskView } from "@gantry/wire/agent/views.ts";

export type Said = {
  readonly annotation: AnnotationView;
  readonly job: JobView;
  readonly step: StepView;
  /** The line at the git host; undefined when it is not known. */
  readonly href: string | undefined;
};
/** `file`: undefined for what is about no file. */
export type FileAnnotations = { readonly file: string | undefined; readonly said: readonly Said[] };

const ORDER = { error: 0, warning: 1, notice: 2 };

/** The files with errors first; in a file by line. */
export function annotationsByFile({ jobs }: Pick<TaskView, "jobs">): readonly FileAnnotations[] {
  const files = new Map<string | undefined, Said[]>();
  for (const job of jobs) {
    for (const step of job.steps) {
      for (const annotation of step.annotations ?? []) {
        const said = { annotation, job, step, href: lineAddress(job, step, annotation) };
        files.set(annotation.file, [...(files.get(annotation.file) ?? []), said]);
      }
    }
  }
  const worst = (said: readonly Said[]): number => Math.min(...said.map(({ annotation }) => ORDER[annotation.level]));
  return [...files]
    .map(([file, said]) => ({
      file,
      said: said.toSorted((a, b) => (a.annotation.line ?? 0) - (b.annotation.line ?? 0)),
    }))
    .toSorted((a, b) => worst(a.said) - worst(b.said));
}

/** How many annotations there are of each level, and how many were left out. */
export function annotationCounts({ jobs }: Pick<TaskView, "jobs">) {
  const steps = jobs.flatMap((job) => job.steps);
  const all = steps.flatMap(({ annotations = [] }) => annotations);
  const of = (level: AnnotationView["level"]): number => all.filter((one) => one.level === level).length;
  const leftOut = steps.reduce((sum, { annotationsLeftOut = 0 }) => sum + annotationsLeftOut, 0);
  return { error: of("error"), warning: of("warning"), notice: of("notice"), leftOut };
}

/** Where the last check out before the step has the file. Only the platform's own step says so, never a script. */
export function lineAddress(job: JobView, step: StepView, { file, line }: AnnotationView): string | undefined {
  const before = job.steps.slice(0, job.steps.indexOf(step));
  const checkout = before.findLast(({ uses, state }) => uses === "git/checkout" && state === "succeeded");
  const { fileUrl, directory = "." } = checkout?.outputs ?? {};
  if (file === undefined || typeof fileUrl !== "string" || !/^https?:\/\//.test(fileUrl)) return undefined;
  const folder = directory === "." || typeof directory !== "string" ? "" : `${directory.replace(/^\.\/|\/$/g, "")}/`;
  const path = file.startsWith(folder) ? file.slice(folder.length).split("/") : [];
  if (path.length === 0 || file.startsWith("/") || path.some((part) => part === "" || /^\.\.?$/.test(part))) {
    return undefined;
  }
  const page = fileUrl.replace("{path}", () => path.map(encodeURIComponent).join("/"));
  return line === undefined ? page.replace(/#.*$/, "") : page.replace("{line}", String(line));
}

/** `src/app.js line 3, column 5`, for screen readers. */
export function lineText({ line, column }: AnnotationView): string {
  if (line === undefined) return "";
  return column === undefined ? `line ${line}` : `line ${line}, column ${column}`;
}
