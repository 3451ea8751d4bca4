/** Files that the visitor chooses, drops or pastes: pictures, their labels, networks. */

import { button, element, input } from "./elements.ts";

export interface FileTakers {
  readonly picture: (file: File) => void;
  readonly labels: (file: File) => void;
  /** A network's file, its manifest where there is one, and other files beside it: its weights. */
  readonly network: (file: File, manifest: File | null, data: readonly File[]) => void;
}

const hasEnding = (file: File, ending: string): boolean => file.name.toLowerCase().endsWith(ending);

/** The files of a drop by what they are for: a network wherever there is one, else a picture. */
const sort = (files: readonly File[], takers: FileTakers): void => {
  const network = files.find((file) => hasEnding(file, ".onnx"));
  const manifest = files.find((file) => hasEnding(file, ".json")) ?? null;
  const [first] = files;
  const data = files.filter((file) => file !== network && file !== manifest);
  if (network ?? manifest) takers.network(network ?? manifest!, network ? manifest : null, data);
  else if (first) takers.picture(first);
};

const listed = (files: FileList | null | undefined): readonly File[] => Array.from(files ?? []);

/** Hands on what an input is given. The same file can be chosen again. */
const onFiles = (id: string, take: (files: readonly File[]) => void): void => {
  const field = input(id);
  field.addEventListener("change", () => {
    const files = listed(field.files);
    field.value = "";
    if (files.length > 0) take(files);
  });
};

export const onFilesOf = (takers: FileTakers): void => {
  onFiles("file", (files) => sort(files, takers));
  onFiles("network-file", (files) => sort(files, takers));
  onFiles("truth-file", ([file]) => takers.labels(file!));
  button("add-network").addEventListener("click", () => input("network-file").click());
  button("add-truth").addEventListener("click", () => input("truth-file").click());
  const { classList } = document.body;
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    classList.add("dragging");
  });
  for (const end of ["dragleave", "drop"]) document.addEventListener(end, () => classList.remove("dragging"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const files = listed(event.dataTransfer?.files);
    const [first] = files;
    const ontoLabels = event.target instanceof Node && element("labels-drop").contains(event.target);
    if (ontoLabels && first) takers.labels(first);
    else sort(files, takers);
  });
  document.addEventListener("paste", (event) => sort(listed(event.clipboardData?.files), takers));
};
