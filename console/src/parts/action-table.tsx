// A table whose last column is for buttons.

import type { ComponentChildren } from "preact";

/** `action`: what its buttons do, for those who cannot see the column. */
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
