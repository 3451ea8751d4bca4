/** Drawing of what changes faster than frames do. */

let drawing: (() => void) | null = null;

/** Draws once in each frame, and only the last of what was to be drawn. */
export const drawSoon = (draw: () => void): void => {
  if (drawing === null) requestAnimationFrame(drawNow);
  drawing = draw;
};

/** Draws what waits for the next frame. */
export const drawNow = (): void => {
  drawing?.();
  drawing = null;
};

/** What waits for the next frame is not drawn. */
export const drawNothing = (): void => {
  drawing = null;
};
