/** `faultline evaluate` on a GPU: the attacks of a picture together, with the rows that WASM has. */

import { describe, expect, it } from "vitest";
import { gpuNote, hasGpu, isHardware } from "../../support/gpu.ts";
import { evaluate, evaluateFolder } from "../../cli/evaluate-folder.ts";

const { path, one, rowsOf } = evaluateFolder();

describe.skipIf(!hasGpu || isHardware)(`an evaluation on a GPU${gpuNote}`, () => {
  it("has WASM's rows, but for where they ran", async () => {
    const flags = [one, "--data", path("data"), "--attacks", "ifgsm,mi-fgsm", "--epsilon", "2,4"] as const;
    for (const backend of ["wasm", "webgpu"]) {
      const end = await evaluate(...flags, "--backend", backend, "-o", path(`${backend}.jsonl`));
      expect(end).toMatchObject({ code: 0 });
    }
    const [wasm, gpu] = ["wasm", "webgpu"].map((backend) => rowsOf(`${backend}.jsonl`));
    expect(new Set(gpu!.map(({ receipt }) => receipt.backend))).toEqual(new Set(["webgpu"]));
    const told = ({ id, counts, evaluations }: (typeof gpu & {})[0]) => ({ id, counts, evaluations });
    expect(gpu!.map(told)).toEqual(wasm!.map(told));
  });
});
