/** The script of the page /lab, which connects the form, the engine and the panels. */

import streetUrl from "../../examples/street.png?url";
import type { StepReport } from "../evaluation/steps.ts";
import { encodePng } from "../image/encode.ts";
import { greyOf } from "../image/grey.ts";
import type { Image } from "../segmenter/segmenter.ts";
import { EngineRefusal, startEngine } from "./client.ts";
import * as controls from "./controls.ts";
import { byId } from "./elements.ts";
import { FetchError, fetched } from "./fetched.ts";
import type { Attacked, NetworkEntry, Opened, Predicted, Stage } from "./messages.ts";
import { imageOf, readPicture, sizeWithin, type Picture } from "./picture.ts";
import { onPicture } from "./picture-input.ts";
import { showCurve, showLegend, showNumbers, showProgress } from "./report.ts";
import { clearAttack, showBefore, showPicture, showReached } from "./stage.ts";
import { backendWords, counted, failureWords, percent, seconds, sized, stageWords, verdictWords } from "./words.ts";
import { type Size, spatialSize } from "../tensor.ts";
import { reasonOf } from "../reason.ts";

const element = (id: string): HTMLElement => byId(id, HTMLElement);
const button = (id: string): HTMLButtonElement => byId(id, HTMLButtonElement);
const [start, cancel, save] = [button("start"), button("cancel"), button("save")];
const settings = byId("settings", HTMLFieldSetElement);
const progress = byId("progress", HTMLProgressElement);

let engine = startEngine();
/** The network that the engine has opened, and the requested backend. */
let opened: (Opened & { readonly name: string; readonly wanted: string }) | null = null;
let picture: Picture | null = null;
/** The image at the size of the network's input, and its prediction. */
let scene: { readonly image: Image; readonly predicted: Predicted } | null = null;
let attacked: Attacked | null = null;

const tell = (text: string): void => void (element("status").textContent = text);

const tellError = (text: string | null): void => {
  element("error").textContent = text;
  element("error").hidden = text === null;
};

const renewEngine = (): void => {
  engine.end();
  engine = startEngine();
  opened = null;
};

/** Shows a failure to the visitor. */
const report = (cause: unknown): void => {
  if (cause instanceof EngineRefusal) {
    if (cause.failure.kind === "crash" || cause.failure.kind === "backend") renewEngine();
    tellError(failureWords(cause.failure));
  } else if (cause instanceof FetchError) {
    tellError(failureWords({ kind: "fetch", what: cause.what, reason: cause.message }));
  } else tellError(failureWords({ kind: "unexpected", reason: reasonOf(cause) }));
};

const tellStage = (size: Size | null) => (stage: Stage) => tell(stageWords(stage, controls.chosenNetwork().name, size));

/** Opens the chosen network on the requested backend. */
const openChosen = async (): Promise<Opened> => {
  const network = controls.chosenNetwork();
  const wanted = controls.wanted();
  if (opened && opened.wanted !== wanted) renewEngine();
  if (opened?.name === network.name) return opened;
  try {
    const answer = await engine.call("open", { network, wanted }, { onStage: tellStage(null) });
    opened = { ...answer, name: network.name, wanted };
    element("backend-told").textContent = backendWords(opened);
    return opened;
  } catch (cause) {
    element("backend-told").textContent = "\u00a0";
    renewEngine();
    throw cause;
  }
};

/** The picture as the network takes it. @throws Error for a network of other pictures than grey or coloured ones. */
const imageFor = (channels: number, shown: Picture, size: Size): Image => {
  if (channels === 1) return greyOf(imageOf(shown, size));
  if (channels === 3) return imageOf(shown, size);
  throw new Error(`This network takes pictures of ${channels} channels, which a browser does not decode.`);
};

/** Predicts the labels of a picture, which is shrunk if an attack on it would not fit into memory. */
const predict = async (channels: number, shown: Picture, size: Size): Promise<NonNullable<typeof scene>> => {
  const image = imageFor(channels, shown, size);
  showPicture(image, shown.name);
  try {
    const predicted = await engine.call("predict", { image }, { onStage: tellStage(size) });
    return { image, predicted };
  } catch (cause) {
    const failure = cause instanceof EngineRefusal ? cause.failure : null;
    if (failure?.kind !== "memory" || !failure.fit || failure.fit.width >= size.width) throw cause;
    return predict(channels, shown, failure.fit);
  }
};

const forgetAttack = (): void => {
  attacked = null;
  clearAttack();
  element("verdict").textContent = "";
  element("scores").hidden = true;
  save.hidden = true;
};

/** Shows the picture and its predicted labels. */
const look = async (): Promise<void> => {
  if (!picture) return;
  scene = null;
  start.disabled = true;
  tellError(null);
  forgetAttack();
  const asked = sizeWithin(picture.bitmap, controls.longestSide());
  try {
    showPicture(imageOf(picture, asked), picture.name);
    const { classes, channels } = await openChosen();
    showLegend(element("legend"), classes, null, null);
    scene = await predict(channels, picture, asked);
    const { image, predicted } = scene;
    showBefore(classes, predicted.labels);
    showLegend(element("legend"), classes, predicted.labels, null);
    const size = spatialSize(image);
    const shrunk = size.width < asked.width ? `, shrunk from ${sized(asked)} to fit into memory` : "";
    const confidence = `Mean confidence ${percent(predicted.confidence)}`;
    tell(`Ready: ${sized(size)} pixels${shrunk}. ${confidence}.`);
    start.disabled = false;
  } catch (cause) {
    tell("The picture could not be looked at.");
    report(cause);
  }
};

