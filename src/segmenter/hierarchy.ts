/** Coarser classes: groups of a network's classes, and groups of groups. A *vertex* is either; the classes are numbered first, then the groups. */

/** A coarser class. Its members are vertices: classes, or groups before it; a vertex is a member of one group at most. */
export interface Group {
  readonly name: string;
  readonly of: readonly number[];
}

/** The same by names. */
export interface NamedGroup {
  readonly name: string;
  readonly of: readonly string[];
}

/** Vertices must be told from the labels for "abstained" and "void" in one byte. */
export const MOST_VERTICES = 254;

/** A hierarchy that is none; the message begins with the group at fault. */
export class HierarchyError extends Error {
  override readonly name = "HierarchyError";
}

/** Groups by name to groups by number. @throws HierarchyError that says which group is wrong, and how. */
export const groupsOf = (
  named: readonly NamedGroup[],
  classes: readonly { readonly name: string }[],
): readonly Group[] => {
  const vertices = new Map(classes.map(({ name }, i) => [name, i]));
  const owner = new Map<string, string>();
  const sizes = classes.map(() => 1);
  if (classes.length + named.length > MOST_VERTICES)
    throw new HierarchyError(`${named.length} groups over ${classes.length} classes are more than ${MOST_VERTICES}`);
  return named.map(({ name, of }, i) => {
    const fault = (message: string): HierarchyError => new HierarchyError(`group "${name}": ${message}`);
    if (vertices.has(name)) throw fault("there is already a class or a group of this name");
    if (of.length < 2) throw fault("it must have at least two members");
    const members = of.map((member) => {
      const vertex = vertices.get(member);
      if (vertex === undefined)
        throw fault(
          `its member "${member}" is neither a class (${classes.map((each) => each.name).join(", ")}) nor a group before it`,
        );
      if (owner.has(member)) throw fault(`its member "${member}" is in "${owner.get(member)}" already`);
      owner.set(member, name);
      return vertex;
    });
    const size = members.reduce((sum, vertex) => sum + sizes[vertex]!, 0);
    if (size === classes.length) throw fault("it contains all classes, so that it says nothing");
    sizes.push(size);
    vertices.set(name, classes.length + i);
    return { name, of: members };
  });
};
