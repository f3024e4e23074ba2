// Dockerfiles that builders read differently, or refuse: none of them may become an image silently. The
// rows were found by comparing generated files with Buildah.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { testRuns } from "@gantry/core/test-runs.fixture.ts";
import fc from "fast-check";
import { tempDir } from "../temp-dir.fixture.ts";
import { findObstacle } from "./decide-builder.ts";
import { parseDockerfile } from "./dockerfile/dockerfile.ts";
import { assemble, look, writeFiles } from "./image.fixture.ts";

const problemOf = (text: string): string | undefined => parseDockerfile(text).problems[0]?.detail;
const obstacleOf = (text: string): string | undefined => findObstacle(parseDockerfile(text).dockerfile, {})?.why;

test("what builders refuse is a mistake with its line", async (t) => {
  const rows: readonly [text: string, problem: RegExp][] = [
    ["# escape=x\nFROM scratch\n", /# escape=x: it must be/],
    ["# escape=`\n# escape=`\nFROM scratch\n", /two directives # escape/],
    ["FROM --foo=1 scratch\n", /no flag --foo/],
    ["FROM scratch\nHEALTHCHECK --foo=1 CMD x\n", /no flag --foo/],
    ["FROM scratch\nCOPY --chown a /\n", /--chown needs a value/],
    ["FROM scratch\nCOPY --chown=1 --chown=2 a /\n", /--chown is there twice/],
    ['FROM scratch\nCMD ["a", 1]\n', /nothing but strings/],
    ["FROM scratch\nENTRYPOINT [null]\n", /nothing but strings/],
    ['FROM scratch\nVOLUME ["/v", 1]\n', /nothing but strings/],
    ['FROM scratch\nHEALTHCHECK CMD ["a", {}]\n', /nothing but strings/],
    ["FROM scratch\nSHELL []\n", /must be a JSON array/],
    ["FROM scratch\nCMD --foo x\n", /CMD: there is no flag --foo/],
    ["FROM scratch\nENTRYPOINT --foo\n", /ENTRYPOINT: there is no flag --foo/],
    ["FROM scratch\nENV --a=b\n", /ENV: there is no flag --a/],
    ["FROM scratch\nONBUILD --x RUN y\n", /ONBUILD: there is no flag --x/],
    ["FROM scratch\nVOLUME --\n", /it needs an argument/],
    ["FROM scratch\nCOPY --link=x a /\n", /--link must be true or false/],
    ['FROM scratch\nCOPY --chown="5 a /x\n', /it needs an argument/],
    ["FROM scratch\nENV\u00a0A=1\n", /ENV\u00a0A=1 is not an instruction/],
    ["FROM scratch\nHEALTHCHECK --interval=9999999h CMD x\n", /not a duration/],
    ["FROM scratch\nHEALTHCHECK --interval=5000\u00b5s CMD x\n", /not a duration/],
    ["FROM scratch\nHEALTHCHECK --interval=x CMD x\nFROM scratch\nENV A=1\n", /not a duration/],
    ["FROM Scratch\nENV A=1\nFROM scratch\nENV A=1\n", /"Scratch" is not a valid name/],
  ];
  for (const [text, problem] of rows) assert.match(problemOf(text) ?? "", problem, text);
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  await writeFiles(folders.context, { a: "A" });
  const later: readonly [text: string, problem: RegExp][] = [
    ["VOLUME $NONE", /path of a volume is empty/],
    ['VOLUME [""]', /path of a volume is empty/],
    ["VOLUME $NONE /v", /path of a volume is empty/],
    ["LABEL $NONE=x", /name of a label is empty/],
    ["LABEL C= '\\'' 'B'=x", /the quote ' in .* is never closed/],
    ['EXPOSE "80 81"', /the quote " in "80 is never closed/],
    ["COPY a /f\nWORKDIR /f", /\/f is a file in the image/],
    ["FROM ${\nFROM scratch\nENV A=1", /the brace of \$\{ is never closed/],
    ["COPY *.none *.nil /x/", /there is no "\*\.none"/],
    ["COPY a none/* /x/", /there is no "none\/\*"/],
    ["ENV $NONE=x", /name of a variable is empty/],
    ["STOPSIGNAL FOO", /"FOO" is not a signal/],
    ["STOPSIGNAL 0", /"0" is not a signal/],
    ["COPY << /x", /there is no "<<"/],
    ['COPY ["<<EOF", "/x"]', /there is no "<<EOF"/],
  ];
  for (const [line, problem] of later) {
    await assert.rejects(
      assemble(`FROM scratch\n${line}\n`, folders),
      (error) => error instanceof GantryError && problem.test(String(error.details.problem)),
      line,
    );
  }
});

test("what builders read in different ways is left to a real builder", () => {
  const rows: readonly [line: string, why: RegExp][] = [
    ['CMD ["a"] x', /behind a JSON array/],
    ['ENTRYPOINT ["a"]]', /behind a JSON array/],
    ['CMD ["a"] # c', /behind a JSON array/],
    ['HEALTHCHECK CMD ["a"] x', /behind a JSON array/],
    ['VOLUME ["/v"] /w', /behind a JSON array/],
    ['VOLUME "/v w"', /a space outside of a JSON array/],
    ["ARG A=1 B=$A", /a variable behind another argument/],
    ['ENV "a b" c', /a name in quotes/],
    ["ENV A=x\u00a0y", /not ASCII/],
    ["ENV A=x\ufeffy", /not ASCII/],
    ["LABEL a=x\u0085y", /not ASCII/],
    ["WORKDIR /a\u000bb", /not ASCII|control/],
    ["ONBUILD RUN <<EOF\nx\nEOF", /has a heredoc/],
    ['COPY <<"E F" /x\nFROM y\nE F', /a space outside of a JSON array/],
    ["COPY --chown=\u00e9 a /x", /a flag that is not ASCII/],
  ];
  for (const [line, why] of rows) assert.match(obstacleOf(`FROM scratch\n${line}\n`) ?? "", why, line);
  assert.match(obstacleOf("ARG A=1 B=$A\nFROM scratch\n") ?? "", /a variable behind another argument/);
  assert.match(obstacleOf("FROM scratch\nFROM 0\n") ?? "", /by a number/);
  assert.match(obstacleOf("# syntax=docker/dockerfile:1\n# escape=`\nFROM scratch\n") ?? "", /below another/);
  for (const line of ["WORKDIR /a`b", "ENV A=C:\\x", "COPY a\\b /"])
    assert.match(obstacleOf(` # escape=\`\nFROM scratch\n${line}\n`) ?? "", /has an escape character/, line);
  for (const usual of ["ENV A=1 `\n  B=2", "CMD C:\\a `b", 'ENTRYPOINT ["C:\\\\a"]'])
    assert.equal(obstacleOf(`# escape=\`\nFROM scratch\n${usual}\n`), undefined, usual);
  for (const usual of [
    'CMD [ "$x" = y ] && z',
    'CMD ["a", "b"]',
    "CMD ['a'] x",
    "ENV A a b",
    "ARG A=1 B=2",
    "VOLUME /v /w",
  ])
    assert.equal(obstacleOf(`FROM scratch\n${usual}\n`), undefined, usual);
});

test("what builders build, and the assembler does not, is left to them, with its line", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  await writeFiles(folders.context, { a: "A" });
  const rows: readonly [line: string, why: RegExp][] = [
    ["CMD", /CMD has no command/],
    ["CMD --", /CMD has no command/],
    ["ENTRYPOINT", /ENTRYPOINT has no command/],
    ["ARG --x=1 A=1", /ARG has a flag/],
    ["STOPSIGNAL --x=1 9", /STOPSIGNAL has a flag/],
    ["ARG a.b=1", /ARG has the unusual name "a.b"/],
    ["ARG a-b", /unusual name "a-b"/],
    ["ARG é=1", /unusual name "é"/],
    ["ARG 1=x", /unusual name "1"/],
    ['ARG "A"=x', /unusual name/],
    ["ARG $NONE=x", /unusual name/],
    ["STOPSIGNAL +9", /STOPSIGNAL has the unusual number \+9/],
    ["STOPSIGNAL -9", /unusual number/],
    ["STOPSIGNAL 65", /unusual number/],
    ["EXPOSE 80:81", /EXPOSE has a port with the address or port of a host/],
    ["EXPOSE 127.0.0.1:80:81", /the address or port of a host/],
    ["EXPOSE 80/", /has a port without a protocol behind the slash/],
    ["EXPOSE 0", /has the port 0/],
    ["COPY --chown=:5 a /x", /COPY gives the owner ":5", half of which is empty/],
    ["COPY --chown=5: a /x", /half of which is empty/],
  ];
  for (const [line, why] of rows) {
    await assert.rejects(
      assemble(`FROM scratch\nENV X=1\n${line}\n`, folders),
      (error) => {
        assert.ok(error instanceof GantryError);
        assert.equal(error.code, "no-builder", line);
        assert.match(String(error.details.problem), why);
        assert.match(String(error.details.problem), /[Ll]ine 3: /);
        return true;
      },
      line,
    );
  }
  for (const [line, field, value] of [
    ["STOPSIGNAL SIGCLD", "StopSignal", "SIGCLD"],
    ["HEALTHCHECK --interval= --retries=+2 CMD x", "Healthcheck", { Test: ["CMD-SHELL", "x"], Retries: 2 }],
  ] as const) {
    const { config } = await look(await assemble(`FROM --platform= scratch\n${line}\n`, folders));
    assert.deepEqual(config.config[field], value, line);
  }
});

test("a pattern that fits a broken link, and escaped letters in .dockerignore, are left to a real builder", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  await writeFiles(folders.context, { a: "A", l: "->nowhere", "d/x": "X", "d/l": "->../nowhere" });
  const noBuilder = (error: unknown): boolean => error instanceof GantryError && error.code === "no-builder";
  for (const source of ["*", "?", "d/*", "[kl]"])
    await assert.rejects(assemble(`FROM scratch\nCOPY ${source} /x/\n`, folders), noBuilder, source);
  await assemble("FROM scratch\nCOPY . /x/\nCOPY a* d/x /y/\n", folders);
  for (const line of ["\\a", "d\\x", "!\\d*"]) {
    await writeFiles(folders.context, { ".dockerignore": `${line}\n` });
    await assert.rejects(assemble("FROM scratch\nCOPY a /x/\n", folders), noBuilder, line);
  }
});

test("signals have the names and numbers that container runtimes know", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  for (const signal of ["SIGTERM", "term", "15", "SIGRTMIN+3", "RTMAX-1", "SIGWINCH", "quit"]) {
    const { config } = await look(await assemble(`FROM scratch\nSTOPSIGNAL ${signal}\n`, folders));
    assert.equal(config.config.StopSignal, signal);
  }
});

test("a heredoc keeps the line ends of its Dockerfile, and two dashes end the flags", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  await writeFiles(folders.context, { a: "A" });
  const text = 'FROM scratch\r\nCOPY <<EOF <<"F" /d/\r\none\r\nEOF\r\n$two\r\nF\r\nCOPY --chown=$NONE -- a /\r\n';
  const { layers } = await look(await assemble(text, folders));
  assert.deepEqual(
    layers.flat().map((entry) => [entry.path, entry.text, entry.owner]),
    [
      ["d/", "", "0:0"],
      ["d/EOF", "one\r\n", "0:0"],
      ["d/F", "$two\r\n", "0:0"],
      ["a", "A", "0:0"],
    ],
  );
});

