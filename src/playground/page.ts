/** The script of the page /lab, which connects the form, the engine and the viewer. */

import streetUrl from "../../examples/street.png?url";
import { onCamera } from "./camera.ts";
import * as controls from "./controls.ts";
import { button, element } from "./elements.ts";
import { explain } from "./explain.ts";
import { fetched, loadedFiles } from "./fetched.ts";
import { onFilesOf } from "./files.ts";
import { inTurn, openNetwork, predict, type Scene } from "./host.ts";
import { keepOffline } from "./keep-offline.ts";
import { entryOf, forget, keep, keptNetworks, release } from "./kept.ts";
import { listClasses, showShares } from "./legend.ts";
import type { NetworkEntry, Opened } from "./messages.ts";
import { forgetPainted } from "./painting.ts";
import { imageOf, readPicture, sizeWithin, type Picture } from "./picture.ts";
import { forgetRun, onScene } from "./run.ts";
import { isRunning } from "./running.ts";
import { tell, tellError, wordsFor } from "./status.ts";
import { offerTargets } from "./target.ts";
import { readTruth, type Truth } from "./truth.ts";
import { hideClasses, show } from "./viewer.ts";
import { percent, sized } from "./words.ts";
import { type Size, spatialSize } from "../tensor.ts";
import { reasonOf } from "../reason.ts";

const NOTHING: Opened["classes"] = [];

let picture: Picture | null = null;
let truth: Truth | null = null;
let shipped: readonly NetworkEntry[] = [];
/** The classes that the legend lists. */
let listed = NOTHING;

const list = (classes: Opened["classes"]): void => {
  if (JSON.stringify(classes) === JSON.stringify(listed)) return;
  listed = classes;
  listClasses(classes, hideClasses);
  offerTargets(classes);
};

/** Shows the picture before its prediction. */
const showBare = ({ name }: Picture, image: Scene["image"]): void =>
  show({ name, classes: NOTHING, image, before: null, confidences: null, truth: null, attacked: null });

/** The visitor's labels at the size of the image; a fault is told, and the picture is used without them. */
const truthFor = (classes: Opened["classes"], own: Size, size: Size) => {
  try {
    return truth && readTruth(truth, classes, own, size);
  } catch (cause) {
    tellError(`${reasonOf(cause)}.`);
    return null;
  }
};

/** Shows the picture and its predicted labels. */
const look = async (): Promise<void> => {
  if (!picture) return;
  const { bitmap, name } = picture;
  const network = controls.chosenNetwork();
  forgetRun();
  tellError(null);
  tellNotes([]);
  const asked = sizeWithin(bitmap, controls.longestSide());
  try {
    showBare(picture, imageOf(picture, asked));
    const around = controls.around();
    const opened = await openNetwork(network, around, controls.wanted());
    list(opened.classes);
    showShares(null, null, null);
    const { image, predicted } = await predict(network.name, opened.channels, picture, asked, controls.seedNow());
    const size = spatialSize(image);
    const { labels: before, confidences, confidence, notes } = predicted;
    const own = truthFor(opened.classes, bitmap, size);
    const shown = { name, classes: opened.classes, image, before, confidences, truth: own, attacked: null };
    show(shown);
    showShares(before, null, null);
    const shrunk = size.width < asked.width ? `, shrunk from ${sized(asked)} to fit into memory` : "";
    tell(`Ready: ${sized(size)} pixels${shrunk}. Mean confidence ${percent(confidence)}.`);
    tellNotes(notes);
    onScene({ network, around, wanted: controls.wanted(), opened, shown });
    void keepOffline(new URL("./", import.meta.url).href, [...loadedFiles(), ...predicted.files]);
  } catch (cause) {
    tell("The picture could not be looked at.");
    tellError(wordsFor(cause));
  }
};

/** Tells what the network leaves out of the picture. */
const tellNotes = (notes: readonly string[]): void => {
  element("reading-told").hidden = notes.length === 0;
  element("reading-told").textContent = notes.map((note) => `The picture ${note}.`).join(" ");
};

/** Predictions run one after another; of those that wait, only the last one runs. */
let looks = 0;
const lookAgain = (): void => {
  looks += 1;
  const mine = looks;
  void inTurn(async () => (mine === looks ? look() : undefined));
};

