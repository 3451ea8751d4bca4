/** Whole networks on native onnxruntime, of int8 and of float: predictions and gradients as on WASM. */

import { afterAll, describe } from "vitest";
import { hasReference, networks } from "../../../bench/networks.ts";
import { describeBackend } from "../../support/backend.ts";
import { hasNative, native, nativeNote, stopNative } from "../../support/native.ts";

const chosen = new Set(["dilated-context", "icnet-float", "enet-camvid"]);
const referenceNote = hasReference() ? "" : " (the reference networks are absent)";

describe.skipIf(!hasNative)(`networks${nativeNote}${referenceNote}`, () => {
  afterAll(stopNative);

  describeBackend("native onnxruntime", native, {
    target: "native",
    size: { height: 64, width: 96 },
    among: networks().filter(({ manifest: { name } }) => chosen.has(name)),
    chosen: () => true,
  });
});
