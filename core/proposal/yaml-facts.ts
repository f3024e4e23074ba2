// What the files of a yaml repository say, as far as it matters for the deployments of an app.

/** A place that names an image. */
export type Mention = {
  /** As it is written, without tag and digest. */
  readonly repository: string;
  /** Of the container, or of the entry of a kustomization. */
  readonly name?: string | undefined;
  readonly file: string;
  readonly line: number;
  /** What messages, and `at` of a target, call it. */
  readonly place: string;
};

/** `folder`, `file` and paths: below the repository; the repository itself is "". */
export type YamlFacts =
  | {
      readonly kind: "kustomization";
      readonly file: string;
      readonly folder: string;
      readonly isComponent: boolean;
      /** Folders and files that it uses. */
      readonly uses: readonly string[];
      readonly entries: readonly Mention[];
      readonly namespace: string | undefined;
    }
  | {
      readonly kind: "manifest";
      readonly file: string;
      readonly images: readonly Mention[];
      readonly namespaces: readonly string[];
    }
  | {
      readonly kind: "values";
      readonly file: string;
      /** The folder of its chart, if it is inside of one. */
      readonly chart: string | undefined;
      readonly images: readonly Mention[];
      /** Places with a tag alone, which belong to the image that another file names at the same place. */
      readonly tags: readonly Mention[];
    }
  | { readonly kind: "application"; readonly file: string; readonly images: readonly Mention[]; readonly is: Declared };

/** An Argo CD application as its manifest declares it. */
export type Declared = {
  readonly name: string;
  readonly project?: string | undefined;
  readonly cluster?: string | undefined;
  readonly server?: string | undefined;
  readonly namespace?: string | undefined;
};