const INSTRUCTIONS = [
  ["ENV", ["A=1", "A=$B", "A=\"x y\" B='$A'", "OLD the  whole rest", "A=a\\ b"]],
  ["LABEL", ['"a.b"="1 2" c=$A', "l=#x"]],
  ["ARG", ["B", "B=2"]],
  ["WORKDIR", ["/w", "w/$A", "../x"]],
  ["USER", ["1:2", "$A"]],
  ["EXPOSE", ["80 81/udp", "90-92"]],
  ["VOLUME", ['["/v", "/w x"]', "/v /w"]],
  ["CMD", ['["a", "$A"]', "exec  a $A", "['a']"]],
  ["ENTRYPOINT", ['["a b"]', "a; b"]],
  ["HEALTHCHECK", ["NONE", "--interval=1m30s --retries=2 CMD a  b", 'CMD ["a"]']],
  ["STOPSIGNAL", ["SIGTERM"]],
  ["SHELL", ['["/bin/bash", "-c"]']],
  ["ONBUILD", ["COPY a b"]],
  ["COPY", ["--chown=1 a d /x/", '["a", "/y"]', "d/* /z/"]],
] as const;

const instruction = fc
  .constantFrom(...INSTRUCTIONS)
  .chain(([name, rest]) => fc.constantFrom(...rest).map((text) => ({ name, text })));
