/** Tasks in lock step: what they wait for is carried out together, once none of them can go on by itself. */

/** What a task waits for. */
export interface Waiting<W, R> {
  readonly work: W;
  readonly resolve: (result: R) => void;
  readonly reject: (cause: unknown) => void;
}

/** A kind of work. It settles each task that waits for it; what it throws rejects those that it has not settled. */
export type Carry<W, R> = (group: readonly Waiting<W, R>[]) => Promise<void>;

export interface LockStep {
  /** Carries out tasks at the same time. None of them may wait for another. */
  readonly lanes: <T>(tasks: readonly (() => Promise<T>)[]) => Promise<readonly T[]>;
  /**
   * @returns a function that waits until its work is done: together with all of the same key that other tasks wait for, or at once where
   * there are no other tasks.
   */
  readonly queue: <W, R>(carry: Carry<W, R>) => (key: string, work: W) => Promise<R>;
}

/** What is carried out together, once it is closed. */
interface Group {
  readonly close: () => void;
  readonly carried: () => Promise<void>;
}

export const createLockStep = (): LockStep => {
  let [lanes, waiting] = [0, 0];
  let groups: Group[] = [];

  /** Where every lane waits, nothing more can come. */
  const flush = async (): Promise<void> => {
    if (waiting === 0 || waiting < lanes) return;
    const now = groups;
    [groups, waiting] = [[], 0];
    for (const { close } of now) close();
    for (const { carried } of now) await carried();
  };

  const queue = <W, R>(carry: Carry<W, R>): ((key: string, work: W) => Promise<R>) => {
    const open = new Map<string, Waiting<W, R>[]>();
    const carriedOut = async (group: readonly Waiting<W, R>[]): Promise<void> => {
      try {
        await carry(group);
      } catch (cause) {
        for (const { reject } of group) reject(cause);
      }
    };
    const enter = (key: string, own: Waiting<W, R>): void => {
      const known = open.get(key);
      if (known) return void known.push(own);
      const group = [own];
      open.set(key, group);
      groups.push({ close: () => open.delete(key), carried: () => carriedOut(group) });
    };
    return (key, work) =>
      new Promise((resolve, reject) => {
        const own = { work, resolve, reject };
        if (lanes < 2) void carriedOut([own]);
        else {
          waiting += 1;
          enter(key, own);
          void flush();
        }
      });
  };

  return {
    lanes: (tasks) => {
      lanes += tasks.length;
      return Promise.all(
        tasks.map(async (task) => {
          try {
            return await task();
          } finally {
            lanes -= 1;
            void flush();
          }
        }),
      );
    },
    queue,
  };
};
