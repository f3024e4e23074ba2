// Symbolic links, addresses of submodules and pointers of Git LFS: what they mean, and which are refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { linkProblem, parsePointer, parseSubmodules, pointerExtension, submoduleUrl } from "./decide-contents.ts";

test("a link stays inside its repository, even through other links", () => {
  const cases: readonly [links: Record<string, string>, problem: RegExp | undefined][] = [
    [{ l: "real/f" }, undefined],
    [{ "a/l": "../real" }, undefined],
    [{ "a/b/l": "../../x" }, undefined],
    [{ l: "missing" }, undefined],
    [{ l: "." }, undefined],
    [{ l: "l" }, undefined],
    [{ l: ".gitignore" }, undefined],
    [{ l: "a/../b", a: "c" }, undefined],
    [{ l: "../x" }, /out of the repository/],
    [{ "a/l": "../../x" }, /out of the repository/],
    [{ l: "/etc/passwd" }, /out of the repository/],
    [{ l: "a/../../x" }, /out of the repository/],
    [{ l: "p/q/up/../x", "p/q/up": "../.." }, /out of the repository/],
    [{ l: "c:/x" }, /out of the repository/],
    [{ l: "..\\x" }, /out of the repository/],
    [{ l: ".git/hooks" }, /into \.git/],
    [{ l: ".GIT/config" }, /into \.git/],
    [{ l: "sub/.git" }, /into \.git/],
    [{ l: "git~1/x" }, /into \.git/],
    [{ l: ".git./x" }, /into \.git/],
    [{ l: "d/.git", d: "e" }, /into \.git/],
  ];
  for (const [links, expected] of cases) {
    const problem = linkProblem(new Map(Object.entries(links)), "l" in links ? "l" : (Object.keys(links)[0] ?? ""));
    if (expected === undefined) assert.equal(problem, undefined, JSON.stringify(links));
    else assert.match(problem ?? "", expected, JSON.stringify(links));
  }
});

test("addresses of submodules are read as git and people write them", () => {
  const dc = "https://git.example/scm/apps/orders.git";
  const cases: readonly [url: string, parent: string, expected: string][] = [
    ["../lib.git", dc, "https://git.example/scm/apps/lib.git"],
    ["../../other/lib.git", dc, "https://git.example/scm/other/lib.git"],
    ["./inner", dc, "https://git.example/scm/apps/orders.git/inner"],
    ["https://git.example/scm/x/lib.git", dc, "https://git.example/scm/x/lib.git"],
    ["ssh://git@git.example:7999/x/lib.git", dc, "https://git.example/scm/x/lib.git"],
    ["ssh://git@git.example/x/lib.git", "https://git.example/o/r.git", "https://git.example/x/lib.git"],
    ["git@git.example:x/lib.git", "https://git.example/o/r.git", "https://git.example/x/lib.git"],
    [
      "git@git.example:x/lib.git",
      "https://git.example:8443/ctx/scm/o/r.git",
      "https://git.example:8443/ctx/scm/x/lib.git",
    ],
    ["git@elsewhere.example:x/lib.git", dc, "git@elsewhere.example:x/lib.git"],
    ["ext::sh -c id", dc, "ext::sh -c id"],
    ["/srv/lib.git", dc, "/srv/lib.git"],
    ["file:///srv/lib.git", dc, "file:///srv/lib.git"],
  ];
  for (const [url, parent, expected] of cases) assert.equal(submoduleUrl(url, parent), expected, url);
  assert.deepEqual(parseSubmodules("submodule.a.b.path\np\0submodule.a.b.url\nu\0submodule.c.path\nx\0"), [
    { path: "p", url: "u", update: undefined },
  ]);
});

test("pointers of Git LFS are distinguished from other small files", () => {
  const oid = "4".repeat(64);
  const good = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 12\n`;
  assert.deepEqual(parsePointer(good), { oid, size: 12 });
  assert.deepEqual(parsePointer(good.replace("oid", `ext-0-x sha256:${oid}\noid`)), { oid, size: 12 });
  // `text eol=crlf` in the attributes changes a pointer's line ends, and editors take the last one.
  assert.deepEqual(parsePointer(good.replaceAll("\n", "\r\n")), { oid, size: 12 });
  assert.deepEqual(parsePointer(good.trimEnd()), { oid, size: 12 });
  assert.deepEqual(parsePointer(` \n${good.replaceAll("\n", "\n\n")}`), { oid, size: 12 });
  assert.equal(pointerExtension(good), undefined);
  assert.equal(pointerExtension(good.replace("oid", `ext-0-x sha256:${oid}\noid`)), "x");
  for (const bad of [
    `${good}extra\n`,
    `${good}x-foo bar\n`,
    `${good}ext-0-x sha256:${oid}\n`,
    `\ufeff${good}`,
    good.replace("oid", "x-foo bar\noid"),
    good.replace("spec/v1", "spec/v2"),
    good.replace("git-lfs.github.com", "example.com"),
    `version https://git-lfs.github.com/spec/v1\nsize 12\noid sha256:${oid}\n`,
  ])
    assert.equal(parsePointer(bad), undefined, bad);
  for (const bad of ["", "text", good.replace("sha256", "sha1"), good.replace("size 12", "size x"), `x${good}`, oid]) {
    assert.equal(parsePointer(bad), undefined, bad);
  }
});