/** Ways to write the same instruction. The first space of a line may be a line end. */
const way = fc.record({
  upper: fc.boolean(),
  before: fc.constantFrom("", "  ", "\t", "# c\n", "\n", "  # c \\\n", "#\n\n"),
  between: fc.constantFrom(
    " ",
    "  ",
    "\t",
    " \\\n",
    " \\\n  ",
    "\\\n ",
    " \\  \n",
    " \\\n# c\n",
    " \\\n\n   # c \\\n ",
  ),
  after: fc.constantFrom("", "  ", "\t"),
});

test("property: the layout of a Dockerfile does not change its image", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  await writeFiles(folders.context, { a: "A", "d/x": "X", "d/y": "x:Y" });
  const file = fc.record({
    lines: fc.array(fc.tuple(instruction, way), { minLength: 1, maxLength: 5 }),
    /** A continuation of the last line goes on to the end of the file. */
    end: fc.constantFrom("\n", "", " \\\n", " \\\n# c\n\n"),
    bom: fc.boolean(),
    crlf: fc.boolean(),
    directive: fc.constantFrom("", "# escape=\\\n", "# syntax=docker/dockerfile:1\n"),
  });
  /** Configuration and layers, or the code of the error: a file may be left to a real builder. */
  const imageOf = async (text: string): Promise<readonly unknown[]> => {
    try {
      const { config, layers } = await look(await assemble(text, folders));
      // Builders keep the blanks behind a trigger.
      const OnBuild = config.config.OnBuild?.map((trigger: string) => trigger.trimEnd());
      return [{ ...config.config, OnBuild }, layers];
    } catch (error) {
      if (!(error instanceof GantryError)) throw error;
      return [error.code];
    }
  };
  const property = fc.asyncProperty(file, async ({ lines, end, bom, crlf, directive }) => {
    const plain = ["FROM scratch", ...lines.map(([{ name, text }]) => `${name} ${text}`)];
    const odd = lines.map(([{ name, text }, { upper, before, between, after }]) => {
      return `${before}${upper ? name : name.toLowerCase()}${between}${text}${after}`;
    });
    const written = `${bom ? "\ufeff" : ""}${directive}${["FROM scratch", ...odd].join("\n")}${end}`;
    const [expected, got] = await Promise.all([
      imageOf(`${plain.join("\n")}\n`),
      imageOf(crlf ? written.replaceAll("\n", "\r\n") : written),
    ]);
    assert.deepEqual(got, expected);
  });
  await fc.assert(property, { numRuns: testRuns(60) });
});

