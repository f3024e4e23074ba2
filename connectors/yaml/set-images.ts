// Sets images in the files of one target: finds the places, decides which image belongs where, and edits the texts. Pure.

import { isScalar } from "yaml";
import { applicationPlaces, paddedText } from "./application-places.ts";
import { blockTextOf, setBlockText } from "./block-text.ts";
import { parseYaml, selectDocument } from "./document.ts";
import type { Image } from "./image-text.ts";
import { entryNamesOf, imageEntries, refuseSharedEntry } from "./kustomize/entries.ts";
import { manifestPlaces } from "./manifest-places.ts";
import { choosePlaces, type Edit, editOf, type Place, refusal, type Search } from "./places.ts";
import { setImage } from "./set-image.ts";
import { setPaths } from "./set-path.ts";
import { isTemplate, type Path, type Spot } from "./spots.ts";
import { readLayers } from "./values-layers.ts";

export const FORMS = ["kustomize", "helm", "plain", "argocd"] as const;
export type Form = (typeof FORMS)[number];

export type TextFile = { readonly name: string; readonly text: string };
export type Wanted = {
  readonly form: Form;
  readonly images: readonly Image[];
  /** Kustomize: the names of the entries to add for an image. Default: its name, if it has none. */
  readonly entries?: ReadonlyMap<string, readonly string[]> | undefined;
  readonly at?: Search["at"];
  /** Name of the Argo CD application, where the files hold several. */
  readonly application?: string | undefined;
};

/** A place that was set: what stood there, and what stands there now. */
export type ImageChange = {
  readonly file: string;
  readonly place: string;
  readonly image: string;
  readonly old: string;
  readonly new: string;
};
export type ImagesSet = { readonly files: readonly TextFile[]; readonly changes: readonly ImageChange[] };

/**
 * The files with these images, each byte for byte as it was but for them; only those that changed. Throws `file-invalid` when an
 * image has no place, when it is not clear which, and when an edit would change something else.
 */
export function setImages(files: readonly TextFile[], wanted: Wanted): ImagesSet {
  return wanted.form === "kustomize" ? setKustomize(files, wanted) : setPlaces(files, wanted);
}

function setKustomize(files: readonly TextFile[], { images, entries: added }: Wanted): ImagesSet {
  const changes: ImageChange[] = [];
  const edited = files.map(({ name, text }) => {
    const entries = imageEntries(name, text);
    refuseSharedEntry(name, entries, images);
    const edits = images.flatMap((image) => {
      const same = entryNamesOf(entries, image, images, added?.get(image.name));
      return same.map((entry) => ({ image, entry, same }));
    });
    const after = edits.reduce((before, { image: { name: image, repository: newName, digest }, entry, same }) => {
      const once = setImage(name, before, { image: entry, newName, digest, same });
      const change = { file: name, place: `images[name=${entry}]`, image };
      if (once.changed) changes.push({ ...change, old: once.previous ?? "", new: `${newName}@${digest}` });
      return once.text;
    }, text);
    return { name, text: after };
  });
  return { files: changed(files, edited), changes };
}

function setPlaces(files: readonly TextFile[], wanted: Wanted): ImagesSet {
  const { form, images, at } = wanted;
  const { places, follows } = readPlaces(files, wanted);
  const search = { images, at, isMany: form === "plain", file: files[0]?.name ?? "" };
  const edits = choosePlaces(places, search).flatMap(({ place, image }) => {
    const made = follows(place.editsFor(image), place);
    for (const { spot } of made) refuseSpot(files, place, spot);
    return made.length === 0 ? [] : [{ place, image, made }];
  });
  const edited = files.map(({ name, text }) => {
    const all = edits.flatMap(({ place, made }) => made.map((edit) => ({ place, edit })));
    const own = all.filter(({ place, edit }) => (edit.spot.file ?? place.file) === name);
    return { name, text: applyEdits(name, text, own) };
  });
  const after = readPlaces(edited, wanted).places;
  refuseOthers(places, after, new Set(edits.map(({ place }) => place)));
  const now = new Map(after.map((place) => [keyOf(place), place]));
  const changes = edits.map(({ place, image }) => {
    const done = now.get(keyOf(place));
    if (done === undefined || done.editsFor(image).length > 0)
      throw refusal(place, "it shares a value with another image that is set too; write its own value here");
    return { file: place.file, place: place.label, image: image.name, old: place.shown, new: done.shown };
  });
  return { files: changed(files, edited), changes };
}

