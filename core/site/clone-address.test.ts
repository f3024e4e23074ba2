// Addresses from which repositories are cloned.

import assert from "node:assert/strict";
import { test } from "node:test";
import { cloneAddress, slugAt } from "./clone-address.ts";
import { GIT_PROVIDERS } from "./git-providers.ts";

const url = "https://git.example";

test("the repository of a clone address is found again at every host, and none of another project", () => {
  for (const provider of GIT_PROVIDERS) {
    const host = { provider, url };
    const address = cloneAddress(host, "acme", "orders");
    assert.equal(slugAt(host, "acme", address), "orders", provider);
    assert.equal(slugAt(host, "other", address), undefined, provider);
    assert.equal(slugAt(host, "acme", cloneAddress(host, "acme", "..")), undefined, provider);
  }
});

test("groups of GitLab are nested, and no part of a path leads out of them", () => {
  const host = { provider: "gitlab", url } as const;
  assert.equal(cloneAddress(host, "acme/shop/web", "orders"), "https://git.example/acme/shop/web/orders.git");
  assert.equal(slugAt(host, "acme/shop", "https://git.example/acme/shop/orders"), "orders");
  assert.equal(slugAt(host, "acme", "https://git.example/acme/shop/orders.git"), undefined);
  assert.equal(cloneAddress(host, "acme/..", "x?y"), "https://git.example/acme/%2E/x%3Fy.git");
});

test("an address for SSH names the same repository, and no other host has it", () => {
  const dc = { provider: "bitbucket-dc", url: "https://git.example:8443/bitbucket" } as const;
  assert.equal(slugAt(dc, "ACME", "ssh://git@git.example:7999/acme/orders.git"), "orders");
  assert.equal(slugAt(dc, "ACME", "ssh://git@git.example:7999/other/orders.git"), undefined);
  assert.equal(slugAt(dc, "ACME", "ssh://git@elsewhere.example:7999/acme/orders.git"), undefined);
  const gitlab = { provider: "gitlab", url } as const;
  assert.equal(slugAt(gitlab, "acme/shop", "git@git.example:acme/shop/orders.git"), "orders");
  assert.equal(slugAt(gitlab, "acme", "git@git.example:acme/shop/orders.git"), undefined);
  for (const address of [
    "git@git.example:acme/../other/orders.git",
    "acme/orders",
    "",
    "git@git.example@x:acme/orders",
  ])
    assert.equal(slugAt(gitlab, "acme", address), undefined, address);
});