test("directories that COPY and WORKDIR make have the owner that builders give them", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  await writeFiles(folders.context, {
    a: "A",
    "etc/passwd": "web:x:1000:1001::/:\n",
    "etc/group": "ops:x:2000:\n",
    "d/x": "X",
  });
  const ownersIn = async (lines: string): Promise<string> => {
    const { layers } = await look(await assemble(`FROM scratch\n${lines}\n`, folders));
    return layers
      .flat()
      .map(({ path, owner, mode }) => `${path} ${owner} ${mode}`)
      .join(", ");
  };
  const rows: readonly (readonly [lines: string, owners: string])[] = [
    ["COPY --chown=5 a /z/y/x", "z/ 5:5 755, z/y/ 5:5 755, z/y/x 5:5 644"],
    ["COPY --chown=5:6 d /z/y/", "z/ 5:6 755, z/y/ 5:6 755, z/y/x 5:6 644"],
    ["COPY a /z/\nCOPY --chown=5 a /z/y/", "z/ 0:0 755, z/a 0:0 644, z/y/ 5:5 755, z/y/a 5:5 644"],
    ["COPY --chown=5 d /z\nCOPY --chown=5 --chmod=600 a /z/", "z/ 5:5 755, z/x 5:5 644, z/a 5:5 600"],
    ["USER 7:8\nWORKDIR /p/q\nCOPY a r/", "p/ 7:8 755, p/q/ 7:8 755, p/q/r/ 0:0 755, p/q/r/a 0:0 644"],
    ["USER 7\nWORKDIR /p\nUSER 0\nWORKDIR q\nUSER 9\nWORKDIR .", "p/ 7:7 755, p/q/ 0:0 755"],
    ["USER root:root\nWORKDIR /p", "p/ 0:0 755"],
  ];
  for (const [lines, owners] of rows) assert.equal(await ownersIn(lines), owners, lines);
  assert.match(
    await ownersIn("COPY etc /etc\nUSER web:ops\nWORKDIR /srv/app"),
    /srv\/ 1000:2000 755, srv\/app\/ 1000:2000 755$/,
  );
});

