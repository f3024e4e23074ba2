// What people write who know other CI systems or languages: the problem says what to write here.

import assert from "node:assert/strict";
import { test } from "node:test";
import { compileRuleExpression } from "../notify/rule-expression.ts";
import { checkExpression } from "./expression.ts";

const IDIOMS: readonly (readonly [source: string, problem: RegExp])[] = [
  ["success()", /^there is no function success; compare `status`/],
  ["failure() || cancelled()", /no function failure; compare `status`/],
  ["always()", /`when: always` is a condition of its own/],
  ["toJSON(params)", /no function toJSON; write `toJson\(x\)`, or pass the value itself: it keeps its type/],
  ["format('{0}', params.a)", /no function format; write `text \+ text`/],
  ["hashFiles('x')", /write `files` in a `cache` of the job/],
  ["contains(params.a, 'x')", /^the function contains stands behind a value: `value\.contains\(…\)`$/],
  ["startsWith(params.a, 'x')", /stands behind a value: `value\.startsWith\(…\)`/],
  ["join(params.list, ',')", /stands behind a value: `value\.join\(…\)`/],
  ["params.a.short()", /^the function short takes its value in parentheses: `short\(…\)`$/],
  ["params.a.toLowerCase()", /write `text\.lower\(\)`/],
  ["'a'.lower", /text has no members and no elements; call the function: `value\.lower\(…\)`$/],
  ["[1].length", /^a list has no member length; write `size\(…\)`$/],
  ["[].all", /^a list has no member all; `all` needs a name for the element and an expression, as in `list\.all\(/],
  ["[1].map", /a list has no member map; `map` needs a name/],
  ["[1].name", /^a list has no member name; its elements are `list\[0\]`/],
  ["[1].map()", /^`map` needs a name for the element/],
  ["[1].map(1, 2)", /^`map` needs a name for the element/],
  ["[1].filter(x, 1)", /^the condition in `filter` must be true or false, not a whole number$/],
  ["['a'].exists(x, x)", /^the condition in `exists` must be true or false, not text$/],
  ["has(params)", /^`has` needs a member of a variable, as in `has\(params\.name\)`$/],
  ["has()", /^`has` needs a member of a variable/],
  ["size", /^there is no variable size; call the function: `size\(…\)`$/],
  ["github.sha", /no variable github; who started the task is `task\.requestedBy`, and a commit is an output/],
  ["matrix.os", /no variable matrix; use `each`/],
  ["inputs.x", /no variable inputs; use `params`/],
  ["env.HOME", /no variable env; .* scripts read `\$NAME`/],
  ["params.a == True", /no variable True; write `true`/],
  ["params.a != nil", /no variable nil; write `null`/],
  ["'a' || 'b'", /write `condition \? one : other` for a choice, and `params\.\?name\.orValue/],
  ["'a' in 'abc'", /`in` needs a list or a map on its right side; write `text\.contains\(part\)`/],
  ["1 in ['a']", /a list of texts; convert the number with string\(…\)$/],
  ["params.a and params.b", /^`and` cannot be used here; write `&&`$/],
  ["params.a or params.b", /^`or` cannot be used here; write `\|\|`$/],
  ["not params.a", /^`not` cannot be used here; write `!`$/],
  ["params.a is null", /^`is` cannot be used here; write `==`$/],
  ["params.a <> 1", /^`<>` cannot be used here; write `!=`$/],
  ["params?.a", /^`\?\.` cannot be used here; a member that may be missing is written `params\.\?name`$/],
  ["params.a ?? 'x'", /^`\?\?` cannot be used here; write `params\.\?name\.orValue\(…\)`$/],
  ["params.a ?: 'x'", /^`\?:` cannot be used here; write `params\.\?name\.orValue/],
  ["[1].map(x => x)", /^`=>` cannot be used here; an element is named in front/],
  ["params.a | upper", /`\|` cannot be used here; write `\|\|`, or call a function as in `text\.lower\(\)`/],
  ["needs.*.result", /a name is missing before `\*`; each member must be named/],
  ["params.a[0:2]", /`\]` is missing before `:`; a part of a text is `text\.substring/],
  ["'it''s'", /texts are joined with `\+`, and a quote inside of one is written `\\'`/],
  ["params.a params.b", /^`params` cannot be used here; an operator is missing before it$/],
  ["'a\\q'", /^`\\q` is no escape sequence; write `\\\\` for a backslash$/],
  ["'a", /^a quote is not closed$/],
];

for (const [source, problem] of IDIOMS) {
  test(`${source} is answered with what to write`, () => {
    const found = checkExpression(source);
    assert.match("problem" in found ? found.problem : "", problem);
  });
}

test("rules of notifications have no hints about variables and functions that only pipelines have", () => {
  for (const source of ["github.sha == 'x'", "failure()", "matrix.os == 'x'"]) {
    const compiled = compileRuleExpression(source, "bool");
    assert.doesNotMatch(JSON.stringify(compiled), /status|task\.|each/, source);
  }
  assert.deepEqual(compileRuleExpression("event.type == 'x' and task.id == 'y'", "bool"), {
    problems: ["`and` cannot be used here; write `&&`"],
  });
});
