import assert from "node:assert/strict";
import { test } from "node:test";
import { newEvaluation } from "@gantry/core/expr/expression.ts";
import { render } from "@gantry/core/expr/template.ts";
import fc from "fast-check";
import { Untranslatable } from "./expression.ts";
import { translate } from "./github-expression.ts";

const same = { of: (path: readonly string[]): string => path.join(".") };

test("expressions keep their meaning", () => {
  for (const [source, wanted] of [
    ["a.b == 'it''s'", 'a.b == "it\'s"'],
    ["!(a && b) || c", "!(a && b) || c"],
    ["(a || b) && c", "(a || b) && c"],
    ["a && b || c", "a && b || c"],
    ["a.b['c-d'] != 3", "a.b.c-d != 3"],
    ["contains(a.b, 'x') && startsWith(c, 'y')", 'a.b.contains("x") && c.startsWith("y")'],
    ["fromJSON(toJSON(a.b))", "fromJson(toJson(a.b))"],
    ["always()", "true"],
    ["failure() || cancelled()", 'status == "failed" || status == "canceled"'],
    ["!cancelled()", '!(status == "canceled")'],
    ["format('v{0}-{1}', a, 'b')", '"v" + string(a) + "-" + string("b")'],
    ["(a == b) == c", "(a == b) == c"],
    ["a == 1 && 'x' || 'y'", 'a == 1 ? "x" : "y"'],
    ["a && 'x' || b && 'y' || 'z'", 'a ? "x" : b ? "y" : "z"'],
    ["a || 'x'", 'a != "" ? a : "x"'],
    ["a && 'x'", 'a ? "x" : ""'],
  ] as const) {
    assert.equal(translate(source, same), wanted, source);
  }
});

test("what has no counterpart is said, never guessed", () => {
  for (const source of ["hashFiles('**/lock')", "a.*.b", "a ? b", "a ==", "a[0]", "'x", "f(a", "a b", ""]) {
    assert.throws(() => translate(source, same), Untranslatable, source);
  }
});

type Tree = boolean | readonly ["!", Tree] | readonly ["&&" | "||" | "==" | "!=", Tree, Tree];

function truthOf(tree: Tree): boolean {
  if (typeof tree === "boolean") return tree;
  const [sign, left] = tree;
  if (sign === "!") return !truthOf(left);
  const [a, b] = [truthOf(left), truthOf(tree[2])];
  return sign === "&&" ? a && b : sign === "||" ? a || b : sign === "==" ? a === b : a !== b;
}

function textOf(tree: Tree): string {
  if (typeof tree === "boolean") return String(tree);
  if (tree[0] === "!") return `!(${textOf(tree[1])})`;
  return `(${textOf(tree[1])}) ${tree[0]} (${textOf(tree[2])})`;
}

test("parentheses that are left out change no value", () => {
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.boolean(),
      fc.tuple(fc.constant("!" as const), tie("tree")),
      fc.tuple(fc.constantFrom("&&" as const, "||" as const, "==" as const, "!=" as const), tie("tree"), tie("tree")),
    ),
  }));
  fc.assert(
    fc.property(tree, (one) => {
      const translated = translate(textOf(one), same);
      assert.equal(render(`\${{ ${translated} }}`, {}, newEvaluation()), truthOf(one), translated);
    }),
  );
});
