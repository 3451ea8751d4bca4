/** Functions that kernels share: a line `// include NAME.wgsl` takes in the fragment kernels/include/NAME.wgsl. */

import { GpuError } from "./error.ts";
import type { KernelSources } from "./gpu.ts";

const directive = /^\/\/ include (\w+)\.wgsl$/gm;

/**
 * A kernel's source, followed by the fragments that it includes. Declarations of WGSL may stand in any order, and so the lines of
 * the kernel keep their numbers.
 *
 * @throws GpuError for a fragment that is not there.
 */
export const withIncludes = (name: string, source: string, fragments: KernelSources): string => {
  const included = new Set(Array.from(source.matchAll(directive), ([, fragment]) => fragment!));
  const texts = Array.from(included, (fragment) => {
    const text = fragments[fragment];
    if (text !== undefined) return text;
    const known = Object.keys(fragments).map((each) => `${each}.wgsl`);
    throw new GpuError(`${name}.wgsl includes ${fragment}.wgsl, which is none of ${known.join(", ")}`);
  });
  return [source, ...texts].join("\n");
};
