/** Limits that the API states and the service enforces. */

/**
 * The most work of a request by default: the pixels of its image times the steps of all its attacks together.
 */
export const MAX_WORK = 2 ** 30;

/** The most trials of a request behind a random transformation. */
export const MAX_TRIALS = 100;

/**
 * Of a report: rows; certificates, which are pooled at each length of an attack; pairs of a network and an attack, whose scores are drawn anew and
 * compared; and scores of single classes of these.
 */
export const MAX_REPORT_ROWS = 20_000;
export const MAX_REPORT_CERTIFICATES = 1000;
export const MAX_REPORT_GROUPS = 250;
export const MAX_REPORT_CLASS_SCORES = 20_000;

/** Grey levels; far above the L2 norm of a white image of the largest size that is decoded. */
export const MAX_EPSILON = 1e7;
