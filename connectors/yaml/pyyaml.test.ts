// Edits of odd YAML files, read back by another reader: PyYAML, which reads YAML 1.1 as kubectl, kustomize and Helm do.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import fc from "fast-check";
import { oddFile } from "./odd-files.fixture.ts";
import { setPath } from "./set-path.ts";

const RUNS = 250;

const run = (program: string, script: string, input: string) =>
  spawnSync(program, ["-c", script], { input, encoding: "utf8" });
/** The first one on PATH may not be the system's, which has Debian's packages. */
const program = ["python3", "/usr/bin/python3"].find((one) => run(one, "import yaml", "").status === 0);
const skip = program === undefined ? "python3 has no PyYAML" : false;
const python = (script: string, input: string) => run(program ?? "python3", script, input);

test("property: another reader finds the new value, and nothing else changed; or the edit is refused", { skip }, () => {
  const edits: { before: string; after: string; parts: readonly (string | number)[]; value: unknown }[] = [];
  for (const { text, parts, value } of fc.sample(oddFile, RUNS)) {
    try {
      const { text: after } = setPath("f.yaml", text, parts, value);
      assert.equal(
        setPath("f.yaml", after, parts, value).text,
        after,
        `twice is once: ${JSON.stringify({ text, parts, value })}`,
      );
      edits.push({ before: text, after, parts, value });
    } catch (error) {
      const isRefused = error instanceof GantryError && error.code === "file-invalid";
      if (!isRefused) throw new Error(JSON.stringify({ text, parts, value }), { cause: error });
    }
  }
  const { stdout, stderr } = python(CHECK, JSON.stringify(edits));
  const result = JSON.parse(stdout || "null") as { checked: number; wrong: unknown[] } | null;
  assert.ok(result, stderr);
  assert.deepEqual(result.wrong, []);
  assert.ok(result.checked > RUNS / 5, `only ${result.checked} of ${RUNS} were compared`);
});

/** Files that PyYAML cannot read before the edit are passed over. */
const CHECK = `
import json, sys, yaml
class Loader(yaml.SafeLoader): pass
def own(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode): return ["!" + suffix, node.value]
    if isinstance(node, yaml.SequenceNode): return loader.construct_sequence(node, deep=True)
    return {"!": suffix, **loader.construct_mapping(node, deep=True)}
Loader.add_multi_constructor("!", own)
Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: ["date", node.value])
Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: ["value", node.value])
def load(text): return [one for one in yaml.load_all(text, Loader=Loader) if one is not None]
WORDS = {True: ("true", "on", "yes"), False: ("false", "off", "no")}
def same(key, part): return str(key) == str(part) or (isinstance(key, bool) and part in WORDS[key])
def entry(data, part):
    if isinstance(data, list): return part if isinstance(part, int) and part < len(data) else None
    return next((key for key in data if same(key, part)), None) if isinstance(data, dict) else None
def at(data, parts):
    for part in parts:
        key = entry(data, part)
        if key is None: raise KeyError(part)
        data = data[key]
    return data
def equal(got, want):
    if isinstance(want, dict):
        return isinstance(got, dict) and len(got) == len(want) and all(isinstance(k, str) and k in want and equal(v, want[k]) for k, v in got.items())
    if isinstance(want, list): return isinstance(got, list) and len(got) == len(want) and all(map(equal, got, want))
    if isinstance(want, bool) or want is None: return got is want
    if isinstance(want, str): return isinstance(got, str) and got == want
    return isinstance(got, (int, float)) and not isinstance(got, bool) and got == want
def hole(data, parts):
    "Takes the value out."
    parent = at(data, parts[:-1])
    key = entry(parent, parts[-1])
    if isinstance(parent, list): parent[len(parent) if key is None else key:] = ["hole"] + ([] if key is None else parent[key + 1:])
    else:
        if key is not None: del parent[key]
        parent["hole"] = "hole"
    return repr(data)
def missing(data, parts):
    for at_, part in enumerate(parts):
        if data is None: return at_
        key = entry(data, part)
        if key is None: return at_ + 1
        data = data[key]
    return len(parts)
checked, wrong = 0, []
for edit in json.load(sys.stdin):
    try: before = load(edit["before"])
    except Exception: continue
    parts = edit["parts"]
    try:
        after = load(edit["after"])
        checked += 1
        if not equal(at(after[0], parts), edit["value"]): raise ValueError("another value: " + repr(at(after[0], parts)))
        # That aliases follow is said in the README.
        if before and "*A" not in edit["before"]:
            short = parts[:missing(before[0], parts)]
            if hole(before[0], short) != hole(after[0], short) or repr(before[1:]) != repr(after[1:]): raise ValueError("changed elsewhere")
    except Exception as problem: wrong.append([str(problem)[:300], edit])
print(json.dumps({"checked": checked, "wrong": wrong[:3]}))
`;
