/** Jobs on one key in their order: reads together, and each change by itself. */

interface Line {
  /** Begun and not ended: some reads, or a change. */
  underWay: number;
  isChanging: boolean;
  readonly waiting: { readonly isChange: boolean; readonly run: () => Promise<void> }[];
}

export class KeyOrder {
  /** The keys with jobs under way. */
  readonly #lines = new Map<string, Line>();

  /** @param run must not reject */
  add(key: string, isChange: boolean, run: () => Promise<void>): void {
    const line = this.#lines.get(key) ?? { underWay: 0, isChanging: false, waiting: [] };
    this.#lines.set(key, line);
    line.waiting.push({ isChange, run });
    this.#begin(key, line);
  }

  #begin(key: string, line: Line): void {
    for (let next = line.waiting[0]; next !== undefined; next = line.waiting[0]) {
      if (line.underWay > 0 && (line.isChanging || next.isChange)) return;
      line.waiting.shift();
      line.underWay++;
      line.isChanging = next.isChange;
      void next.run().finally(() => {
        line.underWay--;
        this.#begin(key, line);
      });
    }
    if (line.underWay === 0) this.#lines.delete(key);
  }
}
