// A table whose last column holds buttons.

import type { ComponentChildren } from "preact";

type Props = {
  readonly heads: readonly string[];
  /** The heading of that column, for screen readers only. */
  readonly action: string;
  /** On a phone each row is a block, so that no button is outside of the screen. Of long cells, each has a line of its own. */
  readonly isLong?: boolean;
  readonly children: ComponentChildren;
};

export function ActionTable(props: Props) {
  return (
    <div class="scroll">
      <table class={props.isLong ? "stack is-long" : "stack"}>
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
