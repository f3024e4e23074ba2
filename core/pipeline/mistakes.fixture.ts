// Pipeline files with one mistake each, for the tests of the rules and for the page of all messages.

/** What is wrong, the file, and what must be said about it, as `line: text`. */
export type Mistake = readonly [what: string, text: string, expected: RegExp];

/** A whole file around some lines of one job. */
export function job(lines: string, params = ""): string {
  return `name: demo\n${params}jobs:\n  build:\n    site: seoul\n${lines}`;
}

const NUMBERS = Array.from({ length: 100 }, (_, at) => at).join(", ");

export const MISTAKES: readonly Mistake[] = [
  ["no jobs", "name: demo\n", /^1: jobs is missing$/],
  [
    "an expression without quotes in a list",
    job("    labels: [${{ params.x }}]\n    steps: [{ run: x }]\n"),
    /^5: the YAML is not valid: .*; a text with an expression needs quotes around it, of the other kind than those inside$/,
  ],
  [
    "the quotes of a text inside of its expression",
    job('    env: { A: "${{ steps["a"].outcome }}" }\n    steps: [{ run: x }]\n'),
    /^5: the YAML is not valid: .*; a text with an expression needs quotes around it, of the other kind/,
  ],
  [
    "an action of another system",
    job("    steps: [{ uses: actions/checkout@v4 }]\n"),
    /^5: there is no step actions\/checkout@v4; actions of other systems cannot be used: take a step of Gantry, such as git\/checkout, or `run`$/,
  ],
  [
    "always beside something else",
    job("    steps: [{ run: x, when: always && task.id == 'x' }]\n"),
    /^5: there is no variable always; `when: always` is a condition of its own/,
  ],
  ["a word for a status", job("    steps: [{ run: x, when: failed }]\n"), /no variable failed; compare `status`/],
  [
    "canceling as in another system",
    job("    steps: [{ run: x }]\n", "concurrency: { group: g, cancel-in-progress: true }\n"),
    /^2: unknown key cancel-in-progress; use `policy: cancel-older`$/,
  ],
  [
    "choices of a param as in another system",
    job("    steps: [{ run: x }]\n", "params: { a: { type: string, options: [a, b] } }\n"),
    /^2: unknown key options; use `enum`$/,
  ],
  [
    "a choice of a build that is a number",
    job("    steps: [{ run: x }]\n", "app: existing\nparams: { build: { type: integer, ui: build } }\n"),
    /^3: .*a param with `ui: build` must have the type string$/,
  ],
  [
    "a choice of a build with a default",
    job("    steps: [{ run: x }]\n", 'app: existing\nparams: { build: { type: string, default: "3", ui: build } }\n'),
    /^3: .*has no default: without a value, the newest build is taken$/,
  ],
  [
    "an approver that is no group, person or role",
    job("    approval: { question: Go?, approvers: [ops] }\n    steps: [{ run: x }]\n"),
    /^5: .*group:NAME, person:NAME or role:NAME/,
  ],
  [
    "a team as an approver",
    job('    approval: { question: Go?, approvers: ["team:shop"] }\n    steps: [{ run: x }]\n'),
    /^5: .*a team is a list of apps and cannot approve$/,
  ],
  [
    "more approvals than people",
    job(
      '    approval:\n      question: Go?\n      approvers: ["person:kim"]\n      count: 2\n    steps: [{ run: x }]\n',
    ),
    /^8: there are fewer than 2 approvers, so nothing could be approved$/,
  ],
  [
    "an approval that expires at once",
    job("    approval: { question: Go?, expires: 0s }\n    steps: [{ run: x }]\n"),
    /^5: it must be longer than 0$/,
  ],
  [
    "a secret input of an approval",
    job(
      "    approval:\n      question: Go?\n      inputs:\n        pin: { type: string, secret: true }\n    steps: [{ run: x }]\n",
    ),
    /^8: what an approver answers is shown to everybody/,
  ],
  [
    "an input of an approval that is not there",
    job(
      "    approval:\n      question: Go?\n      inputs: { percent: integer }\n    steps: [{ run: x, env: { P: '${{ approval.inputs.percnt }}' } }]\n",
    ),
    /^8: the approval has no input percnt \(did you mean percent\?\)$/,
  ],
  [
    "an approval that is used by a job that waits for none",
    job("    steps: [{ run: x, env: { P: '${{ approval.by }}' } }]\n"),
    /^5: approval is only known of a job with `approval`, `environment` or `deploys`$/,
  ],
  [
    "an approval in a condition, which is decided before",
    job("    approval: Go?\n    when: approval.by == 'kim'\n    steps: [{ run: x }]\n"),
    /^6: `approval` is not known at this place$/,
  ],
  [
    "an approval of a later job that asks nothing",
    job("    steps: [{ run: x }]\n    outputs: { a: '${{ needs.build.approval }}' }\n"),
    /^6: build does not need the job build/,
  ],
  [
    "an approval in finally",
    `${job("    steps: [{ run: x }]\n")}finally:\n  clean:\n    site: seoul\n    approval: Go?\n    steps: [{ run: x }]\n`,
    /^9: a job of finally always runs, so it cannot have `approval`$/,
  ],
  [
    "a job of finally that deploys past what holds an environment",
    `${job("    steps: [{ run: x }]\n")}finally:\n  clean:\n    site: seoul\n    deploys: seoul\n    steps: [{ run: x }]\n`,
    /^9: a job of finally always runs, so it cannot have `deploys`$/,
  ],
  [
    "a misspelt key of an approval",
    job("    approval: { question: Go?, aprovers: [] }\n    steps: [{ run: x }]\n"),
    /^5: .*aprovers.*did you mean approvers/,
  ],
  ["an approval on a step", job("    steps: [{ run: x, approval: Go? }]\n"), /^5: .*`approval` belongs to a job/],
  ["no steps", "name: demo\njobs:\n  a:\n    site: x\n", /^3: steps is missing$/],
  ["empty steps", "name: demo\njobs:\n  a:\n    site: x\n    steps: []\n", /^5: steps must not be empty$/],
  ["no name", "jobs:\n  a: { site: x, steps: [{ run: x }] }\n", /^1: name is missing$/],
  ["a list as a file", "- a\n", /^1: a pipeline file is a map/],
  ["a step without action", job("    steps:\n      - title: x\n"), /^6: a step needs `uses` or `run`$/],
  [
    "a step with two actions",
    job(
      "    steps:\n      - run: x\n        uses: git/checkout\n        with: { repository: { project: a, slug: b } }\n",
    ),
    /^6: a step has `uses` or `run`, not both$/,
  ],
  ["with on a script", job("    steps:\n      - run: x\n        with: {}\n"), /^7: `with` belongs to `uses`/],
  [
    "a folder outside",
    job("    steps:\n      - run: x\n        workingDirectory: ../x\n"),
    /^7: the folder must be below/,
  ],
  ["no input at all", job("    steps:\n      - uses: git/checkout\n"), /^6: git\/checkout: repository is missing$/],
  [
    "a wrong choice",
    job("    steps:\n      - uses: nexus/settings\n        with:\n          formats: [nmp]\n"),
    /^8: nexus\/settings: element 1 of formats must be one of npm, maven, pypi \(did you mean npm\?\)$/,
  ],
  [
    "an expression for the whole input",
    job("    steps:\n      - uses: nexus/settings\n        with:\n          formats: ${{ params.x }}\n"),
    /^8: there is no param x$/,
  ],
  ["self need", job("    needs: build\n    steps: [{ run: x }]\n"), /^5: the job build needs itself$/],
  [
    "twice the same need",
    job("    needs: [a, a]\n    steps: [{ run: x }]\n  a: { site: x, steps: [{ run: x }] }\n"),
    /^5: the job a is named twice$/,
  ],
  [
    "ids differing by case",
    job("    steps: [{ run: x }]\n  Build: { site: x, steps: [{ run: x }] }\n"),
    /^6: the ids build and Build differ only by case$/,
  ],
  [
    "the same id in finally",
    job("    steps: [{ run: x }]\nfinally:\n  build: { site: x, steps: [{ run: x }] }\n"),
    /^7: the id build occurs twice$/,
  ],
  [
    "twice the same step id",
    job("    steps:\n      - { id: a, run: x }\n      - { id: a, run: x }\n"),
    /^7: the id a occurs twice$/,
  ],
  [
    "a reserved id",
    "name: demo\njobs:\n  constructor: { site: x, steps: [{ run: x }] }\n",
    /^3: constructor is not a valid name/,
  ],
  [
    "an id with strange letters",
    "name: demo\njobs:\n  bäu: { site: x, steps: [{ run: x }] }\n",
    /^3: bäu is not a valid name/,
  ],
  [
    "a main job that needs a final one",
    job("    needs: end\n    steps: [{ run: x }]\nfinally:\n  end: { site: x, steps: [{ run: x }] }\n"),
    /^5: the job end runs at the end/,
  ],
  [
    "a huge matrix",
    job(`    matrix: { a: [${NUMBERS}], b: [${NUMBERS}], c: [${NUMBERS}] }\n    steps: [{ run: x }]\n`),
    /^5: the matrix has 1000000 combinations/,
  ],
  [
    "each and matrix",
    job("    each: [a]\n    matrix: { a: [1] }\n    steps: [{ run: x }]\n"),
    /^6: a job has `each` or `matrix`, not both$/,
  ],
  ["no time at all", job("    timeout: 0s\n    steps: [{ run: x }]\n"), /^5: a timeout must be longer than 0$/],
  ["when false", job("    when: 'false'\n    steps: [{ run: x }]\n"), /^5: `when: false` never runs$/],
  [
    "a broken expression",
    job("    when: a ||\n    steps: [{ run: x }]\n"),
    /^5: the expression is incomplete: something is missing at its end$/,
  ],
  [
    "an expression that is not closed",
    job('    env: { A: "${{ x" }\n    steps: [{ run: x }]\n'),
    /^5: `\$\{\{` is not closed with `\}\}`$/,
  ],
  [
    "an unknown variable",
    job('    env: { A: "${{ param.x }}" }\n    steps: [{ run: x }]\n'),
    /^5: there is no variable param \(did you mean params\?\)$/,
  ],
  [
    "a job that is not needed",
    job("    steps: [{ run: x }]\n  b:\n    site: ${{ needs.build.outputs.x }}\n    steps: [{ run: x }]\n"),
    /^7: b does not need the job build; add it to `needs`$/,
  ],
  [
    "an output that the job lacks",
    job(
      "    steps: [{ run: x }]\n    outputs: { image: a }\n  b:\n    needs: build\n    site: ${{ needs.build.outputs.imge }}\n    steps: [{ run: x }]\n",
    ),
    /^9: the job build has no output imge \(did you mean image\?\)$/,
  ],
  [
    "outputs of a job with each",
    job(
      '    each: [a]\n    steps: [{ run: x }]\n    outputs: { image: a }\noutputs: { x: "${{ jobs.build.outputs.image }}" }\n',
    ),
    /^8: the job build runs once per element: its outputs are in jobs\.build\.each$/,
  ],
  [
    "each without each",
    job('    env: { A: "${{ each.x }}" }\n    steps: [{ run: x }]\n'),
    /^5: `each` is only known in a job with/,
  ],
  [
    "an axis that is not there",
    job('    matrix: { os: [a] }\n    env: { A: "${{ each.ox }}" }\n    steps: [{ run: x }]\n'),
    /^6: the matrix has no axis ox \(did you mean os\?\)$/,
  ],
  [
    "all values of a matrix as a label",
    job('    matrix: { os: [a] }\n    labels: ["${{ each }}"]\n    steps: [{ run: x }]\n'),
    /^6: this must be text, and gives a map$/,
  ],
  [
    "a step that comes later",
    job('    steps:\n      - { run: x, env: { A: "${{ steps.b.outcome }}" } }\n      - { id: b, run: x }\n'),
    /^6: the step b has not run yet at this place$/,
  ],
  [
    "a member of text",
    job('    env: { A: "${{ site.name }}" }\n    steps: [{ run: x }]\n'),
    /^5: site is text and has no member name$/,
  ],
  [
    "an unknown fact of the task",
    job('    env: { A: "${{ task.user }}" }\n    steps: [{ run: x }]\n'),
    /^5: there is no task\.user$/,
  ],
  [
    "a hyphen read as minus",
    job(
      '    steps:\n      - { id: set-image, run: x }\n      - { run: x, env: { A: "${{ steps.set-image.outcome }}" } }\n',
    ),
    /a name with a hyphen is written steps\["set-image"\]$/,
  ],
  [
    "all secrets",
    job('    steps:\n      - { run: x, env: { A: "${{ secrets }}" } }\n'),
    /^6: name one secret: secrets\.NAME$/,
  ],
  [
    "secrets in a condition",
    job("    steps:\n      - { run: x, when: secrets.A == 'x' }\n"),
    /^6: secrets can only be used in/,
  ],
  [
    "an app where there is none",
    `app: none\n${job('    env: { A: "${{ app.name }}" }\n    steps: [{ run: x }]\n')}`,
    /^6: this pipeline has `app: none`/,
  ],
  [
    "a new app without record",
    `app: new\n${job("    steps: [{ run: x }]\n", "params: { name: string }\n")}`,
    /^1: `app: new` needs `outputs\.app`/,
  ],
  [
    "a new app that is asked for",
    `app: new\noutputs: { app: "\${{ app.source }}" }\n${job("    steps: [{ run: x }]\n", "params: { name: string }\n")}`,
    /^2: the app does not exist yet/,
  ],
  [
    "a limit that does not fit",
    job("    steps: [{ run: x }]\n", "params: { a: { type: string, minimum: 3 } }\n"),
    /^2: `minimum` does not apply to type string$/,
  ],
  [
    "a pattern with look-around",
    job("    steps: [{ run: x }]\n", "params: { a: { type: string, pattern: '(?=x)' } }\n"),
    /^2: the pattern cannot be used: look-around/,
  ],
  [
    "a secret param with a default",
    job("    steps: [{ run: x }]\n", "params: { a: { type: string, secret: true, default: hunter2 } }\n"),
    /^2: a secret cannot have a default: everybody can read this file/,
  ],
  [
    "a secret param that is no text",
    job("    steps: [{ run: x }]\n", "params: { a: { type: integer, secret: true } }\n"),
    /^2: `secret` does not apply to type integer/,
  ],
  [
    "a secret param in a condition",
    job(
      "    when: params.a != ''\n    steps: [{ run: x }]\n",
      "params: { a: { type: string, secret: true, required: true } }\n",
    ),
    /params\.a is secret: it can only be used in `with` and `env` of a step/,
  ],
  [
    "a secret param in an output",
    job(
      '    outputs: { x: "${{ params.a }}" }\n    steps: [{ run: x }]\n',
      "params: { a: { type: string, secret: true, required: true } }\n",
    ),
    /params\.a is secret: it can only be used in `with` and `env` of a step/,
  ],
  [
    "a choice of another type",
    job("    steps: [{ run: x }]\n", "params: { a: { type: string, enum: [a, 1] } }\n"),
    /^2: the choice does not fit/,
  ],
  [
    "an unknown type",
    job("    steps: [{ run: x }]\n", "params: { a: { type: strng } }\n"),
    /^2: type must be one of .* \(did you mean string\?\)$/,
  ],
  [
    "an unknown key of a param",
    job("    steps: [{ run: x }]\n", "params: { a: { type: string, titel: x } }\n"),
    /^2: unknown key titel \(did you mean title\?\)$/,
  ],
  [
    "a title with an expression",
    job("    title: Build ${{ params.x }}\n    steps: [{ run: x }]\n"),
    /^5: a title cannot contain an expression$/,
  ],
];

