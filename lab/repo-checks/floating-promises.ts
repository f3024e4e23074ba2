// Promises that nobody waits for: an error of one would be lost, or end the process.

import type { Expression } from "typescript/unstable/ast";
import {
  isAsExpression,
  isBinaryExpression,
  isCallExpression,
  isConditionalExpression,
  isExpressionStatement,
  isIdentifier,
  isNonNullExpression,
  isParenthesizedExpression,
  isPropertyAccessExpression,
  isSatisfiesExpression,
  SyntaxKind,
} from "typescript/unstable/ast";
import type { Type } from "typescript/unstable/sync";
import { lineOf, type ParsedFile, type TypeScriptProject, visit } from "./typescript-project.ts";

/** They answer a promise that node:test waits for itself, outside of a test. */
const TESTS = /^(test|it|describe|suite)(\.skip)?$/;
/** They answer nothing. To ask the compiler for the types of all of them would double the time of this check. */
const ASSERTIONS = /^assert(\.(?!rejects\b|doesNotReject\b)\w+)?$/;

/**
 * Each as `path:line: text`. A statement waits with `await`, handles errors with `.catch(…)` or `.then(…, …)`, or says with
 * `void` that somebody else does. Then it may ignore what an expression gives.
 */
export function floatingPromises({ files, checker }: TypeScriptProject): readonly string[] {
  const dropped = files.flatMap((file) => droppedIn(file).map((node) => ({ file, node })));
  const types = checker.getTypeAtLocation(dropped.map(({ node }) => node));
  const known = new Map<number, boolean>();
  const isPromise = (type: Type): boolean => {
    const before = known.get(type.id);
    if (before !== undefined) return before;
    known.set(type.id, false); // a type that contains itself
    const holds = isPromiseType(type);
    known.set(type.id, holds);
    return holds;
  };
  const isPromiseType = (type: Type): boolean => {
    if (type.isUnionType() || type.isIntersectionType()) return type.getTypes().some(isPromise);
    if (!type.isObjectType()) return false;
    if (checker.isArrayType(type) || checker.isTupleType(type))
      return type.isTypeReference() && checker.getTypeArguments(type).some(isPromise);
    return checker.getPropertyOfType(type, "then") !== undefined;
  };
  return dropped.flatMap(({ file, node }, index) => {
    const type = types[index];
    if (!type || !isPromise(type)) return [];
    const at = node.getStart(file.node);
    return [`${file.path}:${lineOf(file, at)}: ${file.text.slice(at, node.end).split("\n")[0]}`];
  });
}

/** The expressions whose value nobody uses, and which may be promises. */
function droppedIn(file: ParsedFile): readonly Expression[] {
  const imports = file.text.matchAll(/^import (.+) from "node:(?:test|assert(?:\/strict)?)";$/gm);
  const imported = new Set([...imports].flatMap(([, names = ""]) => names.match(/\w+/g)));
  const isWaitedFor = (callee: Expression): boolean => {
    const name = callee.getText(file.node);
    return imported.has(name.split(".")[0] ?? "") && (TESTS.test(name) || ASSERTIONS.test(name));
  };
  const found: Expression[] = [];
  visit(file.node, (node) => {
    if (isExpressionStatement(node)) found.push(...droppedBy(node.expression, isWaitedFor));
  });
  return found;
}

function droppedBy(node: Expression, isWaitedFor: (callee: Expression) => boolean): readonly Expression[] {
  const inner = (...parts: readonly Expression[]) => parts.flatMap((part) => droppedBy(part, isWaitedFor));
  if (isParenthesizedExpression(node) || isNonNullExpression(node)) return inner(node.expression);
  if (isAsExpression(node) || isSatisfiesExpression(node)) return inner(node.expression);
  if (isConditionalExpression(node)) return inner(node.whenTrue, node.whenFalse);
  if (isBinaryExpression(node)) {
    const { kind } = node.operatorToken;
    if (LEFT_DROPPED.has(kind)) return inner(node.left, node.right);
    // A promise is never falsy, so `promise && …` does not give it. What is assigned is used, and the others give no promise.
    return kind === SyntaxKind.AmpersandAmpersandToken ? inner(node.right) : [];
  }
  if (NO_PROMISE.has(node.kind)) return [];
  if (!isCallExpression(node)) return [node];
  const { expression: callee, arguments: given } = node;
  if (isPropertyAccessExpression(callee)) {
    const { text: name } = callee.name;
    if ((name === "catch" && given.length > 0) || (name === "then" && given.length > 1)) return [];
    if (name === "finally") return inner(callee.expression);
  }
  return (isIdentifier(callee) || isPropertyAccessExpression(callee)) && isWaitedFor(callee) ? [] : [node];
}

const LEFT_DROPPED = new Set([SyntaxKind.CommaToken, SyntaxKind.BarBarToken, SyntaxKind.QuestionQuestionToken]);

const NO_PROMISE = new Set([
  SyntaxKind.AwaitExpression,
  SyntaxKind.VoidExpression,
  SyntaxKind.DeleteExpression,
  SyntaxKind.PrefixUnaryExpression,
  SyntaxKind.PostfixUnaryExpression,
  SyntaxKind.StringLiteral,
]);
