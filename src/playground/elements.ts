/** The page's own elements. */

/** @throws Error if the page has no such element. */
export const byId = <E extends Element>(id: string, kind: new () => E): E => {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} of the id ${id}`);
};
