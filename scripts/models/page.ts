/** models/README.md: every network of models/ beside the others. */

import type { Manifest } from "../../src/segmenter/manifest.ts";
import type { Cost } from "./measure.ts";
import { epsilons, type Precision } from "./precision.ts";

/** By network: what was measured, as far as it was. */
export type Measured = Readonly<Record<string, { readonly cost?: Cost; readonly precision?: Precision }>>;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

const missing = "–";

const twin = (name: string): string => `${name}-float`;

/** What scripts/evaluate.ts writes into a manifest. */
interface Clean {
  readonly cleanMiou: number;
  readonly images: number;
}

/** Images of a whole test set, at least; of fewer the number is told. */
const FEWEST = 200;

const miou = (manifest: Manifest | undefined, split: string): string => {
  if (!manifest) return missing;
  const entry = manifest.metrics[`${split}, ${manifest.precision}`] as Clean | undefined;
  if (!entry) return missing;
  const { cleanMiou, images } = entry;
  return images < FEWEST ? `${cleanMiou.toFixed(3)} (${images} images)` : cleanMiou.toFixed(3);
};

const costs = (manifests: readonly Manifest[], measured: Measured, bytesOf: (manifest: Manifest) => number): string => {
  const byName = new Map(manifests.map((m) => [m.name, m]));
  const rows = manifests
    .filter(({ precision }) => precision === "int8")
    .map((manifest) => {
      const { name } = manifest;
      const float = byName.get(twin(name));
      const [own, other] = [measured[name]?.cost, measured[twin(name)]?.cost];
      const pair = (key: "forwardMs" | "gradientMs") => `${own?.[key] ?? missing} / ${other?.[key] ?? missing}`;
      const kilobytes = (m: Manifest | undefined) =>
        m ? Math.round(bytesOf(m) / 1000).toLocaleString("en-GB") : missing;
      return [
        manifest.network === undefined
          ? `[${name}](${name}/manifest.json)`
          : `[${name}](${name}/manifest.json) (${manifest.network})`,
        other ? `${(other.parameters / 1e6).toFixed(2)} M` : missing,
        own ? `${(own.macs / 1e9).toFixed(2)} G` : missing,
        `${kilobytes(manifest)} / ${kilobytes(float)}`,
        pair("forwardMs"),
        pair("gradientMs"),
        `${miou(manifest, "CamVid test")} / ${miou(float, "CamVid test")}`,
        `${miou(manifest, "street test")} / ${miou(float, "street test")}`,
      ];
    });
  return table(
    [
      "network",
      "parameters",
      "multiply-adds",
      "kB",
      "forward ms",
      "gradient ms",
      "CamVid test mIoU",
      "street test mIoU",
    ],
    rows,
  );
};

const robustness = (measured: Measured): string => {
  const rows = Object.entries(measured).flatMap(([name, { precision }]) => {
    if (!precision) return [];
    const cells = ["int8 → int8", "float → float", "float → int8", "int8 → float"].map((pair) =>
      (precision.iouRatio[pair] ?? []).map((ratio) => ratio.toFixed(3)).join(", "),
    );
    return [[name, ...cells]];
  });
  return table(["network", "int8 → int8", "float → float", "float → int8", "int8 → float"], rows);
};

/** Images of the comparison of precisions: the same for all. */
const imagesOf = (measured: Measured): number =>
  Math.max(0, ...Object.values(measured).map(({ precision }) => precision?.images ?? 0));

export const modelsPage = (
  manifests: readonly Manifest[],
  measured: Measured,
  bytesOf: (manifest: Manifest) => number,
): string => `<!-- Written by \`npx tsx scripts/models.ts page\` from the manifests and measured.json. -->

# The networks that ship

The architectures that Arnab, Miksik and Torr compare (CVPR 2018), slim, trained on CamVid train and synthetic streets by the
recipe in [training](training/README.md). Each is usable by its name, in int8 and, as \`NAME-float\`, in float.
Multiply-adds and times of a network with a CRF are without it. A name in brackets is the network whose weights a variant uses. Where
two numbers stand, the first is int8, the second float. Sizes at 480×360; milliseconds in Node-WASM, one thread, of a busy machine: compare them with each
other, not with yours. Manifests hold the commands behind each mIoU.

${costs(manifests, measured, bytesOf)}

## Int8 against float

IoU ratio under \`ifgsm\` (α = 1, away from the prediction) at ε = ${epsilons.join(", ")}, over ${imagesOf(measured)} images of CamVid test, evenly
spread: each precision attacked with its own gradient (int8 by the straight-through estimator, as it is deployed), and with
the other's. A masked gradient shows where the attack that comes from the other precision is the stronger one.

${robustness(measured)}

Where measured, int8 is about as fragile as float: each row's four columns lie within 0.03 of each other. An attack from the
other precision is hardly ever stronger than the own one, and then by 0.02 at most: the straight-through gradient is as good
as the float network's, nothing is masked by rounding. Eight images tell no finer differences.

\`\`\`sh
npx tsx scripts/models.ts cost
npx tsx scripts/models.ts precision --data CAMVID/test
npx tsx scripts/models.ts page
\`\`\`
`;
