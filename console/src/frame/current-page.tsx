// Shows the page that the address names.

import { Fragment } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { EmptyState } from "../parts/loading-states.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { setTabTitle } from "./page-title.ts";
import { findPage, titleOf } from "./pages.tsx";
import { address } from "./router.ts";

export function CurrentPage() {
  const { path } = address.value;
  const found = findPage(path);
  const title = found ? titleOf(found.page, found.params) : "Page not found";
  // A layout effect runs before the effect of a page that replaces the title by one made from its data.
  useLayoutEffect(() => setTabTitle(title), [title]);
  if (found) return <Fragment key={path}>{found.page.render(found.params)}</Fragment>;
  return (
    <>
      <PageHeader title={title} />
      <EmptyState title="There is no page at this address">
        <p>
          <a href="/">Go to Home</a>, or press <kbd>/</kbd> to search.
        </p>
      </EmptyState>
    </>
  );
}
