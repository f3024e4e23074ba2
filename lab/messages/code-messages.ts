// Every text in the code that a person may read when something goes wrong: the details of errors, the answers of commands,
// findings of lint, reasons of runners. The other sections show messages as a whole; this one leaves none out.

import type { Node } from "typescript/unstable/ast";
import {
  isCallExpression,
  isNewExpression,
  isNoSubstitutionTemplateLiteral,
  isPropertyAssignment,
  isStringLiteral,
  isTemplateExpression,
  isVariableDeclaration,
} from "typescript/unstable/ast";
import { isTest } from "../repo-checks/sources.ts";
import type { ParsedFile } from "../repo-checks/typescript-project.ts";
import type { Entry, Section } from "./section.ts";

/** Not product, or shown elsewhere on the page. */
const OTHER_FILES =
  /^(?:lab|deploy|pipelines|console)\/|\/error-table\/|foreign-words|redis\/scripts|line\/completion|\/migrations\/|openapi|metrics/;
/** What a text is given to, when it is no message of an error: logs, documentation of the API, titles, SQL, internal errors. */
const OTHER_PLACES =
  /logger|\.log$|^log$|describe$|^\.?(?:summary|description|title|button|does|verb|plan|help|json|sql|Location|input)$|prepare$|^(?:Type)?Error$|exec$|HELP|USAGE|gauge|Cookie|Buffer\.from|hkdf|\.set$/;
const SQL_OR_SHELL = /^\s*(?:SELECT|INSERT|UPDATE|DELETE|local |for |while |trap |\{ |HTTP\/)/;
/** A command may have long texts; they are help. */
const MAX_LENGTH = 600;

export function codeMessages(files: readonly ParsedFile[]): Section {
  const entries = files
    .filter(({ path }) => !isTest(path) && !OTHER_FILES.test(path) && !path.endsWith(".d.ts"))
    .map((file): Entry => ({ name: file.path, sentences: [], details: [...new Set(textsOf(file))] }))
    .filter(({ details = [] }) => details.length > 0);
  return { title: "Texts in the code", entries };
}

function textsOf(file: ParsedFile): readonly string[] {
  const found: string[] = [];
  const look = (node: Node, place: string): void => {
    const text = textOf(file, node);
    if (text !== undefined && isProse(text) && !OTHER_PLACES.test(place)) found.push(text);
    const inner = placeOf(file, node) ?? place;
    node.forEachChild((child) => {
      look(child, inner);
      return undefined;
    });
  };
  look(file.node, "");
  return found;
}

/** With `‹expression›` for what is filled in. */
function textOf(file: ParsedFile, node: Node): string | undefined {
  if (isStringLiteral(node) || isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (!isTemplateExpression(node)) return undefined;
  const spans = node.templateSpans.map(({ expression, literal }) => {
    return `‹${file.text.slice(expression.getStart(file.node), expression.end).replace(/\s+/g, " ").slice(0, 60)}›${literal.text}`;
  });
  return node.head.text + spans.join("");
}

/** What a text is given to: the name of a function, a field or a variable. */
function placeOf(file: ParsedFile, node: Node): string | undefined {
  const textAt = (one: Node): string =>
    file.text.slice(one.getStart(file.node), one.end).replace(/\s+/g, "").slice(-60);
  if (isCallExpression(node) || isNewExpression(node)) return textAt(node.expression);
  if (isPropertyAssignment(node) || isVariableDeclaration(node)) return textAt(node.name);
  return undefined;
}

function isProse(text: string): boolean {
  if (text.length > MAX_LENGTH || SQL_OR_SHELL.test(text)) return false;
  const words = text.replace(/‹[^›]*›/g, "X").split(/\s+/);
  return words.filter((word) => /^[A-Za-z`'",.:;()-]+$/.test(word)).length >= 3;
}
