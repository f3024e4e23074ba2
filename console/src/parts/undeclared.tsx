// What people are told of environments that the definitions do not declare.

/** Nothing when there are none. */
export function Undeclared({ environments }: { environments: readonly string[] }) {
  if (environments.length === 0) return null;
  return (
    <p role="status">
      <code>environments.yaml</code> declares no environment {environments.join(", ")}: its targets take every build of
      the release branch.
    </p>
  );
}
