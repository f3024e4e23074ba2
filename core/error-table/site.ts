// What goes wrong with the work at a site. Part of the one table in ../errors.ts.

import type { ErrorEntry } from "./entry.ts";

export const SITE_ERRORS = {
  "step-unknown": {
    status: 422,
    message: "This runner does not know the step {step}.",
    why: "The pipeline was written for a newer version of Gantry, or the name is misspelt.",
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
    why: "The step {step} needs one, and the runner's configuration names none.",
    todo: "Add it under `systems:` in the runner's configuration of site {site}.",
  },
  "credential-missing": {
    status: 422,
    message: "Site {site} has no secret {secret}.",
    why: "{problem}",
    todo: "Add it under `secrets:` in the runner's configuration of site {site}, or provide the file or variable it names.",
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
    todo: "Renew the credential of {system} in the runner's configuration, then rerun from this step.",
  },
  "system-forbidden": {
    status: 422,
    message: "{system} does not allow this: {what}.",
    why: "{problem}",
    todo: "Give the account that Gantry uses at {system} the missing right.",
  },
  "system-unavailable": {
    status: 503,
    message: "{system} did not answer properly: {what}.",
    why: "{problem}",
    todo: "Nothing at once: it is tried again. If it goes on, look at {system}.",
    retryable: true,
  },
  "system-refused": {
    status: 422,
    message: "{system} refused: {what}.",
    why: "{problem}",
    todo: "Correct what {system} complains about, then rerun from this step.",
  },
  "system-strange": {
    status: 502,
    message: "{system} gave an answer that Gantry does not understand: {what}.",
    why: "{problem}",
    todo: "Check the address and the version of {system}; a proxy or a login page may be answering in its place.",
  },
  "effect-unknown": {
    status: 409,
    message: "It is not known whether an earlier attempt made {what}.",
    why: "The answer of {system} was lost, and {system} does not show it.",
    todo: "Look at {system}. If it is there, mark this step as done; if not, run it again in a new task.",
  },
  "exists-foreign": {
    status: 409,
    message: "{what} exists, and Gantry did not make it for this app.",
    why: "{problem}",
    todo: "Choose another name, or remove it by hand.",
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
    todo: "Outputs are short facts for later steps: write `name=value` lines to the file that GANTRY_OUTPUT names, and keep data in files.",
  },
  "timed-out": {
    status: 422,
    message: "{what} took longer than {limit}.",
    why: "The limit is set in the pipeline file.",
    todo: "Find out what hangs, or raise `timeout:`.",
  },
  "file-invalid": {
    status: 422,
    message: "The file {file} cannot be edited.",
    why: "{problem}",
    todo: "Correct the file in its repository, then rerun from this step.",
  },
  superseded: {
    status: 409,
    message: "{what} has gone on to a newer commit.",
    why: "{problem}",
    todo: "Nothing, when the newer commit is the one you want; to go back, revert in the yaml repository and run CD again.",
  },
  "gate-failed": {
    status: 422,
    message: "{gate} is red.",
    why: "{problem}",
    todo: "{todo}",
  },
  "program-missing": {
    status: 422,
    message: "The program {program} is not on this runner.",
    why: "It is in no folder of the runner's PATH.",
    todo: "Install {program} on the runners of this site, or ask with `labels:` for a runner that has it.",
  },
  "dockerfile-invalid": {
    status: 422,
    message: "The image cannot be built: the Dockerfile or the files it names are wrong.",
    why: "{problem}",
    todo: "Correct the lines that are listed, and push again.",
  },
  "no-builder": {
    status: 422,
    message: "This Dockerfile needs an image builder that the runner does not have.",
    why: "{problem}",
    todo: "Install buildah, buildctl, podman, docker or kaniko on a runner and ask for it with `labels:`, or make the Dockerfile only copy files and set metadata.",
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