const showTruth = (): void => {
  element("truth-told").hidden = truth === null;
  button("add-truth").hidden = truth !== null;
  element("truth-name").textContent = truth && `True labels: ${truth.name}`;
};

const takeLabels = async (file: File): Promise<void> => {
  truth = { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) };
  showTruth();
  lookAgain();
};
button("drop-truth").addEventListener("click", () => {
  truth = null;
  showTruth();
  button("add-truth").focus();
  lookAgain();
});

const EXAMPLE = "Example street";

const takePicture = async (name: string, file: Blob): Promise<void> => {
  try {
    picture = await readPicture(name, file);
  } catch {
    tellError(`${name} is no picture that this browser can read. PNG, JPEG and WebP are read everywhere.`);
    return;
  }
  truth = null;
  showTruth();
  forgetPainted();
  element("picture-name").textContent = name;
  button("example").hidden = name === EXAMPLE;
  lookAgain();
};

const takeExample = async (): Promise<void> => {
  const response = await fetched("the example picture", new URL(streetUrl, import.meta.url));
  await takePicture(EXAMPLE, await response.blob());
};
button("example").addEventListener("click", () => {
  takeExample().catch((cause: unknown) => tellError(wordsFor(cause)));
});

/** Lists the networks with `entry` in place of one of its name, and chooses it. */
const listNetworks = (own: readonly NetworkEntry[], chosen: string): void =>
  controls.offerNetworks([...own, ...shipped], chosen);
const ownNetworks = (): readonly NetworkEntry[] => controls.networks().filter(({ own }) => own);

const takeNetwork = async (file: File, manifest: File | null, data: readonly File[]): Promise<void> => {
  const taken = new Set(shipped.map(({ name }) => name));
  const around = { picture, longest: controls.longestSide(), wanted: controls.wanted(), taken };
  // Loaded with the first such file: it has the classes of every data set, and what checks a manifest.
  const { bring } = await import("./bring.ts");
  const chosen = await bring({ file, data }, manifest, around);
  button("add-network").focus();
  if (!chosen) return lookAgain();
  const entry = entryOf(chosen.manifest, chosen.model);
  const others = ownNetworks().filter(({ name }) => name !== entry.name);
  listNetworks([entry, ...others], entry.name);
  lookAgain();
  try {
    await keep(chosen.manifest, chosen.model);
  } catch (cause) {
    tellError(`${entry.name} is used, but the browser does not keep it: ${reasonOf(cause)}.`);
  }
};

button("remove-network").addEventListener("click", async () => {
  const entry = controls.chosenNetwork();
  await forget(entry.name);
  listNetworks(
    ownNetworks().filter((each) => each !== entry),
    DEFAULT,
  );
  release(entry);
  element("network").focus();
  lookAgain();
});

const DEFAULT = "enet-street";

/** @returns the name of a network of the address that is not here, or null. */
const begin = async (): Promise<string | null> => {
  const catalogue = new URL("networks.json", import.meta.url);
  const response = await fetched("the list of networks", catalogue);
  const at = (path: string): string => new URL(path, catalogue).href;
  const entries = (await response.json()) as readonly NetworkEntry[];
  shipped = entries.map((entry) => ({ ...entry, manifest: at(entry.manifest), file: at(entry.file) }));
  listNetworks(await keptNetworks(), DEFAULT);
  const address = new URLSearchParams(location.search);
  controls.takeFrom(address);
  explain(controls.plan(), null);
  controls.onSceneChange(lookAgain);
  const unless =
    <A extends readonly unknown[]>(take: (...given: A) => Promise<void>) =>
    (...given: A) => {
      if (isRunning()) tellError("An attack is running; cancel it first.");
      else take(...given).catch((cause: unknown) => tellError(wordsFor(cause)));
    };
  onCamera(unless((file: File) => takePicture("Camera", file)));
  onFilesOf({
    picture: unless((file: File) => takePicture(file.name, file)),
    labels: unless(takeLabels),
    network: unless(takeNetwork),
  });
  await takeExample();
  const wanted = address.get("network");
  return wanted !== null && controls.chosenNetwork().name !== wanted ? wanted : null;
};

try {
  const absent = await begin();
  if (absent !== null) tellError(`The address names the network ${absent}, which is not here; another one is used.`);
} catch (cause) {
  tell("The lab could not start.");
  tellError(wordsFor(cause));
}
