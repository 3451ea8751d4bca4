/** What the page tells beside the button: the state, progress, and failures. */

import { EngineRefusal } from "./client.ts";
import { byId, element } from "./elements.ts";
import { FetchError } from "./fetched.ts";
import type { Loaded } from "./messages.ts";
import { reasonOf } from "../reason.ts";
import { failureWords, mebibytes } from "./words.ts";

const progress = byId("progress", HTMLProgressElement);

/** Shows the state, which is also read out; ends the progress that was shown. */
export const tell = (text: string): void => {
  element("status").textContent = text;
  showProgress(null);
};

/** @param share 0..1, or null to show none. @param detail is shown, and not read out, as it changes often. */
export const showProgress = (share: number | null, detail = ""): void => {
  progress.hidden = share === null;
  progress.value = share ?? 0;
  element("detail").textContent = detail;
};

export const showLoaded = ({ bytes, total }: Loaded): void => {
  if (total === null) showProgress(0, mebibytes(bytes));
  else if (bytes >= total) showProgress(null);
  else showProgress(bytes / total, `${mebibytes(bytes)} of ${mebibytes(total)}`);
};

/** Tells an error in an element, which is hidden while there is none. */
export const errorsIn =
  (id: string) =>
  (text: string | null): void => {
    element(id).textContent = text;
    element(id).hidden = text === null;
  };

export const tellError = errorsIn("error");

/** The message of a failure; null for a cancellation by the visitor. */
export const wordsFor = (cause: unknown): string | null => {
  if (cause instanceof EngineRefusal) return failureWords(cause.failure);
  if (cause instanceof FetchError) return failureWords({ kind: "fetch", what: cause.what, reason: cause.message });
  return failureWords({ kind: "unexpected", reason: reasonOf(cause) });
};
