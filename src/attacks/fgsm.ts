import { ascend, sign, type Attack, type Ball } from "./attack.ts";

/** FGSM (Goodfellow et al. 2015): one step, x + ε·sign ∇. On the least-likely objective it is FGSM II (Kurakin et al. 2017). */
export const fgsm = ({ epsilon, pixelRange }: Ball): Attack =>
  ascend({ epsilon, pixelRange, alpha: epsilon, steps: 1, direction: sign });
