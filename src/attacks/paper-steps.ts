/** n(ε) = max(⌈min(ε + 4, 1.25 ε)⌉, 1): the number of iterations of Arnab et al. (2018) at α = 1. */
export const paperSteps = (epsilon: number): number => Math.max(Math.ceil(Math.min(epsilon + 4, 1.25 * epsilon)), 1);
