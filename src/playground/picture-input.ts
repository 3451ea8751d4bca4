/** Input of pictures that the visitor chooses, drops or pastes. */

import { byId } from "./elements.ts";

const pictureIn = (files: FileList | null | undefined): File | undefined => Array.from(files ?? [])[0];

export const onPicture = (take: (file: File) => void): void => {
  const input = byId("file", HTMLInputElement);
  const { classList } = document.body;
  const takeFrom = (files: FileList | null | undefined): void => {
    const file = pictureIn(files);
    if (file) take(file);
  };
  input.addEventListener("change", () => {
    takeFrom(input.files);
    input.value = ""; // allows the same file to be chosen again
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    classList.add("dragging");
  });
  for (const end of ["dragleave", "drop"]) document.addEventListener(end, () => classList.remove("dragging"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    takeFrom(event.dataTransfer?.files);
  });
  document.addEventListener("paste", (event) => takeFrom(event.clipboardData?.files));
};
