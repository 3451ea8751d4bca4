/** The engine as the page holds it: which network it has open, and its calls one after another. */

import type { Around } from "./around.ts";
import { EngineRefusal, startEngine, type Watch } from "./client.ts";
import { element } from "./elements.ts";
import { greyOf } from "../image/grey.ts";
import type { Attacked, Brought, Calls, Described, NetworkEntry, Opened, Predicted } from "./messages.ts";
import { imageOf, type Picture } from "./picture.ts";
import type { Wanted } from "../runtime/choose.ts";
import type { Image } from "../segmenter/segmenter.ts";
import { showLoaded, tell } from "./status.ts";
import type { Size } from "../tensor.ts";
import { oneAtATime } from "../turns.ts";
import { backendWords, stageWords } from "./words.ts";

let engine = startEngine();
/** The network that the engine has opened, by its file and what is around it, and the requested backend. */
let opened: (Opened & { readonly key: string; readonly wanted: string }) | null = null;

/** The image that the network takes, and its prediction. */
export interface Scene {
  readonly image: Image;
  readonly predicted: Predicted;
}

const renew = (): void => {
  engine.end();
  engine = startEngine();
  opened = null;
};

/** Awaits the call; a crashed engine, or one whose backend failed, is replaced. */
const watched = async <T>(call: Promise<T>): Promise<T> => {
  try {
    return await call;
  } catch (cause) {
    const kind = cause instanceof EngineRefusal ? cause.failure.kind : null;
    if (kind === "crash" || kind === "backend") renew();
    throw cause;
  }
};

const watch = (network: string, size: Size | null): Watch => ({
  onStage: (stage) => tell(stageWords(stage, network, size)),
  onLoaded: showLoaded,
});

/** Runs one after another whatever calls the engine. */
export const inTurn = oneAtATime();

/** Opens a network with what is around it on a backend, unless it is open. @throws EngineRefusal */
export const openNetwork = async (network: NetworkEntry, around: Around, wanted: Wanted): Promise<Opened> => {
  if (opened && opened.wanted !== wanted) renew();
  const key = JSON.stringify([network.file, network.manifest, around]);
  if (opened?.key === key) return opened;
  opened = null;
  try {
    const answer = await engine.call("open", { network, wanted, around }, watch(network.name, null));
    opened = { ...answer, key, wanted };
    element("backend-told").textContent = backendWords(opened);
    return opened;
  } catch (cause) {
    element("backend-told").textContent = "\u00a0";
    renew();
    throw cause;
  }
};

/** The picture as the network takes it. @throws EngineRefusal for a network of other pictures than grey or coloured ones. */
export const imageFor = (channels: number, picture: Picture, size: Size): Image => {
  if (channels === 1) return greyOf(imageOf(picture, size));
  if (channels === 3) return imageOf(picture, size);
  const reason = `This network takes pictures of ${channels} channels, which a browser does not decode; the command line takes them as NPY.`;
  throw new EngineRefusal({ kind: "refused", reason });
};

/** Predicts the labels of a picture, which is shrunk if an attack on it would not fit into memory. @throws EngineRefusal */
export const predict = async (
  network: string,
  channels: number,
  picture: Picture,
  size: Size,
  seed = 0,
): Promise<Scene> => {
  const image = imageFor(channels, picture, size);
  try {
    return { image, predicted: await watched(engine.call("predict", { image, seed }, watch(network, size))) };
  } catch (cause) {
    const failure = cause instanceof EngineRefusal ? cause.failure : null;
    if (failure?.kind !== "memory" || !failure.fit || failure.fit.width >= size.width) throw cause;
    return predict(network, channels, picture, failure.fit, seed);
  }
};

/** @throws EngineRefusal */
export const attack = (
  network: string,
  size: Size,
  given: Calls["attack"]["given"],
  onStep: NonNullable<Watch["onStep"]>,
): Promise<Attacked> => watched(engine.call("attack", given, { ...watch(network, size), onStep }));

/** @throws EngineRefusal in the words of the command line. */
export const describe = (brought: Brought): Promise<Described> =>
  watched(engine.call("describe", brought, watch(brought.file.name, null)));

/** Time after which a step that does not end is terminated. */
const PATIENCE_MS = 5000;
let impatience: ReturnType<typeof setTimeout> | undefined;

/** Stops the attack after its current step, or at once where that takes too long. */
export const cancel = (): void => {
  engine.cancel();
  clearTimeout(impatience);
  impatience = setTimeout(renew, PATIENCE_MS);
};

/** To be called when a call that may have been cancelled has ended. */
export const settle = (): void => clearTimeout(impatience);