type Places = {
  readonly places: readonly Place[];
  /** These edits of a place, and those of values that have no effect and should say the same. */
  readonly follows: (edits: readonly Edit[], place: Place) => readonly Edit[];
};

function readPlaces(files: readonly TextFile[], { form, application }: Wanted): Places {
  if (form === "helm") {
    const { places, hiddenBy } = readLayers(files);
    // The tag beside a repository is that of the image, also where an environment has its own.
    const hidden = ({ spot, value }: Edit, { file }: Place): readonly Edit[] =>
      hiddenBy(spot).flatMap((one) => (one.file === file && one.text !== value ? [editOf(one, value)] : []));
    return { places, follows: (edits, place) => edits.flatMap((edit) => [edit, ...hidden(edit, place)]) };
  }
  const places = files.flatMap(({ name, text }) => {
    const file = parseYaml(name, text);
    if (form === "plain") return manifestPlaces(name, file);
    return applicationPlaces(name, file, application);
  });
  return { places, follows: (edits) => edits };
}

type Placed = { readonly place: Place; readonly edit: Edit };

/** Those inside of texts come last: each changes the document around it. */
function applyEdits(name: string, text: string, edits: readonly Placed[]): string {
  const outer = edits.flatMap(({ place, edit: { write, value } }) =>
    write.in === "text" ? [] : [{ path: write.path, value, selector: { index: place.document }, isSingle: true }],
  );
  return edits.reduce(
    (before, { place, edit: { write, value } }) =>
      write.in === "text" ? applyInText(name, before, place.document, { ...write, value }) : before,
    setPaths(name, text, outer),
  );
}

function applyInText(
  name: string,
  text: string,
  index: number,
  { text: at, path, value }: { readonly text: Path; readonly path: Path; readonly value: string },
): string {
  const file = parseYaml(name, text);
  const document = selectDocument(file, { index });
  const node = document.getIn(at, true);
  const block = blockTextOf(file, node);
  if (!block) {
    const offset = isScalar(node) ? node.range?.[0] : undefined;
    throw file.wrong("Helm values as a text are edited only where they stand below a `|`; write them so", offset);
  }
  const padding = paddedText(file, block.start, "");
  const inner = setPaths(name, padding + block.text, [{ path, value, selector: { index: 0 }, isSingle: true }]);
  return setBlockText(file, document, at, inner.slice(padding.length));
}

/** Throws `file-invalid` for a value that stands elsewhere: another text here would change more than this place, or nothing. */
function refuseSpot(files: readonly TextFile[], place: Place, { alias, at, text, file }: Spot): void {
  const name = file ?? place.file;
  const whole = files.find((one) => one.name === name)?.text ?? "";
  const where = { ...place, file: name, line: whole.slice(0, at).split("\n").length };
  if (alias?.name === "<<") throw refusal(where, "it comes from the merge key <<; edit the place that has the anchor");
  if (alias) throw refusal(where, `it is the alias *${alias.name}; edit the place that has &${alias.name}`);
  if (isTemplate(text)) throw refusal(where, `it is the template ${text}; edit the place that fills it in`);
}

/**
 * Throws `file-invalid` when an edit would change a place that names another image, as anchors and merge keys may. The same
 * image at another place follows.
 */
function refuseOthers(before: readonly Place[], after: readonly Place[], edited: ReadonlySet<Place>): void {
  const pairs = before.map((place, index) => ({ place, old: place.shown, now: after[index]?.shown }));
  const done = pairs.filter(({ place }) => edited.has(place));
  for (const { place, old, now } of pairs) {
    if (edited.has(place) || old === now) continue;
    if (done.some((one) => one.old === old && one.now === now)) continue;
    const [cause] = done;
    throw refusal(place, `it names ${old}, and would change too with ${cause?.place.label}; write its own value here`);
  }
}

function keyOf({ file, document, label }: Place): string {
  return JSON.stringify([file, document, label]);
}

function changed(before: readonly TextFile[], after: readonly TextFile[]): readonly TextFile[] {
  return after.filter(({ text }, index) => text !== before[index]?.text);
}
