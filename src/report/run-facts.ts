/** What a report takes of the file beside rows, of which nothing is required. */

export interface RunFacts {
  readonly networks: readonly {
    readonly name: string;
    readonly sha256: string;
    readonly classes: readonly string[];
    readonly precision?: string | undefined;
    readonly architecture?: string | undefined;
    readonly dataset?: string | undefined;
    readonly license?: string | undefined;
  }[];
  readonly data?:
    | { readonly name: string; readonly kind: string; readonly items: number; readonly digest?: string | undefined }
    | undefined;
  readonly spec?: unknown;
  readonly versions?: Readonly<Record<string, string>> | undefined;
  readonly command?: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

const recordOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as readonly unknown[]) : []);
const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** Reads what is there; fields of another type are left out. */
export const runFacts = (value: unknown): RunFacts => {
  const run = recordOf(value);
  const data = recordOf(run["data"]);
  const [name, kind, items] = [textOf(data["name"]), textOf(data["kind"]), data["items"]];
  const versions = Object.entries(recordOf(run["versions"])).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return {
    networks: listOf(run["networks"]).map((one) => {
      const network = recordOf(one);
      return {
        name: textOf(network["name"]) ?? "?",
        sha256: textOf(network["sha256"]) ?? "?",
        classes: listOf(network["classes"]).map((c, i) => textOf(recordOf(c)["name"]) ?? `class ${i}`),
        precision: textOf(network["precision"]),
        architecture: textOf(network["architecture"]),
        dataset: textOf(network["dataset"]),
        license: textOf(network["license"]),
      };
    }),
    data:
      name !== undefined && kind !== undefined && typeof items === "number"
        ? { name, kind, items, digest: textOf(data["digest"]) }
        : undefined,
    spec: run["spec"],
    versions: Object.fromEntries(versions),
    command: textOf(run["command"]),
  };
};
