// Words of other CI systems and languages in expressions, with their equivalents in Gantry.

type Terms = { readonly [term: string]: string };

const STATUS = 'compare `status`, as in `status == "failed"`';
const TEXT = "pass the value itself: it keeps its type, and becomes JSON inside of other text";
const LOWER = "write `text.lower()`";
const UPPER = "write `text.upper()`";
const SIZE = "write `size(…)`";
const DEFAULT = 'write `params.?name.orValue("…")`';
const LIST = "compute it in a script, and use its output";

const FUNCTIONS: Terms = {
  success: STATUS,
  failure: STATUS,
  failed: STATUS,
  succeeded: STATUS,
  cancelled: STATUS,
  canceled: STATUS,
  always: "`when: always` is a condition of its own",
  toJSON: `write \`toJson(x)\`, or ${TEXT}`,
  fromJSON: "write `fromJson(text)`",
  format: "write `text + text`, or several `${{ }}` in one text",
  hashFiles: "write `files` in a `cache` of the job",
  len: SIZE,
  length: SIZE,
  count: SIZE,
  includes: "write `contains`, or `element in list`",
  toLowerCase: LOWER,
  toLower: LOWER,
  lowerAscii: LOWER,
  toUpperCase: UPPER,
  toUpper: UPPER,
  upperAscii: UPPER,
  slice: "write `text.substring(start, end)`; for lists, use `filter`",
  first: "write `list[0]`",
  last: "write `list[size(list) - 1]`",
  charAt: "write `text.substring(at, at + 1)`",
  default: DEFAULT,
  coalesce: DEFAULT,
  str: "write `string(…)`",
  toString: "write `string(…)`",
  parseInt: "write `int(…)`",
  sort: LIST,
  reverse: LIST,
  distinct: LIST,
  flatten: LIST,
};

const VARIABLES: Terms = {
  success: STATUS,
  failure: STATUS,
  succeeded: STATUS,
  failed: STATUS,
  canceled: STATUS,
  cancelled: STATUS,
  on_success: STATUS,
  on_failure: STATUS,
  always: '`when: always` is a condition of its own; write `status != "canceled"` beside others',
  yes: "write `true`",
  no: "write `false`",
  github: "who started the task is `task.requestedBy`, and a commit is an output of `git/checkout`",
  gitlab: "who started the task is `task.requestedBy`, and a commit is an output of `git/checkout`",
  env: "name what the environment variable is made of, such as a param; scripts read `$NAME`",
  vars: "use a param with a default",
  variables: "use a param with a default",
  inputs: "use `params`",
  parameters: "use `params`",
  matrix: "use `each`, as in `each.os`",
  item: "use `each`",
  strategy: "use `each`",
  runner: "scripts read it from the machine; `labels` select a runner",
  job: "use `status`",
  workflow: "use `task.pipeline`",
  outputs: "use `steps.<id>.outputs` or `needs.<job>.outputs`",
  True: "write `true`",
  False: "write `false`",
  TRUE: "write `true`",
  FALSE: "write `false`",
  None: "write `null`",
  nil: "write `null`",
  undefined: "`has(params.name)` tests whether there is a value",
};

/** `; write …`, or nothing. */
export function foreignFunctionHint(name: string): string {
  return hintOf(FUNCTIONS, name);
}

/** The same for variables. */
export function foreignVariableHint(name: string): string {
  return hintOf(VARIABLES, name);
}

function hintOf(terms: Terms, name: string): string {
  return Object.hasOwn(terms, name) ? `; ${terms[name]}` : "";
}
