/** A picture from the camera, which runs while the dialog is open and no longer. */

import { byId, button, element } from "./elements.ts";
import { pngOf } from "./picture.ts";
import { errorsIn } from "./status.ts";
import { reasonOf } from "../reason.ts";

const dialog = byId("camera", HTMLDialogElement);
const video = byId("camera-view", HTMLVideoElement);
const shoot = button("camera-shoot");

let stream: MediaStream | null = null;

const tell = (text: string): void => void (element("camera-told").textContent = text);

const tellError = errorsIn("camera-error");

/** Why there is no picture, by the names of the failures of `getUserMedia`, and what can be done. */
const refusals: Readonly<Record<string, string>> = {
  NotAllowedError:
    "The camera was not allowed. Allow it in the browser's settings of this page and try again, or choose a file.",
  NotFoundError: "This device has no camera. Choose a file instead.",
  NotReadableError: "The camera is in use by another program. Close that and try again, or choose a file.",
};

const refusalWords = (cause: unknown): string =>
  (cause instanceof Error && refusals[cause.name]) || `The camera gave no picture: ${reasonOf(cause)}.`;

const stop = (): void => {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = video.srcObject = null;
  shoot.ariaDisabled = "true";
};

/** The camera's own largest picture; of a phone's cameras the one at its back. */
const wanted = { video: { facingMode: "environment", width: { ideal: 1920 }, height: { ideal: 1080 } } };

const start = async (): Promise<void> => {
  tellError(null);
  if (!isSecureContext || !("mediaDevices" in navigator))
    return tellError("Browsers give the camera to pages over https alone. Choose a file instead.");
  tell("Waiting for the camera …");
  try {
    stream = await navigator.mediaDevices.getUserMedia(wanted);
    if (!dialog.open) return stop();
    video.srcObject = stream;
    await video.play();
    shoot.ariaDisabled = "false";
    tell("The picture stays in this browser; the camera stops after it.");
  } catch (cause) {
    stop();
    tell("");
    tellError(refusalWords(cause));
  }
};

const picture = (): Promise<Blob> => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d")!.drawImage(video, 0, 0);
  return pngOf(canvas);
};

/** @param take gets each picture, as PNG. */
export const onCamera = (take: (file: File) => void): void => {
  button("open-camera").addEventListener("click", () => {
    dialog.showModal();
    void start();
  });
  shoot.addEventListener("click", async () => {
    if (shoot.ariaDisabled === "true") return;
    const shot = await picture();
    dialog.close();
    take(new File([shot], "camera.png", { type: "image/png" }));
  });
  button("camera-cancel").addEventListener("click", () => dialog.close());
  // Also after Escape.
  dialog.addEventListener("close", () => {
    stop();
    button("open-camera").focus();
  });
};
