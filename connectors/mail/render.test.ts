import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "@gantry/core/notify/channel.ts";
import { mailHtml, mailSubject, mailText } from "./render.ts";

const PIECES = ["🚀", "\u{20000}", "👨‍👩‍👧", "🇰🇷", "👍🏽", "e\u0301", "कि", "𝒜", "❤️", "1️⃣", "<", "&"];

function messageOf(text: string): Message {
  return {
    key: "k",
    thread: "t",
    to: undefined,
    state: "failed",
    title: "t",
    text,
    facts: [],
    link: undefined,
    at: new Date(0),
  };
}

test("a subject ends with a whole character, wherever its limit falls", () => {
  for (const piece of PIECES) {
    for (let before = 170; before < 200; before++) {
      const subject = mailSubject("[gantry]", "a".repeat(before - 9) + piece.repeat(30));
      assert.ok(subject.length <= 200 && subject.isWellFormed());
      const rest = subject.slice(before).replace(/…$/, "");
      assert.equal(rest.replaceAll(piece, ""), "", `${piece} after ${before}`);
    }
  }
});

test("a subject is one line that cannot start a header, whatever the title holds", () => {
  const rows: readonly (readonly [title: string, subject: string])[] = [
    ["주문 서비스 배포 실패 — deploy[도쿄]", "주문 서비스 배포 실패 — deploy[도쿄]"],
    ["Бета: платежка 2422750 от 2015-07-20", "Бета: платежка 2422750 от 2015-07-20"],
    ["a\r\nBcc: evil@e.test", "a Bcc: evil@e.test"],
    ["a\nb", "a b"],
    ["a\r b", "a b"],
    ["a\u2028b\u2029c", "a b c"],
    ["a\u0085b", "a b"],
    ["a\0b\u0007c\u001b[31m", "a b c [31m"],
    ["  a   b  ", "a b"],
    ["=?utf-8?B?YQ==?=", "=?utf-8?B?YQ==?="],
    ["", ""],
    ["\u202eabc", "\u202eabc"],
    ["한\u{20000}🚀", "한\u{20000}🚀"],
  ];
  for (const [title, subject] of rows)
    assert.equal(mailSubject("[gantry]", title), `[gantry] ${subject}`.trim(), JSON.stringify(title));
});

test("a text ends with a whole character, as text and as HTML, whose entities are whole", () => {
  for (const piece of PIECES) {
    for (let before = 19_990; before < 20_001; before++) {
      const message = messageOf("a".repeat(before) + piece.repeat(9));
      assert.ok(mailText(message).isWellFormed());
      const html = mailHtml(message);
      assert.ok(html.isWellFormed());
      assert.doesNotMatch(html, /&(?!(amp|lt|gt|quot|#39);)/);
    }
  }
});
