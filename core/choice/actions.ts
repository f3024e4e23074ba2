// The buttons of an app that a pipeline can be chosen for.

export const ACTIONS = ["ci", "cd"] as const;
export type Action = (typeof ACTIONS)[number];

/** A pipeline with the name of an action serves it. */
export function actionOf({ name, action }: { readonly name: string; readonly action?: Action }): Action | undefined {
  return action ?? ACTIONS.find((one) => one === name);
}
