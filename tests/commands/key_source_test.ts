import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { findKey, readKeyFile, userKeyPath, writeNewKey } from "../../src/commands/key_source.ts";
import { skvsKeys } from "../../src/commands/skvs_key.ts";
import { SystemError } from "../../src/commands/system_error.ts";
import { UsageError } from "../../src/commands/usage_error.ts";
import { encodeKey, generateKey } from "../../src/protocol/keys.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kilogram-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function keyFile(name: string, text: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode });
  chmodSync(path, mode);
  return path;
}

test("--key-file wins over KG_KEY, KG_KEY over KG_KEY_FILE, KG_KEY_FILE over the user's own", () => {
  const keys = Array.from({ length: 4 }, () => generateKey());
  const [named, inEnv, inEnvFile, users] = keys.map(encodeKey);
  const env = { XDG_CONFIG_HOME: folder, APPDATA: folder } as Record<string, string>;
  assertEquals(findKey(undefined, env), null);
  writeNewKey(userKeyPath(env));
  writeFileSync(userKeyPath(env), users);
  assertEquals(findKey(undefined, env)?.key, keys[3]);
  env.KG_KEY_FILE = keyFile("env", inEnvFile);
  assertEquals(findKey(undefined, env)?.key, keys[2]);
  env.KG_KEY = inEnv;
  assertEquals(findKey(undefined, env)?.key, keys[1]);
  assertEquals(findKey(keyFile("named", `${named}\n`), env)?.key, keys[0]);
});

test("a key file that others can read is refused, and the error says how to fix it", () => {
  const text = encodeKey(generateKey());
  for (const mode of [0o644, 0o604, 0o444, 0o666, 0o602]) {
    const path = keyFile("open", text, mode);
    const error = assertThrows(() => readKeyFile(path), UsageError, `chmod 600 ${path}`);
    assertMatch(error.message, (mode & 0o002) === 0 ? /everybody .* read/ : /everybody .* change/);
    assert(!error.message.includes(text));
  }
  for (const mode of [0o400, 0o440, 0o640]) {
    assertEquals(encodeKey(readKeyFile(keyFile("own", text, mode)).key), text);
  }
});

test("a credential may be readable by all, as service managers make it, but not writable", () => {
  const text = encodeKey(generateKey());
  const path = keyFile("credential", text, 0o444);
  const link = join(mkdtempSync(join(tmpdir(), "kilogram-")), "key");
  symlinkSync(path, link);
  const { CREDENTIALS_DIRECTORY } = process.env;
  try {
    process.env.CREDENTIALS_DIRECTORY = folder;
    assertEquals(encodeKey(readKeyFile(path).key), text);
    assertEquals(encodeKey(readKeyFile(link).key), text);
    chmodSync(path, 0o446);
    assertThrows(() => readKeyFile(path), UsageError, "chmod 600");
    process.env.CREDENTIALS_DIRECTORY = `${folder}/credent`;
    chmodSync(path, 0o444);
    assertThrows(() => readKeyFile(path), UsageError, "$CREDENTIALS_DIRECTORY");
  } finally {
    if (CREDENTIALS_DIRECTORY === undefined) delete process.env.CREDENTIALS_DIRECTORY;
    else process.env.CREDENTIALS_DIRECTORY = CREDENTIALS_DIRECTORY;
    rmSync(dirname(link), { recursive: true });
  }
});

test("a key file that is missing or holds no key is one clear line", () => {
  assertThrows(() => readKeyFile(join(folder, "none")), SystemError, "there is no key file");
  const error = assertThrows(() => readKeyFile(keyFile("bad", "hunter2")), UsageError, "kg keygen");
  assert(!error.message.includes("hunter2"));
  assertThrows(() => findKey(undefined, { KG_KEY: "hunter2" }), UsageError, "KG_KEY: ");
});

test("a path that is not a file of a key's size is not read at all", () => {
  assertThrows(() => readKeyFile(folder), UsageError, "not a key file");
  assertThrows(() => readKeyFile("/dev/zero"), UsageError, "not a key file");
  assertThrows(() => readKeyFile(keyFile("large", "x".repeat(5_000))), UsageError, "too large");
});

test("a new key is readable by its owner alone, and never overwrites one", () => {
  const path = join(folder, "deep", "key");
  assertEquals(writeNewKey(path), true);
  assertEquals(statSync(path).mode & 0o777, 0o600);
  assertEquals(statSync(join(folder, "deep")).mode & 0o777, 0o700);
  const { key } = readKeyFile(path);
  assertEquals(writeNewKey(path), false);
  assertEquals(readKeyFile(path).key, key, "of two servers that start at once, one makes the key");
  assertEquals(readdirSync(join(folder, "deep")), ["key"], "nothing else is left");
});

test("a folder that can't be written is one clear line", () => {
  const file = keyFile("file", "x");
  assertThrows(() => writeNewKey(join(file, "key")), SystemError, "can't write a key");
  symlinkSync(join(folder, "nowhere"), join(folder, "dangling"));
  assertEquals(writeNewKey(join(folder, "dangling")), false, "a link to nothing stays as it is");
  assert(!existsSync(join(file, "key")));
});

test("the original wire's key is 32 characters, or a text form of a key", () => {
  const raw = "01234567890123456789012345678901";
  const decoded = (SKVS_ENCRYPTION_KEY: string) => skvsKeys(undefined, { SKVS_ENCRYPTION_KEY })[0];
  assertEquals(Buffer.from(decoded(raw)).toString(), raw);
  const key = generateKey();
  assertEquals(decoded(encodeKey(key)), key);
  assertEquals(decoded(Buffer.from(key).toString("hex")), key);
  assertEquals(skvsKeys(keyFile("skvs", encodeKey(key)), {}), [key]);
  assertThrows(() => decoded("short"), UsageError, "5 characters");
  assertThrows(() => skvsKeys(undefined, {}), UsageError, "SKVS_ENCRYPTION_KEY");
});

test("a file may have two keys, a line each, of which a client uses the first", () => {
  const [first, second, third] = [1, 2, 3].map(() => generateKey());
  const lines = (...keys: Uint8Array[]) => keys.map(encodeKey).join("\n");
  const found = readKeyFile(keyFile("two", `\n${lines(first, second)}\r\n\n`));
  assertEquals([found.key, found.keys], [first, [first, second]]);
  assertEquals(readKeyFile(keyFile("same", lines(first, first))).keys, [first]);
  assertThrows(
    () => readKeyFile(keyFile("three", lines(first, second, third))),
    UsageError,
    "3 lines",
  );
  assertThrows(
    () => readKeyFile(keyFile("half", `${encodeKey(first)}\nhunter2`)),
    UsageError,
    "not a key",
  );
  const raw = `${"a".repeat(15)}\n${"b".repeat(16)}`;
  assertEquals(skvsKeys(keyFile("raw", raw)), [new TextEncoder().encode(raw)]);
  const two = ["o".repeat(32), "n".repeat(32)];
  assertEquals(skvsKeys(keyFile("skvs2", two.join("\n"))).length, 2);
});
