/** `faultline audit`: whether gradient attacks on a network are to be believed. */

import { auditImage, auditOf, auditSteps, type AuditedImage } from "../evaluation/audit.ts";
import { useNodeCodecs } from "../image/node.ts";
import { Interrupted, UsageError } from "../node/failure.ts";
import { wholeNumber, type Options } from "../node/options.ts";
import { gpuFaults } from "../segmenter/compile.ts";
import { createSegmenter } from "../segmenter/segmenter.ts";
import { backendFlags, cacheOn, placeFrom, ranOn, startAt } from "./backend.ts";
import { command } from "./command.ts";
import { yieldToEvents } from "../yield.ts";
import { interruptible } from "./interrupt.ts";
import { openOperand } from "./open-network.ts";
import { labelFiles, picturesOf, readingWarnings, readWithLabels } from "./pictures.ts";
import { createProgress } from "./progress.ts";
import { table } from "./text.ts";

const options = {
  epsilon: { type: "string", value: "E", default: "8", help: "radius of the attacks in grey levels of 0..255" },
  steps: { type: "string", value: "N", default: "20", help: "evaluations of each gradient attack on an image" },
  seed: { type: "string", value: "N", default: "0", help: "of what is random" },
  manifest: { type: "string", value: "FILE", help: "the manifest of NET where NET is a file without one beside it" },
  labels: { type: "string", value: "FILE|DIR", help: "ground truth: one PNG, or a folder of NAME.png" },
  ...backendFlags,
} as const satisfies Options;

const about = `
Is an evaluation of this network by gradient attacks to be believed? On a few pictures it compares
the gradient with difference quotients of the network that runs, and weak attacks with strong ones:
one step, a clean and a random start, an adaptive step size, queries without a gradient (five times
as many), and no bound at all. The verdict is believable, doubtful (an attack is weaker than
another that should not be stronger) or not-believable (the gradient is masked or wrong), with its
reasons. A picture takes about nine evaluations of the network for each of --steps.`;

const radius = (text: string): number => {
  const value = Number(text);
  if (/^[\d.]+$/.test(text) && value > 0 && value <= 255) return value;
  throw new UsageError(`--epsilon must be a number greater than 0 and at most 255, not "${text}"`);
};

export const auditNetwork = command({
  name: "audit",
  operand: "NET",
  others: "IMAGE…",
  about,
  options,
  run: async (net, values, io, operands) => {
    const settings = {
      epsilon: radius(values.epsilon),
      steps: wholeNumber("steps", values.steps, 5, 100_000),
      seed: wholeNumber("seed", values.seed, 0, 0xffff_ffff),
    };
    const runAt = placeFrom(values);
    const pictures = await picturesOf(operands);
    const labels = await labelFiles(pictures, values.labels);
    const network = await openOperand(net, values.manifest);
    useNodeCodecs();
    const missing = () => gpuFaults(network, null);
    const { runtime, choice, stop } = await startAt(runAt, { missing });
    const segmenter = createSegmenter(network, cacheOn(runtime));
    const warn = readingWarnings([network], io);
    const progress = createProgress(io, { items: pictures.length, steps: auditSteps(settings) });
    const auditAll = async (signal: AbortSignal): Promise<readonly AuditedImage[]> => {
      const done: AuditedImage[] = [];
      const onStep = async (): Promise<void> => {
        progress.step("audited");
        await yieldToEvents();
        signal.throwIfAborted();
      };
      for (const picture of pictures) {
        progress.begin(picture.path);
        const subject = { segmenter, ...(await readWithLabels(picture, labels, network.manifest, io)) };
        warn(picture, subject.image);
        try {
          done.push(await auditImage(subject, settings, { onStep, signal }));
        } catch (cause) {
          if (!signal.aborted) throw cause;
          throw new Interrupted(`interrupted: ${done.length} of ${pictures.length} pictures were audited`, { cause });
        }
        progress.end("audited");
      }
      return done;
    };
    try {
      const audit = auditOf(await interruptible(auditAll), settings);
      const rows = audit.runs.map(({ run, attack, epsilon, iouRatio, evaluations, flags }) => [
        run,
        `${attack} at ε = ${epsilon}`,
        (iouRatio?.toFixed(4) ?? "–") + (flags.length === 0 ? "" : " (no bound)"),
        `${evaluations.forward} + ${evaluations.backward}`,
      ]);
      const { name, sha256 } = network.manifest;
      const text = [
        `${name}: ${audit.verdict}`,
        ...ranOn(runAt, choice),
        ...(audit.signs.length === 0 ? [audit.summary] : audit.signs.map(({ kind, detail }) => `- ${kind}: ${detail}`)),
        "",
        table([["check", "attack", "IoU ratio", "evaluations"], ...rows], [2, 3]),
      ].join("\n");
      return { text, data: { network: name, networkSha256: sha256, backend: choice.backend, ...settings, ...audit } };
    } finally {
      progress.clear();
      await stop();
    }
  },
});
