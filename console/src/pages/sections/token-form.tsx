// The form that creates a token.

import { useSignal } from "@preact/signals";

export function TokenForm({ onCreate }: { onCreate: (name: string, role: string, days: number) => Promise<void> }) {
  const name = useSignal("");
  const role = useSignal("developer");
  const days = useSignal("90");
  const submit = (event: Event): void => {
    event.preventDefault();
    void onCreate(name.value, role.value, Number(days.value)).then(() => {
      name.value = "";
    });
  };
  const setTo =
    (target: { value: string }) =>
    ({ currentTarget }: { currentTarget: { value: string } }): void => {
      target.value = currentTarget.value;
    };
  return (
    <form class="inline" onSubmit={submit}>
      <label>
        Name
        <input type="text" required autoComplete="off" value={name.value} onInput={setTo(name)} />
      </label>
      <label>
        Role
        <select value={role.value} onChange={setTo(role)}>
          <option value="none">none: only what the policy gives</option>
          <option>viewer</option>
          <option>developer</option>
          <option>approver</option>
          <option>operator</option>
          <option>admin</option>
        </select>
      </label>
      <label>
        Days
        <input type="number" min="1" max="365" value={days.value} onInput={setTo(days)} />
      </label>
      <button type="submit" class="button primary">
        Create token
      </button>
    </form>
  );
}
