// What goes wrong with the work at a site. Part of the one table in ../errors.ts.

import type { ErrorEntry } from "./entry.ts";

export const SITE_ERRORS = {
  "step-unknown": {
    status: 422,
    message: "This runner does not know the step {step}.",
    why: "The pipeline was written for a newer version of Gantry, or the name is misspelled.",
    todo: "Update the runner, or correct the name.",
  },
  "bad-input": {
    status: 422,
    message: "The input of step {step} is not valid.",
    why: "{problem}",
    todo: "Correct `with:` of this step in the pipeline file.",
  },
  "system-missing": {
    status: 422,
    message: "Site {site} has no {kind} system{name}.",
    why: "The step {step} needs one, but the runner's configuration has none.",
    todo: "Add it under `systems:` in the runner's configuration at site {site}.",
  },
  "credential-missing": {
    status: 422,
    message: "Site {site} has no secret {secret}.",
    why: "{problem}",
    todo: "Add it under `secrets:` in the runner's configuration at site {site}, or provide the file or variable that is named there.",
  },
  "authority-unreadable": {
    status: 422,
    message: "The file of the certificate authority of {system} cannot be used.",
    why: "{problem}",
    todo: "Correct `ca:` at this system in the configuration, or put a PEM file there that the process may read.",
  },
  "certificate-untrusted": {
    status: 422,
    message: "The certificate of {system} is not trusted: {what}.",
    why: "{problem}",
    todo: "Name the file of the certificate authority with `ca:` at this system in the runner's configuration, and check that the host name in `url:` is one of the certificate's names. For a trial only: `insecureSkipVerify: true`.",
  },
  "credential-refused": {
    status: 422,
    message: "{system} refused the credentials.",
    why: "{problem}",
    todo: "Replace the credentials of {system} in the runner's configuration, then rerun from this step.",
  },
  "system-forbidden": {
    status: 422,
    message: "{system} does not allow this: {what}.",
    why: "{problem}",
    todo: "Give the account that Gantry uses at {system} the missing permission.",
  },
  "system-unavailable": {
    status: 503,
    message: "{system} did not answer as expected: {what}.",
    why: "{problem}",
    todo: "Nothing yet: Gantry tries again. If this continues, check {system}.",
    retryable: true,
  },
  "system-refused": {
    status: 422,
    message: "{system} refused the request: {what}.",
    why: "{problem}",
    todo: "Correct the problem that {system} reports, then rerun from this step.",
  },
  "system-strange": {
    status: 502,
    message: "{system} gave an answer that Gantry does not understand: {what}.",
    why: "{problem}",
    todo: "Check the address and the version of {system}. A proxy or a login page may be answering instead.",
  },
  "effect-unknown": {
    status: 409,
    message: "It is unknown whether an earlier attempt made {what}.",
    why: "The answer of {system} was lost, and {system} does not show the result.",
    todo: "Check {system}. If the change was made, mark this step as done. If not, run it again in a new task.",
  },
  "exists-foreign": {
    status: 409,
    message: "{what} already exists, and Gantry did not create it for this app.",
    why: "{problem}",
    todo: "Choose another name, or remove it manually.",
  },
  "script-failed": {
    status: 422,
    message: "The script ended with exit code {exit}.",
    why: "{problem}",
    todo: "Read the log of this step.",
  },
  "outputs-invalid": {
    status: 422,
    message: "The outputs cannot be used.",
    why: "{problem}",
    todo: "Outputs are short values for later steps. Write them as `name=value` lines to the file in $GANTRY_OUTPUT, and keep larger data in files.",
  },
  "timed-out": {
    status: 422,
    message: "{what} took longer than {limit}.",
    why: "The limit is set in the pipeline file.",
    todo: "Find out what takes so long, or raise `timeout:`.",
  },
  "file-invalid": {
    status: 422,
    message: "The file {file} cannot be used.",
    why: "{problem}",
    todo: "Correct the file in its repository, then rerun from this step.",
  },
  superseded: {
    status: 409,
    message: "{what} has moved on to a newer commit.",
    why: "{problem}",
    todo: "Nothing, if the newer commit is the one you want. To go back, revert it in the yaml repository and run CD again.",
  },
  "gate-failed": {
    status: 422,
    message: "{gate} did not pass.",
    why: "{problem}",
    todo: "{todo}",
  },
  "image-missing": {
    status: 422,
    message: "There is no image {image}.",
    why: "{system} does not have it: no build pushed it, or it has been deleted since.",
    todo: "Choose the digest of a build of this app, or run CI. Nothing was changed.",
  },
  "cluster-unknown": {
    status: 422,
    message: "{system} does not know the cluster {cluster}.",
    why: "{problem}",
    todo: "Register the cluster in Argo CD, or correct the target of the app. Nothing was changed.",
  },
  "program-missing": {
    status: 422,
    message: "The program {program} is not installed on this runner.",
    why: "No folder in the runner's PATH contains it.",
    todo: "Install {program} on the runners of this site, or use `labels:` to select a runner that has it.",
  },
  "disk-limit": {
    status: 422,
    message: "The script wrote more than {limit} MiB.",
    why: "This is the limit for all files of a job on this runner.",
    todo: "Write less, remove what is not needed, or let the platform team raise `limits.diskMb` of the runner.",
  },
  "disk-full": {
    status: 503,
    message: "The disk of the runner is almost full: {free} MiB are free.",
    why: "The job uses {used} MiB of it, so its script was stopped before other jobs fail.",
    todo: "Write less, or let the platform team make room on the runner.",
  },
  "scripts-refused": {
    status: 503,
    message: "The runner {runner} refuses scripts.",
    why: "They are to run in a sandbox, and {why}.",
    todo: "Make bubblewrap work on the runner's machine. Or write `isolation: container` when the runner is alone in a container, or `isolation: none` when nobody but you writes its scripts.",
  },
  "dockerfile-invalid": {
    status: 422,
    message: "The image cannot be built: the Dockerfile, or a file that it uses, has a mistake.",
    why: "{problem}",
    todo: "Correct the listed lines and push again.",
  },
  "no-builder": {
    status: 422,
    message: "This Dockerfile needs an image builder that the runner does not have.",
    why: "{problem}",
    todo: "Install buildah, buildctl, podman, docker or kaniko on a runner and select it with `labels:`, or change the Dockerfile so that it only copies files and sets metadata.",
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
