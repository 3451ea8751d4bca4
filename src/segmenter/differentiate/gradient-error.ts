/** Why a gradient model cannot be made. */

/**
 * The gradient that was asked for cannot be made of this network. The message says why and what would be accepted; it puts
 * the names of options between backticks, as in "give `size` HxW", so that a command line can print its own flags instead.
 */
export class GradientError extends Error {
  override readonly name = "GradientError";
}
