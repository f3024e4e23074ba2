// Keywords of other CI systems with their equivalents in Gantry: hints for unknown keys in pipeline files.

import type { Path } from "../issues.ts";

type Words = { readonly [word: string]: string };

const ANYWHERE: Words = {
  concurrency_group: "use `concurrency`",
  parallelism: "use `maxParallel` of a job with `each` or `matrix`, or `concurrency` with `limit`",
  expire: "use `expires`",
  "<<": "merge keys are not supported; repeat the keys, or use an alias for the whole map",
  if: "use `when`",
  rules: "use `when`",
  only: "use `when`",
  except: "use `when`",
  variables: "use `env`, in a job or a step",
  secrets: "write ${{ secrets.NAME }} in `env` or `with` of a step",
  allow_failure: "use `continueOnError`",
  "continue-on-error": "use `continueOnError`",
  onError: "use `continueOnError: true`",
  "timeout-minutes": "use `timeout`, such as 10m",
  image: "a job runs on a runner; select one with `labels`",
  container: "a job runs on a runner; select one with `labels`",
  services: "start what the job needs in a `run` step",
  extends: "use YAML anchors, or `include` for a template",
  include: "`include` belongs to a job, or stands in place of a step",
  cache: "`cache` belongs to a job: name → paths, with `files` for lock files",
  hashFiles: "use `files` of `cache`",
  "restore-keys": "use `fallback`",
  fallback_keys: "use `fallback`",
  expire_in: "use `retention`",
  "retention-days": "use `retention`",
  "if-no-files-found": "use `optional`",
  artifacts: "`artifacts` belongs to a job: name → paths",
  "upload-artifact": "use `artifacts` of the job",
  "download-artifact": "use `download` of the job",
  permissions: "the permissions are those of the accounts in the runner's configuration",
  interruptible: "use `concurrency` with `policy: cancel-older`",
};

const ON_FAILURE = 'use a job of `finally` with `when: status == "failed"`, or `undo: onFailure`';

const TOP: Words = {
  onFailure: ON_FAILURE,
  on_failure: ON_FAILURE,
  rollback: "use `undo: onFailure`",
  environment: "for environment variables use `env`; the environment of a deployment belongs to a job",
  approval: "`approval` belongs to a job",
  on: "use `triggers`",
  trigger: "use `triggers`",
  workflow: "use `triggers`",
  inputs: "use `params`",
  parameters: "use `params`",
  stages: "use `jobs`, put in order with `needs`",
  pipeline: "use `jobs`",
  steps: "steps belong to a job: jobs.<id>.steps",
  env: "use `env`, in a job or a step",
  defaults: "write the values in each job; YAML anchors avoid repeating them",
  after_script: "use `finally`",
  before_script: "use a `run` step at the beginning of each job",
  post: "use `finally`",
  description: "use `summary`",
};

const TRIGGER: Words = {
  cron: "use `schedule: { cron: … }`",
  schedules: "use `schedule`",
  tags: "use `tag: { names: […] }`",
  merge_request: "use `pull_request`",
  pipeline_run: "use `upstream`",
  workflow_run: "use `upstream`",
  workflow_call: "use `upstream`",
  workflow_dispatch: "every pipeline can be started by a person: leave it out",
  manual: "every pipeline can be started by a person: leave it out",
  event: "each entry is a map with push, tag, pull_request, schedule or upstream",
  timezone: "use `timeZone` in `schedule`",
  tz: "use `timeZone` in `schedule`",
};

const JOB: Words = {
  input: "to ask a person, use `approval`",
  manual: "to wait for a person, use `approval`",
  block: "to wait for a person, use `approval`",
  "runs-on": "use `site`, and `labels` to select a runner",
  agent: "use `site`, and `labels` to select a runner",
  tags: "use `labels`",
  strategy: "use `matrix`, or `each` for a list, with `maxParallel` and `failFast` beside it",
  parallel: "use `matrix`, or `each` for a list",
  depends_on: "use `needs`",
  dependsOn: "use `needs`",
  dependencies: "use `needs`, and `download` for artifacts",
  stage: "use `needs` to put jobs in order",
  script: "use `steps`, each with a `run`",
  run: "`run` belongs to a step: steps: [{ run: … }]",
  uses: "`uses` belongs to a step: steps: [{ uses: … }]; another pipeline is run with `pipeline`",
  trigger: "use `pipeline`, to run another pipeline",
  workflow: "use `pipeline`, to run another pipeline",
  with: "`with` belongs to a step",
  commands: "use `steps`, each with a `run`",
  before_script: "use a `run` step at the beginning",
  after_script: "use a last step with `when: always`, or `finally`",
  name: "use `title`; the name is the key of the job",
  resource_group: "use `concurrency`",
  "fail-fast": "use `failFast`, beside `matrix` or `each`",
  "max-parallel": "use `maxParallel`, beside `matrix` or `each`",
  interval: "use `retry` with `delay`",
};

const STEP: Words = {
  environment: "for environment variables use `env`; the environment of a deployment belongs to the job",
  approval: "`approval` belongs to a job: its steps run after it",
  name: "use `title`, and `id` for references",
  script: "use `run`",
  commands: "use `run`",
  command: "use `run`",
  args: "use `with`",
  settings: "use `with`",
  "working-directory": "use `workingDirectory`",
  cwd: "use `workingDirectory`",
  needs: "steps run in order; `needs` belongs to a job",
  depends_on: "steps run in order; `needs` belongs to a job",
  site: "`site` belongs to a job",
  labels: "`labels` belong to a job",
  plugin: "use `uses`",
};

const RETRY: Words = {
  when: "use `on` and `exitCodes`",
  limit: "use `max`",
  attempts: "use `max`",
  interval: "use `delay`",
};

const CONCURRENCY: Words = {
  "cancel-previous": "use `policy: cancel-older`",
  key: "use `group`",
  max: "use `limit`",
  parallelism: "use `limit`",
  semaphore: "use `group` and `limit`",
  "cancel-in-progress": "use `policy: cancel-older`",
};

const PARAM: Words = {
  options: "use `enum`",
  choices: "use `enum`",
  values: "use `enum`",
  label: "use `title`",
  regex: "use `pattern`",
  min: "use `minimum`, or `minLength` for text",
  max: "use `maximum`, or `maxLength` for text",
};

/** What to write instead; undefined for a word of no known system. `path`: the place of the key. */
export function foreignWordHint(path: Path, key: string): string | undefined {
  const words = { ...ANYWHERE, ...wordsAt(path) };
  return Object.hasOwn(words, key) ? words[key] : undefined;
}

function wordsAt(path: Path): Words {
  if (path.length === 0) return TOP;
  if (path[0] === "triggers") return TRIGGER;
  if (path[0] === "concurrency") return CONCURRENCY;
  if (path[0] === "params" && path.length === 2) return PARAM;
  if (path[0] !== "jobs" && path[0] !== "finally") return {};
  if (path.at(-1) === "retry") return RETRY;
  if (path.at(-1) === "concurrency") return CONCURRENCY;
  if (path.length === 2) return JOB;
  return path[2] === "steps" && path.length === 4 ? STEP : {};
}
