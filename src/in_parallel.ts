/**
 * Does something with each of some items, at most so many at a time. After the first failure, of a task or
 * of the items' source, nothing more begins; it is thrown when those under way have ended.
 * @param width 1 or more
 */
export async function inParallel<T>(
  items: AsyncIterable<T> | Iterable<T>,
  width: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const noteFailure = (error: unknown) => void failures.push(error);
  try {
    for await (const item of items) {
      const task: Promise<void> = run(item)
        .catch(noteFailure)
        .finally(() => underWay.delete(task));
      underWay.add(task);
      if (underWay.size >= width) await Promise.race(underWay);
      if (failures.length > 0) break;
    }
  } catch (error) {
    noteFailure(error);
  }
  await Promise.all(underWay);
  if (failures.length > 0) throw failures[0];
}