test("a mode for a new directory, and what only patterns or volumes decide, are left to a real builder", async (t) => {
  const folders = { context: await tempDir(t), scratch: await tempDir(t) };
  await writeFiles(folders.context, { a: "A", ab: "B", "d/x": "X", "empty/": "", "f/x": "" });
  await writeFiles(folders.context, {
    "links/l": "->x",
    "links/x": "X",
    "links/broken": "->none",
    "links/folder": "->deep",
    "links/deep/y": "Y",
  });
  const noBuilder = (error: unknown): boolean => error instanceof GantryError && error.code === "no-builder";
  for (const lines of [
    "COPY --chmod=0444 d /z",
    "COPY --chmod=700 empty /z/",
    "COPY --chmod=0600 . /z/y",
    "COPY --chown=5 --chmod=600 a /z/",
    "COPY --chmod=600 a /z/y",
    "COPY --chmod=1777 a ab /z/",
    "COPY a* /z",
    "COPY [a]* ./z",
    "VOLUME /z\nCOPY a /z",
    "USER nobody\nWORKDIR /z",
    "COPY d* /z",
    "COPY d /z/d\nCOPY --chown=5 . /z",
    "COPY d /z/d\nCOPY --chmod=755 --chown=5 . /z",
    "COPY links /\nCOPY a /l",
    "COPY links /p\nCOPY a /p/./l",
    "COPY links /\nCOPY a /broken",
    "COPY a *.none /z",
    "COPY a /z/.",
    "COPY d *.none /z",
    "ENV A=' x '\nVOLUME $A",
  ])
    await assert.rejects(assemble(`FROM scratch\n${lines}\n`, folders), noBuilder, lines);
  for (const lines of [
    "COPY --chmod=755 d /z",
    "COPY --chmod=0444 a /z",
    "COPY --chmod=0444 d /",
    "COPY a /z/\nCOPY --chmod=0444 d /z",
    "COPY a* /z/",
    "VOLUME /z\nCOPY a /z/",
    "USER nobody\nWORKDIR /",
    "COPY ab* /z",
    "COPY d* /z/",
    "COPY --chown=5 d /z/d\nCOPY --chown=5 . /z/",
    "COPY links /\nCOPY a /folder",
    "COPY links /\nCOPY a /folder/l",
    "COPY a *.none /z/",
    "COPY d /z/.\nCOPY a /z/.\nWORKDIR /w\nCOPY a .",
    "COPY --chown=5 *.none a .",
    "COPY a /z/\nCOPY ab *.none /z",
  ])
    await assemble(`FROM scratch\n${lines}\n`, folders);
});

test("a file that .dockerignore takes back from a folder that not all builders enter is left to a real builder", async (t) => {
  const rows: readonly [ignore: string, isSure: boolean][] = [
    ["*\n!**/x\n", false],
    ["d\n!*/x\n", false],
    ["*\n!d/x\n", true],
    ["*\n!d\n", true],
    ["d\n!d/*\n", true],
    ["*.md\n!**/README.md\n", true],
    ["d/*\n!**/x\n", true],
    ["*\n!**/none\n", true],
    ["d/x\n!d\n", false],
    ["**/x\n!d\n", false],
    ["d/**\n!*\n", false],
    ["*\n!d\n**/z\n", true],
    ["**/x\n!d/x\n", true],
    ["d\n!d\nd/x\n", true],
  ];
  for (const [ignore, isSure] of rows) {
    const folders = { context: await tempDir(t), scratch: await tempDir(t) };
    await writeFiles(folders.context, { "d/x": "x", "README.md": "r", a: "a", ".dockerignore": ignore });
    const built = assemble("FROM scratch\nWORKDIR /w\nCOPY . /\n", folders);
    if (isSure) await built;
    else await assert.rejects(built, (error) => error instanceof GantryError && error.code === "no-builder", ignore);
  }
});
