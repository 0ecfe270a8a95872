/** Keyv's own tests of an adapter, as @keyv/redis runs them: keyv.mjs has Vitest run this file. */

import KeyvRedis from "@keyv/redis";
import suite, { keyvIteratorTests } from "@keyv/test-suite";
import Keyv from "keyv";
import * as vitest from "vitest";

const url = `redis://127.0.0.1:${process.env.RESP_PORT}`;
const store = () => new KeyvRedis(url);

suite(vitest, Keyv, store);
keyvIteratorTests(vitest, Keyv, store);
