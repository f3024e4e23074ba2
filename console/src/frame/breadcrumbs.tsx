// Where the current page is: the page of the rail that it belongs to, and its own title below that.

import { findPage, RAIL, titleOf } from "./pages.tsx";
import { address } from "./router.ts";

export function Breadcrumbs() {
  const { path } = address.value;
  const found = findPage(path);
  const parent = RAIL.find((entry) => entry.path === `/${path.split("/")[1] ?? ""}`);
  return (
    <nav class="crumbs" aria-label="Breadcrumb">
      <ol>
        {parent ? (
          <li>
            <a href={parent.path}>{parent.title}</a>
          </li>
        ) : null}
        {found && found.page.rail === undefined ? (
          <li aria-current="page" class={typeof found.page.title === "string" ? undefined : "mono"}>
            {titleOf(found.page, found.params)}
          </li>
        ) : null}
      </ol>
    </nav>
  );
}
