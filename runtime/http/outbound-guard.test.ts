// Untrusted addresses, in all the forms that a URL can have.

import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { openOutboundGuard, type Resolve } from "./outbound-guard.ts";

/** What names resolve to; other names do not exist. */
const NAMES: { readonly [name: string]: readonly string[] } = {
  localhost: ["::1", "127.0.0.1"],
  "127.0.0.1.nip.io": ["127.0.0.1"],
  "registry.example": ["203.0.114.7"],
  "harbor.corp": ["10.1.2.3"],
  "two-faces.example": ["203.0.114.7", "127.0.0.1"],
  "alias-to-metadata.example": ["169.254.169.254"],
  "metadata.google.internal": ["203.0.114.7"],
  "mapped.example": ["::ffff:127.0.0.1"],
  "cache.lab": ["127.0.0.1"],
};
const resolve: Resolve = (host, done) => {
  const found = NAMES[host];
  if (!found) return done(new Error(`ENOTFOUND ${host}`), []);
  done(
    null,
    found.map((address): LookupAddress => ({ address, family: address.includes(":") ? 6 : 4 })),
  );
};

async function verdict(url: string, allow: readonly string[] = []): Promise<string> {
  try {
    await openOutboundGuard(allow, resolve).check(new URL(url).hostname);
    return "called";
  } catch (error) {
    assert.ok(error instanceof GantryError, String(error));
    assert.equal(error.code, "address-refused");
    return String(error.details.what);
  }
}

const REFUSED: readonly string[] = [
  // The machine itself.
  "http://127.0.0.1/",
  "http://127.0.0.1:6379/",
  "http://127.255.255.254/",
  "http://127.1/",
  "http://127.0.1/",
  "http://2130706433/",
  "http://0x7f000001/",
  "http://0x7f.1/",
  "http://0177.0.0.1/",
  "http://017700000001/",
  "http://0/",
  "http://0.0.0.0/",
  "http://0.1.2.3/",
  "http://%31%32%37.0.0.1/",
  "http://127。0。0。1/",
  "http://①②⑦.0.0.1/",
  "http://localhost/",
  "http://LOCALHOST/",
  "http://localhost./",
  "http://127.0.0.1.nip.io/",
  "http://127.0.0.1./",
  "http://user@127.0.0.1/",
  "http://registry.example@127.0.0.1/",
  "http://[::1]/",
  "http://[::]/",
  "http://[0:0:0:0:0:0:0:1]/",
  "http://[::ffff:127.0.0.1]/",
  "http://[::ffff:7f00:1]/",
  "http://[::127.0.0.1]/",
  "http://[::ffff:0:127.0.0.1]/",
  "http://[64:ff9b::127.0.0.1]/",
  "http://[64:ff9b:1::7f00:1]/",
  "http://[2002:7f00:1::]/",
  "http://[2001:0:cb00:7207::80ff:fffe]/",
  "http://[2001:0:7f00:1::3400:8df8]/",
  "http://[fd00::5efe:127.0.0.1]/",
  "http://mapped.example/",
  "http://two-faces.example/",
  // One link only.
  "http://169.254.1.1/",
  "http://[fe80::1]/",
  "http://[febf::1]/",
  "http://[::ffff:169.254.1.1]/",
  // Credentials of clouds.
  "http://169.254.169.254/latest/meta-data/",
  "http://2852039166/",
  "http://0xa9fea9fe/",
  "http://0251.0376.0251.0376/",
  "http://[::ffff:169.254.169.254]/",
  "http://[64:ff9b::a9fe:a9fe]/",
  "http://[2002:a9fe:a9fe::]/",
  "http://169.254.170.2/",
  "http://100.100.100.200/",
  "http://168.63.129.16/",
  "http://192.0.0.192/",
  "http://[fd00:ec2::254]/",
  "http://[fd20:ce::254]/",
  "http://metadata.google.internal/",
  "http://metadata/",
  "http://alias-to-metadata.example/",
  // Reserved.
  "http://100.64.0.1/",
  "http://198.18.0.1/",
  "http://224.0.0.1/",
  "http://255.255.255.255/",
  "http://[ff02::1]/",
  "http://[fec0::1]/",
];

for (const url of REFUSED) test(`${url} is refused`, async () => assert.notEqual(await verdict(url), "called"));

for (const url of [
  "https://registry.example/",
  "https://203.0.114.7/",
  "https://[2606:4700::1111]/",
  "https://[::ffff:203.0.114.7]/",
  // Private networks are normal at a company.
  "https://10.1.2.3/",
  "https://172.16.0.1/",
  "https://192.168.1.1/",
  "https://[fd12:3456::1]/",
  "https://harbor.corp/",
  "https://no-such-name.example/",
])
  test(`${url} may be called`, async () => assert.equal(await verdict(url), "called"));

test("what the configuration allows may be called, whichever way it is written; metadata never may", async () => {
  const allow = ["127.0.0.0/8", "cache.lab", "fe80::/10", "169.254.0.0/16", "metadata.google.internal"];
  for (const url of ["http://127.0.0.1/", "http://[::ffff:127.0.0.1]/", "http://cache.lab/", "http://[fe80::1]/"])
    assert.equal(await verdict(url, allow), "called", url);
  assert.equal(await verdict("http://169.254.1.1/", allow), "called");
  for (const url of ["http://169.254.169.254/", "http://metadata.google.internal/", "http://[64:ff9b::a9fe:a9fe]/"])
    assert.match(await verdict(url, allow), /cloud/, url);
  assert.notEqual(await verdict("http://[::1]/", allow), "called", "another range");
  assert.equal(await verdict("http://cache.lab/", ["CACHE.lab"]), "called");
});

test("the lookup of a connection answers only checked addresses, in both forms of Node", async () => {
  const { lookup } = openOutboundGuard([], resolve);
  const ask = (host: string, options: object): Promise<unknown> =>
    new Promise((done, fail) =>
      lookup(host, options, (error, address, family) =>
        error ? fail(error) : done(family ? [address, family] : address),
      ),
    );
  assert.deepEqual(await ask("harbor.corp", {}), ["10.1.2.3", 4]);
  assert.deepEqual(await ask("harbor.corp", { all: true }), [{ address: "10.1.2.3", family: 4 }]);
  for (const host of ["localhost", "two-faces.example", "alias-to-metadata.example"])
    await assert.rejects(ask(host, { all: true }), { code: "address-refused" });
  await assert.rejects(ask("harbor.corp", { family: 6 }), /no address/);
});
