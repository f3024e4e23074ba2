// Which hosts a Dockerfile makes a builder call.

import assert from "node:assert/strict";
import { test } from "node:test";
import { hostsOf } from "./decide-hosts.ts";
import { parseDockerfile } from "./dockerfile/dockerfile.ts";

const ROWS: readonly (readonly [text: string, hosts: readonly string[]])[] = [
  ["FROM scratch", []],
  ["FROM alpine", ["docker.io"]],
  ["FROM 127.0.0.1:6379/x/y", ["127.0.0.1:6379"]],
  ["FROM [::1]:5000/x/y", ["[::1]:5000"]],
  ["FROM localhost/x AS a\nFROM a", ["localhost"]],
  ["ARG HOST=169.254.169.254\nFROM ${HOST}/x/y", ["169.254.169.254"]],
  ["FROM scratch\nCOPY --from=127.0.0.1:80/x / /", ["127.0.0.1:80"]],
  ["FROM scratch AS a\nFROM scratch\nCOPY --from=a / /\nCOPY --from=0 / /", []],
  ["FROM scratch\nRUN --mount=type=bind,from=10.0.0.1:80/x,target=/m true", ["10.0.0.1:80"]],
  ["FROM scratch\nADD http://169.254.169.254/latest /x", ["169.254.169.254"]],
  ["FROM scratch\nADD HTTPS://2130706433/a /x", ["127.0.0.1"]],
  ['FROM scratch\nADD ["http://[::1]/a", "/x"]', ["[::1]"]],
  ["FROM scratch\nARG U=http://127.0.0.1\nADD $U/a /x", ["127.0.0.1"]],
  ["FROM scratch\nENV U=http://127.0.0.1\nADD ${U}/a /x", ["127.0.0.1"]],
  ["FROM scratch\nADD git@127.0.0.1:a/b.git /x", ["127.0.0.1"]],
  ["FROM scratch\nADD git://127.0.0.1/a /x", ["127.0.0.1"]],
  ["# syntax=127.0.0.1:5000/front:1\nFROM scratch", ["127.0.0.1:5000"]],
];

for (const [text, hosts] of ROWS) {
  test(`hosts of: ${text.replaceAll("\n", " ; ")}`, () => {
    const { dockerfile, problems } = parseDockerfile(text);
    assert.deepEqual(problems, []);
    const found = hostsOf(dockerfile, {}).map(({ host }) => host);
    assert.deepEqual(found, hosts);
  });
}
