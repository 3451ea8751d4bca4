import type { CrfParameters } from "../../../src/crf/parameters.ts";

/** The DenseCRF behind DeepLab v2 as released (bi_w 4, bi_xy_std 67, bi_rgb_std 3; pos_w 3, pos_xy_std 1). */
export const denseCrf: CrfParameters = {
  iterations: 10,
  gaussian: { weight: 3, theta: 1 },
  bilateral: { weight: 4, thetaAlpha: 67, thetaBeta: 3 },
};
