/** `faultline certify`: labels that no perturbation up to a radius changes, by randomised smoothing or by bounds. */

import { treeOf } from "../certify/hierarchy.ts";
import { sha256Of } from "../digest.ts";
import { useNodeCodecs } from "../image/node.ts";
import { Refusal } from "../node/failure.ts";
import { checkFolder, checkWritable, writeFiles } from "../node/files.ts";
import { createSegmenter } from "../segmenter/segmenter.ts";
import { cacheOn, placeFrom, startAt } from "./backend.ts";
import { boundAll, type BoundJob } from "./certify-bounds.ts";
import { hierarchyOf } from "./certify-hierarchy.ts";
import { checkMaps } from "./certify-maps.ts";
import { boundsOf, options, outsOf, smoothingsOf, WITHOUT_WEBGPU, type Given } from "./certify-options.ts";
import { certificateLines, certifyReport } from "./certify-report.ts";
import { certifyAll } from "./certify-run.ts";
import { checkState, openState } from "./certify-state.ts";
import { command, type Io, type Report } from "./command.ts";
import { interruptible } from "./interrupt.ts";
import { openOperand } from "./open-network.ts";
import { labelFiles, picturesOf, readingWarnings } from "./pictures.ts";

const about = `
An attack that fails proves nothing; a certificate does. Each picture is labelled many times under
Gaussian noise. Where one label is significantly more frequent than --tau, the network that takes
the most frequent label keeps it under every perturbation of L2 norm below sigma · Φ⁻¹(tau) grey
levels; elsewhere nothing is certified. With probability 1 - alpha all labels certified on a picture
are right in this sense (SegCertify, ICML 2021). The certificate is one of the smoothed network, not
of the network alone. Scores compare with the ground truth of --labels, or else with the network's
prediction without noise; a pixel that is not certified counts as wrong. With -o DIR it writes
NAME.sigma-S.labels.png (255 where nothing is certified) and NAME.sigma-S.outcome.png, with
-o FILE.jsonl the certificates in counts, for faultline report --certificates. With --hierarchy a
pixel for which no class is likely to be certified is tested for a group of classes instead, at the
same alpha (AdaptiveCertify, ICML 2024): FILE holds {"groups": [{"name": "flat", "of": ["road",
"pavement"]}, …]}, whose members are classes or groups before. With --state FILE the
counts are kept, and the same command continues after Ctrl-C with the result of a run without it.

With --method interval or linear it certifies the network itself: a lower bound of each pixel's margin
over all pictures that differ by at most --epsilon grey levels in each channel is above 0. Intervals
bound all pixels in one run; linear bounds (CROWN) are tighter, take a run of several predictions for
each few pixels, and are of a sample of --pixels. Of deep networks both certify tiny radii only:
--largest says how large. Files have epsilon-E in the place of sigma-S.`;

const runBounds = async (
  net: string,
  values: Given,
  io: Io,
  {
    bounds,
    pictures,
    labels,
    outs,
    inputs,
  }: Pick<BoundJob, "pictures" | "labels" | "outs"> & {
    readonly bounds: NonNullable<ReturnType<typeof boundsOf>>;
    readonly inputs: readonly string[];
  },
): Promise<Report> => {
  const runAt = placeFrom(values);
  const network = await openOperand(net, values.manifest);
  await checkMaps(
    outs.maps,
    pictures,
    bounds.epsilons.map((epsilon) => `epsilon-${epsilon}` as const),
    inputs,
  );
  useNodeCodecs();
  const { runtime, choice, stop } = await startAt(runAt);
  try {
    if (choice.backend === "webgpu") throw new Refusal(WITHOUT_WEBGPU);
    const cache = cacheOn(runtime);
    const job = { network, cache, ...bounds, pictures, labels, outs };
    return await interruptible((signal) => boundAll(job, io, signal));
  } finally {
    await stop();
  }
};

const run = async (net: string, values: Given, io: Io, operands: readonly string[]): Promise<Report> => {
  const bounds = boundsOf(values);
  const flat = smoothingsOf(values);
  const runAt = placeFrom(values);
  const pictures = await picturesOf(operands);
  const labels = await labelFiles(pictures, values.labels);
  const { maps, certificates } = outsOf(values);
  const inputs = [...pictures.map(({ path }) => path), ...labels.values()];
  if (maps !== undefined) await checkFolder(maps);
  if (certificates !== undefined) await checkWritable(certificates, inputs);
  if (bounds) return runBounds(net, values, io, { bounds, pictures, labels, outs: { maps, certificates }, inputs });
  await checkState(values.state, inputs);
  const network = await openOperand(net, values.manifest);
  const hierarchy = await hierarchyOf(values.hierarchy, network.manifest);
  const smoothings = flat.map((each) => ({ ...each, ...(hierarchy && { hierarchy }) }));
  const tree = treeOf(network.manifest.classes.length, hierarchy);
  await checkMaps(
    maps,
    pictures,
    flat.map(({ sigma }) => `sigma-${sigma}` as const),
    inputs,
  );
  useNodeCodecs();
  const { runtime, choice, stop } = await startAt(runAt);
  try {
    const { manifest } = network;
    const files = [pictures.map(({ path }) => path), maps ?? null];
    const state = await openState(
      values.state,
      await sha256Of(JSON.stringify([manifest, choice.backend, smoothings, files])),
    );
    const segmenter = createSegmenter(network, cacheOn(runtime));
    const warn = readingWarnings([network], io);
    const job = { segmenter, smoothings, tree, pictures, labels, warn, maps, state };
    const done = await interruptible((signal) => certifyAll(job, io, signal));
    const truth = labels.size > 0;
    const result = { network: manifest, backend: choice.backend, smoothings, tree, pictures: done, truth };
    if (certificates !== undefined)
      await writeFiles([[certificates, new TextEncoder().encode(certificateLines(result))]]);
    return certifyReport(result);
  } finally {
    await stop();
  }
};

export const certifyPictures = command({ name: "certify", operand: "NET", others: "IMAGE…", about, options, run });
