import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { mergeNetrc, registryOf, settingsFiles } from "./settings-files.ts";

const url = "https://nexus.example:8443/repository/npm-group/";
const account = { username: "ci", password: `p"<&>\\ss` };

test("npm: the registry and, for exactly that address, the credentials", () => {
  const [file] = settingsFiles("npm", url, account);
  const pair = Buffer.from(`ci:${account.password}`).toString("base64");
  assert.deepEqual(file, {
    path: ".npmrc",
    text: `registry=${url}\n//nexus.example:8443/repository/npm-group/:_auth=${pair}\n`,
  });
  assert.equal(settingsFiles("npm", url, undefined)[0]?.text, `registry=${url}\n`);
});

test("maven: one mirror of everything, with the server of the same id, escaped", () => {
  const text = settingsFiles("maven", url, account)[0]?.text ?? "";
  assert.equal(text.match(/<mirror>/g)?.length, 1);
  assert.match(text, /<mirrorOf>\*<\/mirrorOf>/);
  assert.match(text, /<password>p&#34;&#60;&#38;&#62;\\ss<\/password>/);
  assert.equal(text.match(/<id>nexus<\/id>/g)?.length, 2);
  assert.doesNotMatch(settingsFiles("maven", url, undefined)[0]?.text ?? "", /<servers>/);
});

test("Yarn 2 and later: the registry and, for exactly that address, the credentials", () => {
  const [, yarn] = settingsFiles("npm", "http://nexus.example/repository/npm-group/", account);
  assert.deepEqual(parse(yarn?.text ?? ""), {
    npmRegistryServer: "http://nexus.example/repository/npm-group",
    unsafeHttpWhitelist: ["nexus.example"],
    npmRegistries: {
      "//nexus.example/repository/npm-group": { npmAlwaysAuth: true, npmAuthIdent: `ci:${account.password}` },
    },
  });
  const [, open] = settingsFiles("npm", url, undefined);
  assert.deepEqual(parse(open?.text ?? ""), { npmRegistryServer: url.slice(0, -1) });
});

test("gradle: no other repository is used, and nothing in an account is evaluated", () => {
  const evil = { username: "ci", password: "a'b\\c$" };
  const text = settingsFiles("maven", url, evil).find(({ path }) => path.endsWith(".gradle"))?.text ?? "";
  assert.match(text, /repositories\.clear\(\)/);
  assert.ok(text.includes("password = 'a\\'b\\\\c$'"), text);
  assert.doesNotMatch(settingsFiles("maven", url, undefined).at(-1)?.text ?? "", /credentials/);
});

test("go: only the modules of Nexus, with the credentials in .netrc", () => {
  const [env, netrc] = settingsFiles("go", url, account);
  assert.deepEqual(env, { path: ".config/go/env", text: `GOPROXY=${url}\n` });
  assert.match(netrc?.text ?? "", /^machine nexus\.example login/);
  assert.equal(settingsFiles("go", url, undefined).length, 1);
});

test("nuget: one source, with its credentials escaped", () => {
  const [config] = settingsFiles("nuget", "http://nexus.example/repository/nuget-group/", account);
  assert.equal(config?.path, ".nuget/NuGet/NuGet.Config");
  assert.match(
    config?.text ?? "",
    /<clear \/>\s*<add key="nexus" value="http:\/\/nexus\.example\/repository\/nuget-group\/index\.json" protocolVersion="3" allowInsecureConnections="true" \/>/,
  );
  assert.match(config?.text ?? "", /ClearTextPassword" value="p&#34;&#60;&#38;&#62;\\ss"/);
  assert.doesNotMatch(settingsFiles("nuget", url, undefined)[0]?.text ?? "", /Credentials|allowInsecure/);
});

test("uv and Poetry have the index, too, without credentials", () => {
  const texts = Object.fromEntries(settingsFiles("pypi", url, account).map(({ path, text }) => [path, text]));
  assert.equal(texts[".config/uv/uv.toml"], `[[index]]\nurl = "${url}simple"\ndefault = true\n`);
  assert.equal(texts[".config/pypoetry/config.toml"], `[plugins.pypi_mirror]\nurl = "${url}simple/"\n`);
});

test("pip: the index without credentials, which stand in .netrc", () => {
  const files = settingsFiles("pypi", "http://nexus.example/repository/py/", account);
  const [pip, netrc] = [files[0], files.at(-1)];
  assert.equal(
    pip?.text,
    "[global]\nindex-url = http://nexus.example/repository/py/simple\ntrusted-host = nexus.example\n",
  );
  assert.equal(netrc?.text, 'machine nexus.example login "ci" password "p\\"<&>\\\\ss"\n');
  assert.doesNotMatch(settingsFiles("pypi", url, undefined)[0]?.text ?? "", /trusted-host/);
});

test(".netrc keeps the machines of others and has each machine once", () => {
  const line = "machine a login x password y\n";
  const before = "machine b login x password y\nmachine a login old password old\n";
  assert.equal(mergeNetrc(before, line), "machine b login x password y\nmachine a login x password y\n");
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^machine [b-z] login [a-z]+$/)), (others) => {
      const once = mergeNetrc(`${others.join("\n")}\n`, line);
      assert.equal(mergeNetrc(once, line), once);
      for (const other of others) assert.ok(once.includes(other));
    }),
  );
});

test("finds the registry that a project names for itself, not that of a scope", () => {
  assert.equal(registryOf("save-exact=true\nregistry = https://r.example/\n"), "https://r.example/");
  assert.equal(registryOf("@lab:registry=https://r.example/\n"), undefined);
});
