// The header of a page, with its title and its buttons, and the sections below it.

import type { ComponentChildren } from "preact";
import { Prose } from "./prose.tsx";

export function PageHeader({ title, children, note }: { title: string; children?: ComponentChildren; note?: string }) {
  return (
    <header class="title">
      <div>
        <h1>
          <Prose text={title} />
        </h1>
        {note === undefined ? null : (
          <p class="soft">
            <Prose text={note} />
          </p>
        )}
      </div>
      <div class="actions">{children}</div>
    </header>
  );
}

export function Section({ title, children, count }: { title: string; children: ComponentChildren; count?: number }) {
  return (
    <section class="section">
      <h2>
        <Prose text={title} />
        {count === undefined ? null : <span class="count">{count}</span>}
      </h2>
      {children}
    </section>
  );
}
