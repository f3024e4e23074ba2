// The project as the TypeScript compiler sees it: every file parsed, with types. The compiler's API is still called
// unstable, so only this file knows it; the exact version is pinned in package.json.

import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Node, SourceFile } from "typescript/unstable/ast";
import {
  isArrowFunction,
  isCallExpression,
  isClassStaticBlockDeclaration,
  isConstructorDeclaration,
  isExportDeclaration,
  isFunctionDeclaration,
  isFunctionExpression,
  isGetAccessorDeclaration,
  isIdentifier,
  isImportDeclaration,
  isImportTypeNode,
  isLiteralTypeNode,
  isMethodDeclaration,
  isNewExpression,
  isNoSubstitutionTemplateLiteral,
  isPropertyAccessExpression,
  isSetAccessorDeclaration,
  isStringLiteral,
  isVariableDeclaration,
  SyntaxKind,
} from "typescript/unstable/ast";
import { API, type Project } from "typescript/unstable/sync";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

// The compiler is a program in Go. Its garbage collector takes a quarter of its CPU time to save 100 of 1,200 MB, so it
// only runs when there is more to save.
process.env.GOGC ??= "off";
process.env.GOMEMLIMIT ??= "3GiB";

export type ParsedFile = { readonly path: string; readonly text: string; readonly node: SourceFile };

/**
 * `specifier`: as written. `line` counts from 1. Dynamic `import()`, `import("…").Type`, `import.meta.resolve("…")`,
 * `createRequire(…)("…")` and `new URL("./worker.ts", import.meta.url)` are imports, too.
 */
export type Import = { readonly specifier: string; readonly typeOnly: boolean; readonly line: number };

export type TypeScriptProject = {
  readonly files: readonly ParsedFile[];
  readonly checker: Project["checker"];
  readonly close: () => void;
};

/**
 * Opened once per process, because it takes seconds of CPU time: code.test.ts runs all checks that need it. The compiler runs
 * as a child process until `close`.
 */
export const project: TypeScriptProject = openTypeScriptProject(ROOT);

/** `root`: a folder with a `tsconfig.json`; ends with a slash. */
export function openTypeScriptProject(root: string): TypeScriptProject {
  const api = new API({ cwd: root });
  const config = `${root}tsconfig.json`;
  const project = api.updateSnapshot({ openProject: config }).getProject(config);
  if (!project) throw new Error(`${config} gives no project`);
  const files = project.program.getSourceFileNames().flatMap((name) => {
    if (!name.startsWith(root) || name.includes("/node_modules/") || /\.json$/.test(name)) return [];
    const node = project.program.getSourceFile(name);
    return node ? [{ path: relative(root, name), text: node.text, node }] : [];
  });
  return {
    files,
    checker: project.checker,
    close: () => api.close(),
  };
}

export function visit(node: Node, see: (node: Node) => void): void {
  see(node);
  node.forEachChild((child) => {
    visit(child, see);
    return undefined;
  });
}

export function lineOf(file: ParsedFile, position: number): number {
  return file.node.getLineAndCharacterOfPosition(position).line + 1;
}

const imports = new Map<ParsedFile, readonly Import[]>();

/** Looked for once per file: several checks ask. */
export function importsOf(file: ParsedFile): readonly Import[] {
  const known = imports.get(file) ?? findImports(file);
  imports.set(file, known);
  return known;
}

/** Every import that is no statement of the file has one of these words. Most files have none, and need no search. */
const DEEP_IMPORT = /\bimport\b\s*(?![\w\s{*"'$])|\bcreateRequire\b|\bdeclare module\b/;

function findImports(file: ParsedFile): readonly Import[] {
  const found: Import[] = [];
  const loaders = new Set<string>();
  const add = (specifier: Node | undefined, typeOnly: boolean): void => {
    if (specifier && (isStringLiteral(specifier) || isNoSubstitutionTemplateLiteral(specifier)))
      found.push({ specifier: specifier.text, typeOnly, line: lineOf(file, specifier.getStart(file.node)) });
  };
  const see = (node: Node): void => {
    if (isImportDeclaration(node))
      add(node.moduleSpecifier, node.importClause?.phaseModifier === SyntaxKind.TypeKeyword);
    else if (isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (isImportTypeNode(node) && isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    else if (isVariableDeclaration(node) && node.initializer && isRequireMaker(node.initializer))
      loaders.add(node.name.getText());
    else if (isCallExpression(node) && isLoader(node.expression, loaders)) add(node.arguments[0], false);
    else if (isNewExpression(node) && isCodeAddress(node.arguments)) add(node.arguments?.[0], false);
  };
  if (DEEP_IMPORT.test(file.text)) visit(file.node, see);
  else file.node.statements.forEach(see);
  return found;
}

function isLoader(callee: Node, loaders: ReadonlySet<string>): boolean {
  return (
    callee.kind === SyntaxKind.ImportKeyword ||
    (isPropertyAccessExpression(callee) && callee.getText() === "import.meta.resolve") ||
    isRequireMaker(callee) ||
    (isIdentifier(callee) && loaders.has(callee.text))
  );
}

function isRequireMaker(node: Node): boolean {
  return isCallExpression(node) && isIdentifier(node.expression) && node.expression.text === "createRequire";
}

/** `"./worker.ts", import.meta.url`: the address of a file that is run, not read. */
function isCodeAddress(given: readonly Node[] | undefined): boolean {
  return given?.[1]?.getText() === "import.meta.url" && /^["'`]\.{1,2}\/.+\.tsx?["'`]$/.test(given[0]?.getText() ?? "");
}

export type FunctionSize = {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
  readonly reason: string | undefined;
};

const REASON = /\/\/ long: (\S.*)/;

const DECLARATIONS = new Set([
  SyntaxKind.ImportDeclaration,
  SyntaxKind.ExportDeclaration,
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.ClassDeclaration,
  SyntaxKind.InterfaceDeclaration,
  SyntaxKind.TypeAliasDeclaration,
  SyntaxKind.VariableStatement,
]);

/** How many lines of a file run when it is loaded: statements outside of functions that declare nothing. */
export function loadedLinesOf(file: ParsedFile): number {
  return file.node.statements
    .filter(({ kind }) => !DECLARATIONS.has(kind))
    .reduce((sum, node) => sum + lineOf(file, node.end) - lineOf(file, node.getStart(file.node)) + 1, 0);
}

const functions = new Map<ParsedFile, readonly FunctionSize[]>();

/** Every function with its length in lines. `reason`: given by a comment `// long: …` on its first two lines or the line before. */
export function functionsOf(file: ParsedFile): readonly FunctionSize[] {
  const known = functions.get(file) ?? findFunctions(file);
  functions.set(file, known);
  return known;
}

function findFunctions(file: ParsedFile): readonly FunctionSize[] {
  const found: FunctionSize[] = [];
  const lines = file.text.split("\n");
  visit(file.node, (node) => {
    const isFunction =
      isFunctionDeclaration(node) ||
      isMethodDeclaration(node) ||
      isArrowFunction(node) ||
      isFunctionExpression(node) ||
      isConstructorDeclaration(node) ||
      isClassStaticBlockDeclaration(node) ||
      isGetAccessorDeclaration(node) ||
      isSetAccessorDeclaration(node);
    if (!isFunction) return;
    const first = lineOf(file, node.getStart(file.node));
    const last = lineOf(file, node.end);
    const reason = REASON.exec(lines.slice(Math.max(0, first - 2), first + 1).join("\n"))?.[1];
    found.push({ name: lines[first - 1]?.trim() ?? "", line: first, lines: last - first + 1, reason });
  });
  return found;
}
