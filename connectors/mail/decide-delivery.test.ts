import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decideDelivery } from "./decide-delivery.ts";

type Codes = Readonly<Record<string, number>>;

/** The server answers these codes to these receivers, and accepts the mail for all others. */
function attempt(open: readonly string[], codes: Codes) {
  const rejected = open.flatMap((receiver) => {
    const code = codes[receiver];
    return code === undefined ? [] : [{ receiver, code, text: `${code} said of ${receiver}` }];
  });
  return rejected.length === open.length ? { rejected } : { messageId: "<m>", rejected };
}

/** Name, answers of each attempt to a, b and c, the kind of each result, and to whom each attempt is made. */
const ROWS: readonly (readonly [string, readonly Codes[], readonly string[], readonly string[]])[] = [
  ["all accepted", [{}], ["delivered"], ["abc"]],
  ["one greylisted once", [{ b: 450 }, {}], ["retry", "delivered"], ["abc", "b"]],
  ["one greylisted twice", [{ b: 450 }, { b: 450 }, {}], ["retry", "retry", "delivered"], ["abc", "b", "b"]],
  [
    "two greylisted, one after the other",
    [{ a: 451, b: 450 }, { b: 450 }, {}],
    ["retry", "retry", "delivered"],
    ["abc", "ab", "b"],
  ],
  ["all greylisted", [{ a: 450, b: 450, c: 450 }, {}], ["retry", "delivered"], ["abc", "abc"]],
  ["one unknown", [{ c: 550 }], ["delivered"], ["abc"]],
  ["one unknown, one greylisted", [{ b: 450, c: 550 }, {}], ["retry", "delivered"], ["abc", "b"]],
  ["all unknown", [{ a: 550, b: 550, c: 551 }], ["refused"], ["abc"]],
  ["greylisted, then unknown", [{ b: 450 }, { b: 550 }], ["retry", "delivered"], ["abc", "b"]],
  ["a mailbox that is full", [{ a: 452 }, { a: 452 }], ["retry", "retry"], ["abc", "a"]],
  [
    "a server that shuts down",
    [{ a: 421, b: 421, c: 421 }, { c: 450 }, {}],
    ["retry", "retry", "delivered"],
    ["abc", "abc", "c"],
  ],
];

for (const [name, answers, kinds, asked] of ROWS) {
  test(`receivers: ${name}`, () => {
    let reached: ReadonlySet<string> = new Set();
    const got: string[] = [];
    const to: string[] = [];
    for (const codes of answers) {
      const open = ["a", "b", "c"].filter((one) => !reached.has(one));
      to.push(open.join(""));
      const decision = decideDelivery({ before: reached, open, attempt: attempt(open, codes) });
      got.push(decision.result.kind);
      ({ reached } = decision);
    }
    assert.deepEqual([got, to], [kinds, asked]);
  });
}

test("the delay that a server asks for is observed, up to an hour", () => {
  for (const [text, afterMs] of [
    ["450 4.2.0 Greylisted, see again in 300 seconds", 300_000],
    ["451 try again in 5 minutes", 300_000],
    ["450 try in 99999 s", 3_600_000],
    ["450 4.7.1 try again later", undefined],
  ] as const) {
    const rejected = [{ receiver: "a", code: 450, text }];
    const { result } = decideDelivery({ before: new Set(), open: ["a"], attempt: { rejected } });
    assert.equal(result.kind === "retry" ? result.afterMs : "no retry", afterMs, text);
  }
});

test("property: no receiver gets it twice, and it ends only when every receiver has a result", () => {
  const codes = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.constantFrom(421, 450, 550));
  fc.assert(
    fc.property(fc.array(codes, { minLength: 1, maxLength: 6 }), (answers) => {
      let reached: ReadonlySet<string> = new Set();
      const got: string[] = [];
      for (const [at, answer] of answers.entries()) {
        const open = ["a", "b", "c"].filter((one) => !reached.has(one));
        if (open.length === 0) break;
        const decision = decideDelivery({ before: reached, open, attempt: attempt(open, answer) });
        got.push(...open.filter((one) => answer[one] === undefined));
        const waiting = open.some((one) => (answer[one] ?? 250) >= 400 && (answer[one] ?? 250) < 500);
        assert.equal(decision.result.kind === "retry", waiting, `attempt ${at}`);
        ({ reached } = decision);
      }
      assert.equal(new Set(got).size, got.length);
    }),
  );
});
