// The OpenAPI document as a page for people.

import { ERRORS } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { errorsOf, needInWords } from "../http/openapi.ts";
import type { Route } from "../http/route.ts";
import { say } from "../messages.ts";
import { document, type Html, html } from "./page.ts";

export function docsPage(routes: readonly Route[], openApi: JsonObject): string {
  const byTag = Map.groupBy(routes, (one) => one.tag);
  const groups = [...byTag].map(
    ([tag, members]) =>
      html`<section><h2 id="${tag}">${tag}</h2>${members.map((one) => operation(one, openApi))}</section>`,
  );
  return document(
    say.docsTitle(),
    html`<main>
<h1>${say.docsTitle()}</h1>
<p>${say.docsIntro()} <a href="/openapi.json">/openapi.json</a></p>
${groups}
<section><h2 id="errors">${say.docsErrors()}</h2><p>${say.docsErrorsIntro()}</p>${errorTable()}</section>
</main>`,
  );
}

function operation(one: Route, openApi: JsonObject): Html {
  const paths = openApi.paths as { [path: string]: { [method: string]: JsonObject } };
  const { parameters, requestBody, responses } = paths[one.path]?.[one.method.toLowerCase()] ?? {};
  const codes = errorsOf(one).map(
    (code, at) => html`${at > 0 ? ", " : ""}<a href="#error-${code}"><code>${code}</code></a>`,
  );
  return html`<details id="${one.id}">
<summary><code class="method">${one.method}</code> <h3><code>${one.path}</code></h3> <span>${one.summary}</span></summary>
<p>${one.description ?? ""}</p>
<p class="soft">${one.id}. ${needInWords(one.right)}</p>
<pre>${JSON.stringify({ parameters, requestBody, responses: withoutErrors(responses) }, null, 2)}</pre>
<p>${say.docsErrors()}: ${codes}</p>
</details>
`;
}

function withoutErrors(responses: unknown): object {
  return Object.fromEntries(Object.entries(responses ?? {}).filter(([status]) => Number(status) < 400));
}

function errorTable(): Html {
  const rows = Object.entries(ERRORS).map(
    ([code, entry]) => html`<tr id="error-${code}"><td><code>${code}</code></td><td>${entry.status}</td>
<td>${entry.message}</td><td>${entry.why}</td><td>${entry.todo}</td></tr>
`,
  );
  return html`<table><thead><tr><th>Code</th><th>Status</th><th>What happened</th><th>Why</th><th>What to do</th></tr></thead>
<tbody>${rows}</tbody></table>`;
}
