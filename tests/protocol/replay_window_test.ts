import { test } from "node:test";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ReplayWindow, Sighting, WINDOW } from "../../src/protocol/replay_window.ts";

/** The window by its definition: everything that was marked, and its maximum. */
class Model {
  readonly marked = new Set<number>();
  highest = -1;

  mark(sequence: number): Sighting {
    if (sequence <= this.highest - WINDOW) return Sighting.BEHIND;
    if (this.marked.has(sequence)) return Sighting.MARKED;
    this.marked.add(sequence);
    this.highest = Math.max(this.highest, sequence);
    return Sighting.NEW;
  }
}

test("the window is exactly 1,024", () => {
  assertEquals(WINDOW, 1024);
  for (const highest of [1024, 5000, 2 ** 31, 2 ** 32 - 1]) {
    const window = new ReplayWindow();
    window.mark(highest);
    assertEquals(window.look(highest - WINDOW), Sighting.BEHIND);
    assertEquals(window.look(highest - WINDOW + 1), Sighting.NEW);
    assertEquals(window.mark(highest - WINDOW + 1), Sighting.NEW);
    assertEquals(window.mark(highest - WINDOW + 1), Sighting.MARKED);
  }
});

test("looking marks nothing", () => {
  const window = new ReplayWindow();
  assertEquals([window.look(7), window.look(7), window.mark(7)], [0, 0, 0]);
});

test("the window agrees with its definition on any walk of sequences", () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: -40, max: 40 }) },
    { weight: 2, arbitrary: fc.integer({ min: -1100, max: 1100 }) },
    { weight: 1, arbitrary: fc.integer({ min: -3000, max: 3000 }) },
  );
  const start = fc.constantFrom(0, 31, 32, 1023, 1024, 2 ** 31 - 3, 2 ** 32 - 5000);
  fc.assert(
    fc.property(start, fc.array(step, { maxLength: 400 }), (first, steps) => {
      const window = new ReplayWindow();
      const model = new Model();
      let sequence = first;
      for (const by of [0, ...steps]) {
        sequence = Math.min(2 ** 32 - 1, Math.max(0, sequence + by));
        assertEquals(window.mark(sequence), model.mark(sequence), `${sequence}`);
      }
    }),
    { numRuns: 300 },
  );
});
