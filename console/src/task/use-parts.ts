// The parts of a task for a view, with the groups that the person has expanded.

import type { TaskView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { decideParts, type TaskPart } from "./decide-groups.ts";
import type { Selection } from "./decide-selection.ts";

export function useParts(
  task: TaskView,
  selected: Selection | undefined,
): {
  readonly parts: readonly TaskPart[];
  readonly expanded: ReadonlySet<string>;
  readonly toggle: (key: string) => void;
} {
  const expanded = useSignal<ReadonlySet<string>>(new Set());
  const toggle = (key: string): void => {
    const next = new Set(expanded.value);
    if (!next.delete(key)) next.add(key);
    expanded.value = next;
  };
  return { parts: decideParts(task, selected, expanded.value), expanded: expanded.value, toggle };
}