const PARAMS = `params:
  n: integer
  ratio: number
  dry: boolean
  who: string
  list: { type: array, items: string }
  stage: { type: string, enum: [dev, prod] }
`;
/** The lines of the job begin at line 13, those of its step at line 15. */
export function file({ job = "", step = "", rest = "" }): string {
  const indent = (text: string, by: string) => text && `${by}${text}\n`;
  return `name: demo\n${PARAMS}jobs:\n  first: { site: x, steps: [{ id: made, run: x }], outputs: { a: b, made: "\${{ steps.made.outputs.x }}", any: "\${{ fromJson(params.who) }}" } }\n  main:\n    needs: first\n    site: seoul\n${indent(job, "    ")}    steps:\n      - { id: one, run: x }\n      - run: x\n${indent(step, "        ")}${rest}`;
}

/** A step behind a checkout with the id co. */
function afterCheckout(lines: string): string {
  return `env: {}\n      - { id: co, uses: git/checkout, with: { repository: { project: a, slug: b } } }\n      - run: y\n        ${lines}`;
}

/** Files that could be read and that would fail, or never do something, at run time. */
export const RUN_TIME_MISTAKES: readonly Mistake[] = [
  ["a map as a condition", file({ job: "when: app" }), /must be true or false, and this is a map/],
  ["all outputs as a condition", file({ step: "when: steps.one.outputs" }), /true or false, and this is a map/],
  [
    "a choice between texts as a condition",
    file({ job: "when: 'params.dry ? params.who : params.stage'" }),
    /must be true or false, and this is text/,
  ],
  ["the negation of a map", file({ job: "when: '!task'" }), /`!` needs true or false/],
  ["a text function of a map", file({ step: 'env: { A: "${{ app.lower() }}" }' }), /lower cannot be used on a map/],
  ["a text function of a number", file({ step: 'env: { A: "${{ params.ratio.lower() }}" }' }), /lower cannot be used/],
  [
    "a text that is no number",
    file({ step: `env: { A: "\${{ int('x') }}" }` }),
    /`int\(…\)` cannot make a number of this/,
  ],
  ["an empty text that is no number", file({ step: `env: { A: "\${{ int('') }}" }` }), /cannot make a number of this/],
  ["a sum of the texts of a param", file({ step: "when: params.list.sum() > 3" }), /sum\(\) is for lists of integers/],
  [
    "a sum of a number",
    file({ step: "when: params.n.sum() > 3" }),
    /the function sum cannot be used on a whole number/,
  ],
  [
    "a last place in a number",
    file({ step: 'when: params.n.lastIndexOf("x") > 3' }),
    /the function lastIndexOf cannot/,
  ],
  ["a sum of texts", file({ step: `env: { A: "\${{ ['a'].sum() }}" }` }), /sum\(\) is for lists of integers/],
  ["a list as a key", file({ step: `env: { A: "\${{ {['a']: 1} }}" }` }), /a key of a map must be text/],
  [
    "a list of a param as a key",
    file({ step: 'env: { A: "${{ {params.list: 1} }}" }' }),
    /a key of a map must be text/,
  ],
  [
    "a part beyond a text",
    file({ step: `env: { A: "\${{ 'ab'.substring(3) }}" }` }),
    /`substring` begins or ends outside of the text/,
  ],
  ["an internal function", file({ step: `env: { A: "\${{ int_('1') }}" }` }), /there is no function int_/],
  [
    "a member of a text param",
    file({ step: 'env: { A: "${{ params.who.name }}" }' }),
    /text has no members and no elements/,
  ],
  ["a character of a text by its place", file({ step: 'env: { A: "${{ params.who[0] }}" }' }), /text has no members/],
  ["a member of the name of the app", file({ job: "when: app.name.x == 'a'" }), /text has no members/],
  ["a member of a number", file({ step: "when: params.n.max > 1" }), /a whole number has no members/],
  [
    "a name as a place in a list",
    file({ step: `env: { A: "\${{ params.list['a'] }}" }` }),
    /the place in a list must be a whole number, not text/,
  ],
  ["a division by zero", file({ step: 'env: { A: "${{ 1 / 0 }}" }' }), /division by zero/],
  ["an element of an empty list", file({ step: 'env: { A: "${{ [][0] }}" }' }), /the list has no element \[0\]/],
  ["a param that is divided by zero", file({ step: 'env: { A: "${{ params.n / 0 }}" }' }), /division by zero/],
  ["a rest of a division by zero", file({ step: "when: params.n % (2 - 2) == 1" }), /modulo by zero/],
  ["a division by zero in a choice", file({ step: 'env: { A: "${{ params.dry ? 1 / 0 : 2 }}" }' }), /division by zero/],
  ["a division by zero in a list", file({ job: "each: ${{ params.list.map(x, 3 / 0) }}" }), /division by zero/],
  ["a text that is no number beside a param", file({ step: `when: params.n > int("x")` }), /cannot make a number/],
  ["no number between parentheses", file({ step: `when: (params.n * (2 + int("x"))) > 3` }), /cannot make a number/],
  [
    "a place behind the last one of a list",
    file({ step: 'env: { A: "${{ [params.n, 2][2] }}" }' }),
    /no element \[2\]/,
  ],
  ["a place before a list", file({ step: 'env: { A: "${{ params.list[-1] }}" }' }), /the list has no element \[-1\]/],
  [
    "the last part of a text as in other languages",
    file({ step: `env: { A: "\${{ params.who.split('/')[-1] }}" }` }),
    /the list has no element \[-1\]/,
  ],
  [
    "the last characters of a text as in other languages",
    file({ step: 'env: { A: "${{ params.who.substring(-3) }}" }' }),
    /`substring` begins or ends outside of the text/,
  ],
  ["a search before a text", file({ step: `when: params.who.indexOf("x", -1) > 0` }), /`indexOf` begins outside/],
  [
    "a key that a map in the expression does not have",
    file({ step: `env: { A: "\${{ {'a': params.n}.b }}" }` }),
    /there is no "b" in {'a': params.n}$/,
  ],
  [
    "a key in brackets that a map in the expression does not have",
    file({ step: `env: { A: "\${{ {'a': params.n}['b'] }}" }` }),
    /there is no 'b' in/,
  ],
  [
    "a key of an inner map",
    file({ step: `env: { A: "\${{ {'a': {'c': params.n}}.a.b }}" }` }),
    /there is no "b" in {'a': {'c': params.n}}.a$/,
  ],
  ["a key of a map in a list", file({ step: "when: '[{\"a\": params.n}][0].b == 1'" }), /there is no "b" in/],
  ["a place of an inner list", file({ step: `when: '{"a": [params.n]}.a[1] == 2'` }), /the list has no element \[1\]/],
  ["a key of an empty map", file({ job: "each: ${{ [{}.x, params.n] }}" }), /there is no "x" in {}$/],
  [
    "a part of a text whose end is before its beginning",
    file({ step: 'env: { A: "${{ params.who.substring(2, 1) }}" }' }),
    /`substring` begins or ends outside of the text/,
  ],
  [
    "the same key twice in a map",
    file({ step: `env: { A: "\${{ {'a': params.n, 'a': 2} }}" }` }),
    /the key a occurs twice in the map/,
  ],
  [
    "a number and a text as the same key",
    file({ step: `when: '{1: "a", "1": "b"}[params.n] == "a"'` }),
    /key 1 occurs/,
  ],
  [
    "an expression in quotes inside of a condition",
    file({ step: "when: params.who == '${{ params.stage }}'" }),
    /a text in quotes stays as it is, with its `\$\{\{`; name the value outside/,
  ],
  [
    "an expression inside of another one",
    file({ step: `env: { A: "\${{ params.dry ? '\${{ params.who }}' : 'x' }}" }` }),
    /a text in quotes stays as it is/,
  ],
  ["a number above 2^53", file({ step: 'env: { A: "${{ 9007199254740991 + 1 }}" }' }), /cannot be kept exactly/],
  ["a type as a value", file({ step: 'env: { A: "${{ type(params.who) }}" }' }), /gives a type, which is no value/],
  [
    "a number without a sign as a value",
    file({ step: 'env: { A: "${{ uint(params.n) }}" }' }),
    /gives a number without a sign, which is no value; convert it with int\(…\)/,
  ],
  [
    "a list of types",
    file({ step: 'env: { A: "${{ [type(params.who)] }}" }' }),
    /this has a type in it, which is no value/,
  ],
  [
    "a list of lists of durations",
    file({ step: 'env: { A: "${{ [[duration(params.who)]] }}" }' }),
    /this has a duration in it/,
  ],
  ["a map with times", file({ step: `env: { A: "\${{ {'a': timestamp(params.who)} }}" }` }), /this has a time in it/],
  [
    "lists of durations in both branches",
    file({ step: `env: { A: "\${{ params.dry ? [duration('1h')] : [duration('2h')] }}" }` }),
    /this has a duration in it/,
  ],
  [
    "a list made of bytes",
    file({ step: 'env: { A: "${{ params.list.map(x, bytes(x)) }}" }' }),
    /this has bytes in it.*string\(…\)/,
  ],
  ["bytes as a value", file({ step: `env: { A: "\${{ b'x' }}" }` }), /gives bytes, which is no value/],
  [
    "a list as a site",
    file({ rest: "  other: { site: '${{ params.list }}', steps: [{ run: x }] }\n" }),
    /this must be text, and gives a list/,
  ],
  ["a map as a label", file({ job: "labels: ${{ app }}" }), /this must be text, and gives a map/],
  [
    "numbers as labels",
    file({ job: 'labels: ["${{ params.list.map(x, size(x)) }}"]' }),
    /labels must be texts, and this list has others/,
  ],
  [
    "a job to cancel until that does not exist",
    job("    steps: [{ run: x }]\n", "concurrency: { group: g, policy: cancel-older, until: buidl }\n"),
    /^2: .*there is no job buidl \(did you mean build\?\)/,
  ],
  [
    "a text to compare without canceling",
    job("    steps: [{ run: x }]\n", "concurrency: { group: g, same: x }\n"),
    /^2: .*same is only for `policy: cancel-older`/,
  ],
  [
    "a limit where older tasks are canceled",
    job("    steps: [{ run: x }]\n", "concurrency: { group: g, policy: cancel-older, limit: 2 }\n"),
    /^2: .*limit is not for `policy: cancel-older`/,
  ],
  [
    "a job in no group",
    job("    concurrency: { limit: 2 }\n    steps: [{ run: x }]\n"),
    /: write `group`, or `per: target`/,
  ],
  [
    "a job per target that deploys nothing",
    job("    concurrency: { per: target }\n    steps: [{ run: x }]\n"),
    /: `per: target` is for a job that deploys: it needs `deploys`/,
  ],
  [
    "a priority that does not exist",
    job("    steps: [{ run: x }]\n", "priority: hihg\n"),
    /^2: .*"hihg" is not one of low, normal, high \(did you mean high\?\)/,
  ],
  ["an expiry of nothing", job("    steps: [{ run: x }]\n", "expires: 0s\n"), /^2: .*expires must be longer than 0/],
  [
    "a text for a number of a step",
    file({
      step: "env: {}\n      - uses: git/wait-for-merge\n        with: { repository: { project: a, slug: b }, id: '${{ params.who }}' }",
    }),
    /git\/wait-for-merge: id must be a whole number, and this gives text/,
  ],
  [
    "a text with an expression for true or false",
    file({
      step: "env: {}\n      - uses: git/create-repository\n        with: { repository: { project: a, slug: b }, private: 'x${{ params.dry }}' }",
    }),
    /private must be true or false, and this gives text/,
  ],
  [
    "a list for the text of a step",
    file({
      step: "env: {}\n      - uses: git/checkout\n        with: { repository: { project: a, slug: '${{ params.list }}' } }",
    }),
    /slug must be text, and this gives a list/,
  ],
  [
    "a whole number as a condition",
    file({ job: "when: params.n" }),
    /must be true or false, and this is a whole number/,
  ],
  ["a text as a condition", file({ job: "when: params.who" }), /and this is text/],
  ["a list as a condition", file({ step: "when: params.list" }), /and this is a list/],
  ["the site as a condition", file({ step: "when: site" }), /and this is text/],
  ["a number in quotes as a condition", file({ job: 'when: "1"' }), /and this is a whole number/],
  ["a size as a condition", file({ job: "when: size(params.list)" }), /and this is a whole number/],
  ["a calculation as a condition", file({ step: "when: 1 + 1" }), /and this is a whole number/],
  ["a text literal as a condition", file({ step: `when: '"yes"'` }), /and this is text/],
  ["a condition that names nothing", file({ job: "when: 1 == 2" }), /always the same/],
  ["a misspelled status", file({ job: 'when: status == "failure"' }), /status is never "failure".*did you mean failed/],
  ["a status in capitals", file({ step: 'when: status == "FAILED"' }), /status is never "FAILED"/],
  [
    "a status of another system",
    file({ step: 'when: status in ["succeeded", "success"]' }),
    /status is never "success"/,
  ],
  ["a status that is compared with true", file({ step: "when: status == true" }), /status is never true/],
  [
    "a misspelled status behind !=",
    file({ step: 'when: status != "cancelled"' }),
    /never "cancelled".*did you mean canceled/,
  ],
  [
    "a misspelled outcome",
    file({ step: 'when: status == "failed" && steps.one.outcome == "failure"' }),
    /steps\.one\.outcome is never "failure"/,
  ],
  [
    "a misspelled outcome in a text",
    file({ job: `env: { A: '\${{ needs.first.outcome == "ok" }}' }` }),
    /needs\.first\.outcome is never "ok"/,
  ],
  [
    "an outcome of a step without status",
    file({ step: 'when: steps.one.outcome == "failed"' }),
    /never true: a condition that does not name `status`/,
  ],
  [
    "an outcome in a list without status",
    file({ step: 'when: steps.one.outcome in ["failed", "errored"]' }),
    /never true/,
  ],
  ["an outcome of a job without status", file({ job: 'when: needs.first.outcome == "failed"' }), /never true/],
  ["a status in a list of one", file({ job: 'when: status in ["canceled"]' }), /this condition is never true/],
  [
    "two statuses at once",
    file({ step: 'when: status == "failed" && status == "canceled"' }),
    /this condition is never true/,
  ],
  [
    "an outcome behind `!`",
    file({ step: "when: '!(steps.one.outcome != \"failed\")'" }),
    /never true: a condition that does not/,
  ],
  [
    "an outcome by its first letter",
    file({ job: 'when: needs.first.outcome.startsWith("f")' }),
    /never true: a condition/,
  ],
  [
    "an outcome beside a param",
    file({ step: 'when: params.dry || (steps.one.outcome == "failed")' }),
    /never true: a condition that does not name `status`/,
  ],
  [
    "an alternative that contradicts itself",
    file({
      step: 'when: params.dry || status == "failed" && (steps.one.outcome == "failed") && status == "succeeded"',
    }),
    /^\d+: `status == "failed" && .* && status == "succeeded"` is never true here$/,
  ],
  ["a job that begins after a cancel", file({ job: 'when: status == "canceled"' }), /no job starts after a cancel/],
  [
    "a choice that the param does not have",
    file({ job: 'when: params.stage == "production"' }),
    /params\.stage is never "production"; it is one of dev, prod/,
  ],
  [
    "a number that is compared with a text",
    file({ job: 'when: params.n == "3"' }),
    /params\.n is a whole number and never equals "3"/,
  ],
  [
    "a fraction for a whole number",
    file({ job: "when: params.n == 1.5" }),
    /params\.n is a whole number and never equals 1\.5/,
  ],
  [
    "a boolean that is compared with a text",
    file({ step: 'when: params.dry == "true"' }),
    /params\.dry is true or false and never equals "true"/,
  ],
  [
    "a text that is compared with a number",
    file({ step: "when: params.who == 3" }),
    /params\.who is text and never equals 3/,
  ],
  [
    "a list that is compared with a text",
    file({ step: 'when: params.list == "a"' }),
    /params\.list is a list and never equals "a"/,
  ],
  ["each over a text param", file({ job: "each: ${{ params.who }}" }), /`each` must be a list, and this is text/],
  ["each over a number", file({ job: "each: ${{ params.n }}" }), /and this is a whole number/],
  ["each over plain text", file({ job: "each: a,b" }), /`each` must be a list, or one expression/],
  ["each over a built text", file({ job: "each: a-${{ params.list }}" }), /this is text/],
  ["each over a literal text", file({ job: `each: '\${{ "a" }}'` }), /and this is text/],
  ["each over a map", file({ job: `each: '\${{ {"a": 1} }}'` }), /and this is a map/],
  ["each over an empty list", file({ job: "each: []" }), /each must not be empty/],
  ["each with the same element twice", file({ job: "each: [a, b, a]" }), /two elements have the name a/],
  ["each with names that become equal", file({ job: "each: [a b, a/b]" }), /two elements have the name a-b/],
  [
    "a member that an element lacks",
    file({ job: "each: [{ name: a, arch: arm }, { name: b }]", step: "env: { A: '${{ each.arch }}' }" }),
    /element 2 of `each` has no arch/,
  ],
  [
    "a member of a plain element",
    file({ job: "each: [a]", step: "env: { A: '${{ each.name }}' }" }),
    /element 1 of `each` has no name/,
  ],
  [
    "the same value twice in an axis",
    file({ job: "matrix: { os: [linux, linux] }" }),
    /two elements have the name linux/,
  ],
  [
    "a member that a value of an axis lacks",
    file({ job: "matrix: { os: [{ name: a, arch: x }, { name: b }] }", step: "env: { A: '${{ each.os.arch }}' }" }),
    /value 2 of the axis os has no arch$/,
  ],
  [
    "a member of a plain value of an axis",
    file({ job: "matrix: { os: [linux] }", step: "env: { A: '${{ each.os.name }}' }" }),
    /value 1 of the axis os has no name$/,
  ],
  [
    "an inner member that an element lacks",
    file({ job: "each: [{ name: a, cpu: { arch: x } }, { name: b, cpu: {} }]", step: "when: each.cpu.arch == 'x'" }),
    /element 2 of `each` has no cpu\.arch$/,
  ],
  [
    "the text that a step puts out as a condition",
    file({ step: afterCheckout("when: steps.co.outputs.commit") }),
    /and this is text/,
  ],
  [
    "the text that a step puts out beside a number",
    file({ step: afterCheckout("when: steps.co.outputs.commit == 3") }),
    /`==` cannot be used with text and a whole number/,
  ],
  [
    "a member of the text that a step puts out",
    file({ step: afterCheckout(`env: { A: "\${{ steps['co'].outputs.commit.id }}" }`) }),
    /text has no members/,
  ],
  [
    "the text of a job's output as a list",
    file({ job: "each: ${{ needs.first.outputs.a }}" }),
    /`each` must be a list, and this is text/,
  ],
  ["the text of a job's output as a condition", file({ step: "when: needs.first.outputs.a" }), /and this is text/],
  [
    "a member of the text of a job's output",
    file({ step: "when: needs.first.outputs.a.x == 'b'" }),
    /text has no members/,
  ],
  [
    "the text of a job's output in a choice",
    file({ step: `env: { A: "\${{ needs['first'].outputs.a ? 'x' : 'y' }}" }` }),
    /what stands before `\?` must be true or false, not text/,
  ],
  [
    "a list of targets in deploys",
    file({ job: "deploys: ${{ params.list }}" }),
    /deploys must be text, and this gives a list/,
  ],
  [
    "the group of a list",
    file({ rest: "concurrency: ${{ params.list }}\n" }),
    /concurrency must be text, and this gives a list/,
  ],
  [
    "the group of a map",
    file({ rest: `concurrency: { group: "\${{ {'a': params.who} }}", policy: cancel-older }\n` }),
    /group must be text, and this gives a map/,
  ],
  ["an element that no job has", file({ job: "each: [a, b]", step: "when: each == 'c'" }), /never true/],
  ["a value that no combination has", file({ job: "matrix: { os: [a, b] }\n    when: each.os == 'c'" }), /never true/],
  [
    "a text beside the numbers of an axis",
    file({ job: "matrix: { node: [20, 22] }", step: "when: each.node == '20' || params.dry" }),
    /`each.node == '20'` is never true here/,
  ],
  [
    "values that no combination has together",
    file({
      job: "matrix: { os: [a, b], node: [1, 2], exclude: [{ os: a, node: 2 }] }",
      step: "when: each.os == 'a' && each.node == 2",
    }),
    /never true/,
  ],
  ["the name of another site", file({ step: "when: site == 'tokyo'" }), /this condition is never true/],
  [
    "a number beyond the limits of a param",
    file({ step: "when: params.small > 9" }).replace(
      "params:",
      "params:\n  small: { type: integer, minimum: 1, maximum: 5 }",
    ),
    /params.small is at most 5, and never more than 9$/,
  ],
  [
    "the failure of a step that ends the job",
    file({ step: "when: steps.one.outcome != 'succeeded'" }),
    /never true: a condition that does not name `status`/,
  ],
  [
    "a cancel of a step that may fail",
    file({ step: "continueOnError: true\n      - { run: x, when: steps.run.outcome == 'canceled' }" }),
    /never true: a condition that does not name `status`/,
  ],
  [
    "a start by hand, as others call it",
    file({ job: "when: trigger.kind == 'manual'" }),
    /trigger.kind is never "manual"; it is one of push, .*did you mean person\?/,
  ],
  ["a kind of trigger that it does not have", file({ job: "when: trigger.kind == 'tag'" }), /never true/],
  [
    "what an approver types as a condition",
    file({ job: "approval: { question: q, inputs: { why: string } }", step: "when: approval.inputs.why" }),
    /and this is text/,
  ],
  [
    "a number of an approver beside a text",
    file({ job: "approval: { question: q, inputs: { n: integer } }", step: "when: approval.inputs.n == '10'" }),
    /approval.inputs.n is a whole number and never equals "10"$/,
  ],
  [
    "the name of an approver as a list",
    file({ job: "approval: q", step: `env: { A: "\${{ approval.by.join(',') }}" }` }),
    /join/,
  ],
  [
    "a number of another job's approver as a condition",
    file({
      job: "approval: { question: q, inputs: { n: integer } }",
      rest: "  last: { needs: main, site: x, when: needs.main.approval.inputs.n, steps: [{ run: x }] }\n",
    }),
    /and this is a whole number/,
  ],
  ["what a script puts out as a condition", file({ step: "when: steps.one.outputs.changed" }), /and this is text/],
  [
    "what a script puts out beside true",
    file({ step: "when: steps.one.outputs.changed == true" }),
    /`==` cannot be used with text and true or false/,
  ],
  [
    "what a script puts out beside a number",
    file({ step: "when: steps.one.outputs.count > 0" }),
    /`>` cannot be used with text and a whole number/,
  ],
  [
    "what a script puts out, passed on by its job, as a condition",
    file({ job: "when: needs.first.outputs.made" }),
    /and this is text/,
  ],
  [
    "what a script puts out, passed on by its job, as a list",
    file({ job: "each: ${{ needs.first.outputs.made }}" }),
    /`each` must be a list, and this is text/,
  ],
  ["an empty matrix", file({ job: "matrix: {}" }), /matrix must have at least one axis/],
  ["an axis without values", file({ job: "matrix: { os: [] }" }), /os must not be empty/],
  ["PATH in the env of a job", file({ job: "env: { PATH: /x }" }), /PATH is set by the runner/],
  ["HOME in the env of a step", file({ step: "env: { HOME: /x }" }), /HOME is set by the runner/],
  ["a variable of the loader", file({ step: "env: { LD_PRELOAD: x.so }" }), /LD_PRELOAD is set by the runner/],
  ["a variable of Gantry", file({ step: "env: { GANTRY_TASK: x }" }), /GANTRY_TASK is set by the runner/],
  [
    "a site that is no name",
    file({ rest: "  other: { site: seoul/1, steps: [{ run: x }] }\n" }),
    /"seoul\/1" is not the name of a site/,
  ],
  [
    "a constant site with spaces",
    file({ rest: `  other: { site: "\${{ ' seoul ' }}", steps: [{ run: x }] }\n` }),
    /" seoul " is not the name of a site/,
  ],
  [
    "an element that is no site",
    file({ rest: "  other: { each: [seoul, 'to kyo'], site: '${{ each }}', steps: [{ run: x }] }\n" }),
    /"to kyo" is not the name of a site/,
  ],
  [
    "a site in spaces",
    file({ rest: `  other: { site: " seoul ", steps: [{ run: x }] }\n` }),
    /" seoul " is not the name of a site/,
  ],
  [
    "several axes that give no site",
    file({ rest: "  other: { matrix: { a: [x], b: [y/z] }, site: '${{ each.a + each.b }}', steps: [{ run: x }] }\n" }),
    /"xy\/z" is not the name of a site/,
  ],
  ["a long label", file({ job: `labels: ${"l".repeat(101)}` }), /a label of more than 100 characters/],
  ["an empty text as a label", file({ job: `labels: "\${{ '' }}"` }), /an empty text, which is not a label/],
  [
    "an element that is no label",
    file({ job: "each: [a, '']\n    labels: ['${{ each }}']" }),
    /its value is an empty text, which is not a label/,
  ],
  [
    "the same element twice in an expression",
    file({ job: `each: \${{ ["a", "a"] }}` }),
    /two elements of `each` have the name a/,
  ],
  [
    "more elements than a job may have",
    file({ job: `each: \${{ [${NUMBERS}, ${NUMBERS}].map(x, x) + [${NUMBERS}] }}` }),
    /more than 256 elements/,
  ],
  [
    "more jobs than a task may have",
    `name: demo\njobs:\n${Array.from({ length: 21 }, (_, at) => `  j${at}: { site: x, each: [${NUMBERS}], steps: [{ run: x }] }\n`).join("")}`,
    /^2: with all elements of `each` and `matrix` there are 2100 jobs, more than 2000$/,
  ],
  ["a zero byte", file({ step: 'env: { A: "a\\0b" }' }), /a text must not hold a zero byte/],
  [
    "a variable that no program can be given",
    file({ step: `env: { A: ${"x".repeat(100_001)} }` }),
    /the value of A is longer than 100000 characters/,
  ],
  [
    "a target that is a number",
    job("    steps: [{ run: x }]\n", "params: { t: { type: integer, ui: target } }\n"),
    /^2: a param with `ui: target` must have the type string, or array of it$/,
  ],
  [
    "sites that are numbers",
    job("    steps: [{ run: x }]\n", "params: { t: { type: array, items: number, ui: site } }\n"),
    /^2: a param with `ui: site` must have the type string, or array of it$/,
  ],
  [
    "a build where there is no app",
    job("    steps: [{ run: x }]\n", "app: none\nparams: { b: { type: string, ui: build } }\n"),
    /^3: only an app that exists has builds: `app: existing`$/,
  ],
  [
    "two builds of a task",
    job("    steps: [{ run: x }]\n", "params: { a: { type: string, ui: build }, b: { type: string, ui: build } }\n"),
    /^2: a task has one build, and a chooses it$/,
  ],
  [
    "a record of a new app that is text",
    job("    steps: [{ run: x }]\n", "app: new\nparams: { name: string }\noutputs: { app: '${{ params.name }}' }\n"),
    /^4: `outputs\.app` must be a map: the record of the app$/,
  ],
  [
    "a commit that is a number",
    file({ rest: "build: { commit: '${{ params.n }}', branch: main, images: '${{ needs.first.outputs.any }}' }\n" }),
    /: commit must be text, and this gives a whole number$/,
  ],
  [
    "images without a digest",
    file({
      rest: "build: { commit: a, branch: b, images: [{ name: web, repository: x/web, image: r.example/x/web }] }\n",
    }),
    /: digest is missing$/,
  ],
  [
    "a build without images",
    file({ rest: "build: { commit: a, branch: b, images: [] }\n" }),
    /images must not be empty/,
  ],
  ["an empty label", file({ job: "labels: ['']" }), /a label must not be empty/],
  ["no job", "name: demo\njobs: {}\n", /^2: jobs must have at least one job/],
  ["an empty finally", file({ rest: "finally: {}\n" }), /finally must have at least one job/],
  ["exit codes of an error", file({ job: "retry: { max: 1, on: [errored], exitCodes: [1] }" }), /add `failed` to `on`/],
  [
    "error codes without errors",
    file({ job: "retry: { max: 1, on: [failed], errors: [conflict] }" }),
    /add `errored` to `on`/,
  ],
  [
    "a code that no error has",
    file({ job: "retry: { max: 1, errors: [conflct] }" }),
    /conflct is not the code of an error \(did you mean conflict\?\)/,
  ],
  [
    "a longest delay that never applies",
    file({ job: "retry: { max: 1, maxDelay: 1m }" }),
    /applies only with `backoff: exponential`/,
  ],
  [
    "a longest delay below the first one",
    file({ job: "retry: { max: 1, delay: 2m, backoff: exponential, maxDelay: 1m }" }),
    /shorter than `delay`/,
  ],
  [
    "an exit code of success",
    file({ job: "retry: { max: 1, exitCodes: [0] }" }),
    /element 1 of exitCodes must be at least 1/,
  ],
  [
    "a step that may take longer than its job",
    file({ job: "timeout: 30m", step: "timeout: 31m" }),
    /^18: the job ends after 30m, so the step never has 31m; give the job a longer `timeout`$/,
  ],
  [
    "a step that may take longer than a job without a timeout",
    file({ step: "timeout: 2h" }),
    /^17: a job ends after 1h unless it has a `timeout`, so the step never has 2h/,
  ],
  [
    "elements that cancel each other",
    file({ job: "each: [a, b]\n    concurrency: { group: g, policy: cancel-older }" }),
    /^15: all its jobs are in one group, so with `policy: cancel-older` they cancel each other; name `each` in the group$/,
  ],
  [
    "combinations that are refused",
    file({ job: "matrix: { os: [a, b] }\n    deploys: x\n    concurrency: { per: target, policy: reject }" }),
    /^16: .*with `policy: reject` they are refused while the first ones run; name `each` in the group$/,
  ],
  [
    "a number as a priority",
    file({ rest: "priority: ${{ params.n }}\n" }),
    /priority must be text: low, normal or high$/,
  ],
  [
    "a choice that is no priority",
    file({ rest: "priority: ${{ params.stage }}\n" }),
    /"dev" is not one of low, normal, high$/,
  ],
  [
    "a misspelt priority in a choice",
    file({ rest: "priority: \"${{ params.who == 'x' ? 'hihg' : 'low' }}\"\n" }),
    /"hihg" is not one of low, normal, high \(did you mean high\?\)$/,
  ],
  [
    "an artifact of a failed step that is never saved",
    file({ job: "artifacts: { d: { paths: x, when: steps.one.outcome == 'failed' } }" }),
    /never true: a condition that does not name `status`/,
  ],
  ["an artifact of .git", file({ job: "artifacts: { d: .git/hooks }" }), /\.git is always left out$/],
  [
    "an artifact that is excluded again",
    file({ job: "artifacts: { d: [a, b/, '!b'] }" }),
    /b\/ is excluded again, so nothing/,
  ],
  [
    "a cache whose paths all exclude",
    file({
      job: "cache: { c: '!a' }",
      step: "env: {}\n      - { uses: git/checkout, with: { repository: { project: a, slug: b } } }",
    }),
    /all its paths exclude files; name some to save$/,
  ],
  [
    "a misspelt key of a trigger",
    file({ rest: "triggers: [{ image: { tgas: [a] } }]\n" })
      .replace(/params:[\s\S]*jobs/, "jobs")
      .replace(/, outputs: .* \}/, " }"),
    /unknown key tgas \(did you mean tags\?\)$/,
  ],
  [
    "an answer of an approval that is no choice",
    file({
      job: "approval: { question: q, inputs: { p: { type: string, enum: [a, b], required: true } } }",
      step: "when: approval.inputs.p == 'c'",
    }),
    /approval.inputs.p is never "c"; it is one of a, b$/,
  ],
  [
    "an answer of an approval beyond its limit",
    file({
      job: "approval: { question: q, inputs: { p: { type: integer, maximum: 5, required: true } } }",
      step: "when: approval.inputs.p > 5",
    }),
    /approval.inputs.p is at most 5, and never more than 5$/,
  ],
  [
    "an approval that names nobody",
    file({ job: "approval: { question: q, approvers: [] }" }),
    /this would be everybody with the verb `approve`: leave `approvers` out, or name some$/,
  ],
  ["a number as an environment", file({ job: "environment: ${{ params.n }}" }), /this must give names of environments/],
  ["a size below zero", file({ step: "when: size(params.list) < 0" }), /size\(…\) is never less than 0$/],
  ["a size below zero on the right", file({ job: "when: 0 > params.list.size()" }), /size\(…\) is never less than 0$/],
  ["a size of less than zero", file({ job: "when: needs.size() <= -1" }), /size\(…\) is never less than 0$/],
  ["a size that is negative", file({ step: 'env: { A: "${{ size(params.who) == -1 }}" }' }), /is never less than 0$/],
  ["a size among negative ones", file({ step: "when: size(params.who) in [-1, -2]" }), /is never less than 0$/],
  ["a place below that of nothing", file({ step: "when: params.who.indexOf('x') < -1" }), /never less than -1$/],
  [
    "a last place below that of nothing",
    file({ step: "when: params.who.lastIndexOf('x') == -2" }),
    /lastIndexOf\(…\) is never less than -1$/,
  ],
  [
    "more than the largest number",
    file({ step: "when: params.few > 5" }).replace("n: integer", "few: { type: integer, maximum: 5 }\n  n: integer"),
    /^18: params.few is at most 5, and never more than 5$/,
  ],
  [
    "less than the least number",
    file({ step: "when: 1.5 >= params.few" }).replace("n: integer", "few: { type: number, minimum: 2 }\n  n: integer"),
    /params.few is at least 2, and never less than 2$/,
  ],
  [
    "a number above the largest one",
    file({ step: "when: params.few == 9" }).replace("n: integer", "few: { type: integer, maximum: 5 }\n  n: integer"),
    /params.few is at most 5, and never 9$/,
  ],
  ["two texts at once", file({ step: "when: params.who == 'a' && params.who == 'b'" }), /never true/],
  ["two values of a field at once", file({ step: "when: app.tier == 'a' && app.tier in ['b', 'c']" }), /never true/],
  ["two outputs at once", file({ job: "when: needs.first.outputs.a == 'x' && needs.first.outputs.a == 'y'" }), /never/],
  ["a range without numbers", file({ step: "when: params.n > 5 && params.n <= 5" }), /never true/],
  [
    "a text and a number at once",
    file({ step: "when: steps.one.outputs.a == '1' && steps.one.outputs.a == '2'" }),
    /never/,
  ],
  [
    "exit codes of an error of a step",
    file({ step: "retry: { max: 1, on: [errored], exitCodes: [1] }" }),
    /add `failed` to `on`/,
  ],
  ["a wrong word in the retry of a step", file({ step: "retry: { max: 1, dealy: 1s }" }), /did you mean delay\?/],
  ["an undo after success", file({ rest: "undo: always\n" }), /: undo is not valid: the word `onFailure`, or nothing$/],
  [
    "an undo of a new app",
    job("    steps: [{ run: x }]\n", "app: new\nundo: onFailure\nparams: { name: string }\noutputs: { app: {} }\n"),
    /^3: people take back the creation of an app that failed, or repeat it$/,
  ],
  [
    "two jobs named undo",
    "name: demo\nundo: onFailure\njobs:\n  undo: { site: x, steps: [{ run: x }] }\n",
    /the id undo occurs twice$/,
  ],
  [
    "jobs after a failure",
    file({ rest: "onFailure: { x: 1 }\n" }),
    /unknown key onFailure; use a job of `finally` with `when: status == "failed"`, or `undo: onFailure`$/,
  ],
  [
    "steps beside a pipeline",
    "name: demo\njobs:\n  a:\n    pipeline: other\n    steps: [{ run: x }]\n",
    /^5: a job has `pipeline` or `steps`: `steps` belongs to the jobs of that pipeline$/,
  ],
  [
    "params of a script",
    file({ job: "params: { to: x }" }),
    /`params` belongs to `pipeline`; values for a script are in `env`$/,
  ],
  ["a wait for nothing", file({ job: "wait: false" }), /`wait` belongs to `pipeline`$/],
  ["neither a site nor a pipeline", "name: demo\njobs:\n  a: { steps: [{ run: x }] }\n", /^3: site is missing$/],
  [
    "outputs of a pipeline that nobody waits for",
    "name: demo\njobs:\n  a: { pipeline: other, wait: false }\n  b: { needs: a, site: x, env: { A: '${{ needs.a.outputs.x }}' }, steps: [{ run: x }] }\n",
    /^4: the job a does not wait for its pipeline, so it has no outputs$/,
  ],
  [
    "a secret for another pipeline",
    "name: demo\njobs:\n  a:\n    pipeline: other\n    params: { to: '${{ secrets.T }}' }\n",
    /^5: secrets can only be used in `with` and `env` of a step/,
  ],
  [
    "a workflow of another system",
    file({ job: "trigger: other" }),
    /unknown key trigger; use `pipeline`, to run another pipeline$/,
  ],
  [
    "a retry on success",
    file({ job: "retry: { max: 1, on: [succeeded] }" }),
    /element 1 of on must be one of failed, errored, timed-out/,
  ],
];
