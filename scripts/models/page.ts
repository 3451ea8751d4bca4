/** models/README.md: a comparison of all networks of models/. */

import type { Manifest } from "../../src/segmenter/manifest.ts";
import type { Cost } from "./measure.ts";
import { epsilons, type Precision } from "./precision.ts";

/** The measurements of each network; those that were not made are absent. */
export type Measured = Readonly<Record<string, { readonly cost?: Cost; readonly precision?: Precision }>>;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

const missing = "–";

const twin = (name: string): string => `${name}-float`;

/** The metrics that scripts/evaluate.ts writes into a manifest. */
interface Clean {
  readonly cleanMiou: number;
  readonly images: number;
}

/** A score over fewer images than this is not that of a whole test set, and their number is given. */
const WHOLE_SET = 200;

const miou = (manifest: Manifest | undefined, split: string): string => {
  if (!manifest) return missing;
  const entry = manifest.metrics[`${split}, ${manifest.precision}`] as Clean | undefined;
  if (!entry) return missing;
  const { cleanMiou, images } = entry;
  return images < WHOLE_SET ? `${cleanMiou.toFixed(3)} (${images} images)` : cleanMiou.toFixed(3);
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

const signed = (x: number): string => (x < 0 ? "−" : "+") + Math.abs(x).toFixed(3);

/** A range of differences as text: "−0.012 to +0.020, on average +0.003". */
const summary = (values: readonly number[]): string => {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return `${signed(Math.min(...values))} to ${signed(Math.max(...values))}, on average ${signed(mean)}`;
};

export const precisions = ["int8", "float"] as const;

/**
 * Differences of IoU ratios between int8 and float, over all networks and radii, where the network that is attacked (`target`) or
 * the network that the attack comes from (`source`) changes its precision and the other one keeps it.
 */
export const differences = (measured: Measured, other: "target" | "source"): number[] =>
  Object.values(measured).flatMap(({ precision }) =>
    precisions.flatMap((kept) =>
      epsilons.flatMap((_, i) => {
        const [a, b] = precisions.map((varied) => {
          const pair = other === "target" ? `${kept} → ${varied}` : `${varied} → ${kept}`;
          return precision?.iouRatio[pair]?.[i];
        });
        return a === undefined || b === undefined ? [] : [a - b];
      }),
    ),
  );

/** The result of the comparison of precisions. */
const findings = (measured: Measured): string => `How much IoU ratios differ:

* The same attack, IoU ratio on int8 minus IoU ratio on float: ${summary(differences(measured, "target"))}. Positive values mean that int8 is more robust.
* The same network, IoU ratio under the attack from int8 minus that under the attack from float: ${summary(differences(measured, "source"))}. Positive
  values mean that the gradient of int8 is the worse guide, that is, masked.

Int8 is therefore as fragile as float: an attack that breaks one breaks the other as much. The straight-through gradient is as good a guide as
that of float, and rounding masks nothing. The largest difference occurs where scales are fused by the maximum, and there the attack from int8 is
the stronger one on either precision. Eight images do not allow finer distinctions.`;

/** The number of images of the comparison of precisions, which is the same for all networks. */
const imagesOf = (measured: Measured): number =>
  Math.max(0, ...Object.values(measured).map(({ precision }) => precision?.images ?? 0));

export const modelsPage = (
  manifests: readonly Manifest[],
  measured: Measured,
  bytesOf: (manifest: Manifest) => number,
): string => `<!-- Written by \`npx tsx scripts/models.ts page\` from the manifests and measured.json. -->

# The networks that ship

The architectures that Arnab, Miksik and Torr compare (CVPR 2018), in slim versions, trained on CamVid train and synthetic streets by the
recipe in [training](training/README.md). Each is available by its name in int8 and, as \`NAME-float\`, in float. A name in brackets is the
network whose weights a variant uses. Where two numbers stand, the first is for int8 and the second for float. Multiply-adds and times of a
network with a CRF do not include the CRF. Images have 480×360 pixels. Times are milliseconds in Node with WebAssembly and one thread, on a busy
machine: compare them with each other and not with yours. The manifests contain the commands behind each mIoU. \`enet-street-noise\` was trained under
Gaussian noise of 16 grey levels, which [certificates](../docs/certificates.md) need.

${costs(manifests, measured, bytesOf)}

## Int8 against float

IoU ratio under \`ifgsm\` (α = 1, away from the prediction) at ε = ${epsilons.join(", ")}, over ${imagesOf(measured)} images of CamVid test, evenly
spread. Each precision is attacked with its own gradient (int8 with the straight-through estimator, as it is deployed) and with
that of the other. A gradient is masked where the attack that comes from the other precision is the stronger one.

${robustness(measured)}

${findings(measured)}

\`\`\`sh
npx tsx scripts/models.ts cost
npx tsx scripts/models.ts precision --data CAMVID/test
npx tsx scripts/models.ts page
\`\`\`
`;
