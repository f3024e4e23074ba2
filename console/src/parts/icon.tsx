// Icons, drawn from the symbols `#i-<name>` of sprite.svg. An icon is decoration: the text beside it has its meaning.

export function Icon({ name }: { name: string }) {
  return (
    <svg class="icon" aria-hidden="true">
      <use href={`#i-${name}`} />
    </svg>
  );
}
