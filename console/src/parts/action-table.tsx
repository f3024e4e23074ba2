// A table whose last column holds buttons.

import type { ComponentChildren } from "preact";

/** `action`: the heading of that column, for screen readers only. */
export function ActionTable(props: { heads: readonly string[]; action: string; children: ComponentChildren }) {
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            {props.heads.map((head) => (
              <th key={head}>{head}</th>
            ))}
            <th>
              <span class="hidden">{props.action}</span>
            </th>
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}
