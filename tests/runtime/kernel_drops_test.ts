import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { kernelDrops, sumDrops } from "../../src/runtime/kernel_drops.ts";

const TABLES =
  `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  101: 0100007F:0FC8 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000000000000000 17
  102: 0100007F:0FC9 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000000000000000 1000
  103: 00000000:0FC8 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000000000000000 300
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  101: 00000000000000000000000001000000:0FC8 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000000000000000 5
  101: B80D0120000000000000000001000000:0001 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000000000000000 2
`;

test("the drops of the sockets asked for, and of no others", () => {
  const drops = (...addresses: [string, number][]) =>
    sumDrops(
      TABLES,
      addresses.map(([host, port]) => ({ host, port })),
    );
  assertEquals(drops(["127.0.0.1", 4040]), 17);
  assertEquals(drops(["127.0.0.1", 4040], ["::1", 4040]), 22);
  assertEquals(drops(["0.0.0.0", 4040]), 300);
  assertEquals(drops(["2001:db8::1", 1]), 2);
  assertEquals(drops(["127.0.0.2", 4040]), 0);
  assertEquals(drops(), 0);
});

test("this system reports drops, or that it can't", () => {
  const drops = kernelDrops([{ host: "127.0.0.1", port: 1 }]);
  assertEquals(drops, process.platform === "linux" ? 0 : null);
});
