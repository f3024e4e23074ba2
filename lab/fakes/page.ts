// The small pages that fakes show to people, so that every link in the portal works. They are always labelled as fake.

/** `rows` are label and text; both are escaped. `links` are label and address. */
export function fakePage(
  system: string,
  title: string,
  rows: readonly (readonly [string, string])[],
  links: readonly (readonly [string, string])[] = [],
): string {
  const lines = rows.map(([label, text]) => `<tr><th>${escaped(label)}</th><td>${escaped(text)}</td></tr>`);
  const more = links.map(([label, href]) => `<li><a href="${escaped(href)}">${escaped(label)}</a></li>`);
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)} · ${escaped(system)} (fake)</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;color:#1c2024;background:#fff}
p.label{background:#fff3cd;color:#5c4400;padding:.5rem .75rem;border-radius:4px}
th{text-align:left;padding-right:1.5rem;vertical-align:top;font-weight:600}td{white-space:pre-wrap}
@media(prefers-color-scheme:dark){body{color:#e8eaed;background:#16181b}a{color:#8ab4f8}}
</style>
<p class="label">This is a fake ${escaped(system)}, part of the lab. It is not the real product.</p>
<h1>${escaped(title)}</h1>
<table>${lines.join("\n")}</table>
<ul>${more.join("\n")}</ul>
</html>
`;
}

function escaped(text: string): string {
  const names: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (one) => names[one] ?? one);
}
