// Pages that the portal renders itself: plain HTML without scripts, one style sheet, every value escaped.

import type Koa from "koa";

/** Markup that is safe to insert into a page unescaped. */
export type Html = { readonly html: string };

/** A template of markup. Inserted values are escaped unless they are Html. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Html | readonly Html[])[]
): Html {
  const shown = values.map((value) => {
    if (typeof value === "string" || typeof value === "number") return escapeHtml(String(value));
    return "html" in value ? value.html : value.map((one) => one.html).join("");
  });
  return { html: parts.reduce((text, part, at) => text + (shown[at - 1] ?? "") + part) };
}

export function document(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Gantry</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/portal.css">
</head>
<body>
${body}
</body>
</html>
`.html;
}

export function sendPage(ctx: Koa.Context, page: string | Buffer, status = 200): void {
  ctx.status = status;
  ctx.type = "text/html; charset=utf-8";
  ctx.set("Cache-Control", "no-store");
  ctx.body = page;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
