/** The dialog for a network that the visitor brings: what was found and assumed, as a form, with a preview. */

import { nameFor } from "../intake/name-for.ts";
import { paletteNames } from "../intake/palettes.ts";
import { likeNames, likes, type Like } from "../segmenter/describe/likes.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import { spatialSize } from "../tensor.ts";
import { ofLabels } from "./colours.ts";
import { byId, button, element, input, make, select } from "./elements.ts";
import { describe, inTurn, openNetwork, predict } from "./host.ts";
import { entryOf, release } from "./kept.ts";
import type { Described } from "./messages.ts";
import { paint, sizeWithin, type Picture } from "./picture.ts";
import { errorsIn, wordsFor } from "./status.ts";
import { reasonOf } from "../reason.ts";
import type { Wanted } from "../runtime/choose.ts";
import { percent } from "./words.ts";

const dialog = byId("own", HTMLDialogElement);
const [name, classes] = [input("own-name"), input("own-classes")];
const [like, palette] = [select("own-like"), select("own-palette")];
const manifestField = byId("own-manifest", HTMLTextAreaElement);
const preview = byId("own-preview", HTMLCanvasElement);
const use = button("own-use");

/** What the preview is made with. */
export interface Surroundings {
  readonly picture: Picture | null;
  readonly longest: number;
  readonly wanted: Wanted;
  /** Names that are taken by networks that ship. */
  readonly taken: ReadonlySet<string>;
}

/** A network's file, and the files of weights beside it. */
export interface Files {
  readonly file: File;
  readonly data: readonly File[];
}

/** What the visitor has chosen to use; null: nothing. */
export type Chosen = { readonly manifest: Manifest; readonly model: Blob } | null;

/** What the dialog is about while it is open. */
interface Open {
  readonly brought: Files;
  readonly around: Surroundings;
  readonly done: (chosen: Chosen) => void;
  /** A manifest that was given or edited; null: it is found from the file. */
  given: Readonly<Record<string, unknown>> | null;
  found: Described | null;
}
let open: Open | null = null;

const AS_FOUND = "as found";
like.append(new Option(AS_FOUND, ""), ...likeNames.map((each) => new Option(each, each)));
palette.append(new Option(AS_FOUND, ""), ...paletteNames.map((each) => new Option(each, each)));

const tell = (text: string): void => void (element("own-told").textContent = text);

const tellError = errorsIn("own-error");

const showFound = ({ manifest, assumed }: Described): void => {
  manifestField.value = JSON.stringify({ ...manifest, assumed: undefined }, null, 2);
  element("own-assumed").replaceChildren(
    ...(assumed.length === 0
      ? [make("li", {}, "Nothing: all of it was given.")]
      : assumed.map((each) => make("li", {}, each))),
  );
  element("own-like-hint").textContent = like.value
    ? likes[like.value as Like].summary
    : "Found by the first operators, or else assumed: see below.";
};

/** The picture's labels by the network, in small. */
const showPreview = async ({ around }: Open, { manifest, model }: Described): Promise<void> => {
  const { picture, longest, wanted } = around;
  if (!picture) return;
  const entry = entryOf(manifest, model);
  try {
    const opened = await openNetwork(entry, { transform: [], crf: "own", scales: "own" }, wanted);
    const { image, predicted } = await predict(manifest.name, opened.channels, picture, sizeWithin(picture.bitmap, longest)); // prettier-ignore
    const colours = opened.classes.map(({ color }) => color);
    paint(preview, spatialSize(image), ofLabels(predicted.labels, colours, new Set(), image));
    preview.ariaLabel = `The network's labels of ${picture.name}`;
    const blocked =
      opened.refused.length === 0
        ? ""
        : ` It cannot be attacked by gradient: it has no derivative of ${opened.refused.join(", ")}.`;
    element("own-caption").textContent =
      `Its labels of ${picture.name}, mean confidence ${percent(predicted.confidence)}. If they look wrong, the pixels are likely prepared otherwise.${blocked}`;
  } finally {
    release(entry);
  }
};

/** Finds the manifest with the hints of the form, or checks the one given, and shows both. */
const look = (): Promise<void> =>
  inTurn(async () => {
    const mine = open;
    if (!mine) return;
    use.ariaDisabled = "true";
    mine.found = null;
    tellError(null);
    tell(`Reading ${mine.brought.file.name} …`);
    try {
      const found = await describe({
        ...mine.brought,
        manifest: mine.given,
        name: name.value,
        like: (like.value || null) as Like | null,
        classes: classes.value === "" ? null : classes.valueAsNumber,
        palette: palette.value || null,
      });
      if (open !== mine) return;
      showFound(found);
      await showPreview(mine, found);
      if (open !== mine) return;
      mine.found = found;
      use.ariaDisabled = "false";
      const { input: taken, output, classes: scored } = found.manifest;
      tell(`${mine.brought.file.name}: takes “${taken.name}”, gives ${output.kind} of ${scored.length} classes.`);
    } catch (cause) {
      tell("");
      tellError(wordsFor(cause));
    }
  });

const close = (chosen: Chosen): void => {
  const closing = open;
  open = null;
  dialog.close();
  closing?.done(chosen);
};

for (const hint of [like, palette, classes]) hint.addEventListener("change", () => void look());

button("own-apply").addEventListener("click", () => {
  if (!open) return;
  try {
    open.given = JSON.parse(manifestField.value) as Record<string, unknown>;
    element("own-hints").hidden = true;
    if (typeof open.given["name"] === "string") name.value = open.given["name"];
    void look();
  } catch (cause) {
    tellError(`The manifest is not JSON: ${reasonOf(cause)}.`);
  }
});

byId("own-form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  if (!open?.found) return;
  if (open.around.taken.has(name.value)) tellError(`name: ${name.value} is that of a network that ships; give another`);
  else close({ manifest: { ...open.found.manifest, name: name.value }, model: open.found.model });
});
button("own-cancel").addEventListener("click", () => close(null));
dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  close(null);
});

const parsed = async (manifest: File): Promise<Readonly<Record<string, unknown>>> => {
  const value: unknown = JSON.parse(await manifest.text());
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("it is no JSON object");
  return value as Record<string, unknown>;
};

/** A name that no network that ships has. */
const freeName = (wanted: string, taken: ReadonlySet<string>): string =>
  taken.has(wanted) ? `${wanted.slice(0, 60)}-own` : wanted;

/** Opens the dialog. Resolves with what the visitor has chosen to use, or null. */
export const bring = async (brought: Files, beside: File | null, around: Surroundings): Promise<Chosen> => {
  const { file } = brought;
  if (open) close(null);
  let given: Open["given"] = null;
  let fault: string | null = null;
  try {
    if (beside) given = await parsed(beside);
  } catch (cause) {
    fault = `${beside!.name}: is no manifest: ${reasonOf(cause)}`;
  }
  const stated = given?.["name"];
  name.value = freeName(typeof stated === "string" ? stated : nameFor(file.name), around.taken);
  like.value = palette.value = classes.value = manifestField.value = "";
  element("own-title").textContent = file.name;
  element("own-hints").hidden = given !== null;
  element("own-assumed").replaceChildren();
  element("own-caption").textContent = "";
  preview.width = preview.height = 1;
  dialog.showModal();
  return new Promise((done) => {
    open = { brought, around, done, given, found: null };
    if (fault === null) void look();
    else tellError(fault);
  });
};
