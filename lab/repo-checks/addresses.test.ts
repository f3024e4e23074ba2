// Addresses are declared once: those of the API in the portal's routes, those of pages in the console's table. Here every
// place that writes one down (console, CLI, documents) is compared with them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isTest, sources } from "./sources.ts";

type Place = { readonly path: string; readonly line: number; readonly address: string };

/** `/apps/{name}` and `/apps/:name` as a pattern for addresses. */
const patternOf = (path: string): RegExp => new RegExp(`^${path.replaceAll(/\$\{[^}]+\}|\{\w+\}|:\w+/g, "[^/]+")}$`);

function declaredIn(files: RegExp): readonly RegExp[] {
  const found = sources(files)
    .filter(({ path }) => !isTest(path))
    .flatMap(({ text }) => [...text.matchAll(/\bpath: ["`](\/[^"`]*)["`]/g)].map(([, path = ""]) => patternOf(path)));
  assert.ok(found.length > 5, `no addresses found in ${files}`);
  return found;
}

/** `written` captures an address. Values that are put into it count as one part, and a query does not count. */
function placesOf(files: RegExp, written: RegExp): readonly Place[] {
  return sources(files)
    .filter(({ path }) => !isTest(path))
    .flatMap(({ path, text }) =>
      text.split("\n").flatMap((content, at) =>
        [...content.matchAll(written)].map(([, address = ""]) => ({
          path,
          line: at + 1,
          address: address
            .replaceAll(/\/\$\{[^}]*\}|\/[A-Z]+(?=\/|$)/g, "/x")
            .replace(/\$\{.*|\?.*|#.*/, "")
            .replaceAll(/\{\w+\}/g, "x"),
        })),
      ),
    );
}

function assertDeclared(places: readonly Place[], declared: readonly RegExp[]): void {
  assert.ok(places.length > 5, "no addresses found");
  const unknown = places.filter(({ address }) => !declared.some((pattern) => pattern.test(address)));
  assert.deepEqual(
    unknown.map(({ path, line, address }) => `${path}:${line} ${address}`),
    [],
    "no route or page is declared with these addresses; or the address contains a quotation mark",
  );
}

const routes = declaredIn(/^portal-api\/routes\/.*\.ts$/);

test("addresses: every address of the API in console and CLI is a route of the portal", () =>
  assertDeclared(placesOf(/^(console\/src|cli)\/.*\.tsx?$/, /["`](\/v1\/[^"`\s]*)/g), routes));

test("addresses: every address of the API in a document is a route of the portal", () =>
  assertDeclared(placesOf(/^(README|SECURITY|docs\/[a-z-]+)\.md$/, /(\/v1\/[\w/{}-]*\w\}?)/g), routes));

test("addresses: every link of the console opens a page of its table", () => {
  const pages = declaredIn(/^console\/src\/frame\/pages\.tsx$/);
  const links = placesOf(
    /^console\/src\/.*\.tsx?$/,
    /(?:href=\{?|navigate\(|=> |: )["`](\/(?!v1\/|sign-in)[^"`\s]*)["`](?! data-native)/g,
  );
  assertDeclared(
    links.filter(({ path }) => path !== "console/src/frame/pages.tsx"),
    pages,
  );
});
