/** Every miniature. */

import type { Miniature } from "./miniature.ts";
import { legacy } from "./legacy.ts";
import { mmsegContext } from "./mmseg-context.ts";
import { mmsegRealtime } from "./mmseg-realtime.ts";
import { mmsegRelations } from "./mmseg-relations.ts";
import { mmsegTwoBranch } from "./mmseg-two-branch.ts";
import { quantized } from "./quantized.ts";
import { queries } from "./queries.ts";
import { smpAttention } from "./smp-attention.ts";
import { smp } from "./smp.ts";
import { swinTransformers } from "./swin.ts";
import { torchvision } from "./torchvision.ts";
import { transformers } from "./transformers.ts";
import { unpooling } from "./unpooling.ts";

export const miniatures: readonly Miniature[] = [
  ...torchvision,
  ...smp,
  ...smpAttention,
  ...mmsegRealtime,
  ...mmsegTwoBranch,
  ...mmsegContext,
  ...mmsegRelations,
  ...transformers,
  ...swinTransformers,
  ...queries,
  ...unpooling,
  ...quantized,
  ...legacy,
];