/** Predictions run one after another; of those that wait, only the last one runs. */
let looks = 0;
let looking: Promise<void> = Promise.resolve();
const lookAgain = (): void => {
  looks += 1;
  const mine = looks;
  looking = looking.then(() => (mine === looks ? look() : undefined));
};

const setAttacking = (attacking: boolean): void => {
  settings.disabled = attacking;
  start.disabled = attacking;
  cancel.hidden = !attacking;
  cancel.disabled = false;
  progress.hidden = !attacking;
  progress.value = 0;
  // On narrow screens the results are below the form.
  const { bottom } = element("controls").getBoundingClientRect();
  if (attacking && element("told").getBoundingClientRect().top >= bottom) element("told").scrollIntoView();
};

const showStep = (reports: readonly StepReport[]): void => {
  const last = reports.at(-1)!;
  progress.value = last.step / last.steps;
  showProgress(element("numbers"), last);
  showCurve(byId("curve", SVGElement), reports);
  element("scores").hidden = false;
};

const attack = async (): Promise<void> => {
  if (!scene) return;
  const { image, predicted } = scene;
  const plan = controls.plan();
  const reports: StepReport[] = [];
  setAttacking(true);
  tellError(null);
  forgetAttack();
  try {
    const { classes } = await openChosen();
    attacked = await engine.call(
      "attack",
      { image, plan, truth: null },
      {
        onStage: tellStage(spatialSize(image)),
        onStep: ({ report: step, reached }) => {
          if (step.step === 1) tell(`${controls.chosenNetwork().name} is attacked in ${counted(step.steps, "step")} …`);
          reports.push(step);
          showStep(reports);
          if (reached) showReached(reached, plan.epsilon);
        },
      },
    );
    showReached(attacked, plan.epsilon, attacked.unrounded);
    showNumbers(element("numbers"), attacked);
    showLegend(element("legend"), classes, predicted.labels, attacked.labels, attacked.scores);
    const verdict = verdictWords(attacked.perturbation.linf, attacked.changedPixelShare, attacked.scores.iouRatio);
    element("verdict").textContent = verdict;
    save.hidden = false;
    const { stopped, milliseconds } = attacked;
    const ended = stopped === null ? "Done" : `Stopped after step ${stopped} of ${plan.steps}`;
    tell(`${ended} in ${seconds(milliseconds)} s.`);
  } catch (cause) {
    forgetAttack();
    tell(
      reports.length > 0 ? `Stopped after step ${reports.length} of ${plan.steps}.` : "Stopped before the first step.",
    );
    report(cause);
  } finally {
    clearTimeout(impatience);
    setAttacking(false);
  }
};

/** Time after which a step that does not end is terminated. */
const PATIENCE_MS = 5000;
let impatience: ReturnType<typeof setTimeout> | undefined;

cancel.addEventListener("click", () => {
  cancel.disabled = true;
  tell("Stopping after this step …");
  engine.cancel();
  impatience = setTimeout(renewEngine, PATIENCE_MS);
});

byId("controls", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  void attack();
});

save.addEventListener("click", () => {
  if (!attacked) return;
  const url = URL.createObjectURL(new Blob([new Uint8Array(encodePng(attacked.image))], { type: "image/png" }));
  Object.assign(document.createElement("a"), { href: url, download: "adversarial.png" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
});

const take = async (name: string, file: Blob): Promise<void> => {
  if (settings.disabled) return;
  try {
    picture = await readPicture(name, file);
  } catch {
    tellError(`${name} is no picture that this browser can read. PNG, JPEG and WebP are read everywhere.`);
    return;
  }
  element("picture-name").textContent = name;
  button("example").hidden = name === EXAMPLE;
  lookAgain();
};

const EXAMPLE = "Example street";
const takeExample = async (): Promise<void> => {
  const response = await fetched("the example picture", new URL(streetUrl, import.meta.url));
  await take(EXAMPLE, await response.blob());
};
button("example").addEventListener("click", () => void takeExample().catch(report));

const begin = async (): Promise<void> => {
  const catalogue = new URL("networks.json", import.meta.url);
  const response = await fetched("the list of networks", catalogue);
  const at = (path: string): string => new URL(path, catalogue).href;
  const entries = (await response.json()) as readonly NetworkEntry[];
  controls.offerNetworks(
    entries.map((entry) => ({ ...entry, manifest: at(entry.manifest), file: at(entry.file) })),
    "enet-street",
  );
  controls.takeFrom(new URLSearchParams(location.search));
  controls.onScene(lookAgain);
  onPicture((file) => void take(file.name, file));
  await takeExample();
};
await begin().catch(report);
