/**
 * A function of AWS Lambda, on Node 20 or later, behind a function URL: it limits each address to some requests
 * a minute, and makes a page once a minute for all. docs/OPERATING.md says how to build and configure it.
 */

import { type Client, connect, KilogramError } from "kilogram";

/** For all calls of a request together; the function's own timeout has to be longer. */
const PATIENCE_MS = 300;
const REQUESTS_A_MINUTE = 100n;
const MINUTE_MS = 60_000;

/** The part of a function URL's event that is used here. */
interface Event {
  readonly rawPath: string;
  readonly requestContext: { readonly http: { readonly sourceIp: string } };
}

interface Response {
  readonly statusCode: number;
  readonly body: string;
}

export async function handler({ rawPath, requestContext }: Event): Promise<Response> {
  try {
    const kv = await client();
    // From here on: making the client, in the first request, may take as long for the key alone.
    const deadline = Date.now() + PATIENCE_MS;
    const key = `limit:${requestContext.http.sourceIp}`;
    const { value: requests } = await kv.add(key, 1, { deadline, ttl: MINUTE_MS });
    if (requests > REQUESTS_A_MINUTE) return { statusCode: 429, body: "Too many requests.\n" };
    const make = () => page(rawPath);
    const bytes = await kv.remember(`page:${rawPath}`, make, { deadline, ttl: MINUTE_MS });
    return { statusCode: 200, body: new TextDecoder().decode(bytes) };
  } catch (error) {
    if (!(error instanceof KilogramError)) throw error;
    // Better slow, and without limits, than not at all.
    console.warn(`without Kilogram: ${error.message}`);
    return { statusCode: 200, body: page(rawPath) };
  }
}

function page(path: string): string {
  return `<p>You are at ${encodeURI(path)}, as of ${new Date().toISOString()}.</p>\n`;
}

let opened: Promise<Client> | undefined;

/**
 * The client that this environment's requests share. The first of them makes it, not the module: otherwise it might
 * be in a snapshot of the memory, from which several environments begin, and their nonces would be the same.
 */
function client(): Promise<Client> {
  opened ??= open().catch((error) => {
    opened = undefined;
    throw error;
  });
  return opened;
}

async function open(): Promise<Client> {
  return await connect(process.env.KG_SERVER, { key: await masterKey() });
}

/** From KG_KEY, or the secret that KG_KEY_SECRET names, which fewer people can read than a variable. */
async function masterKey(): Promise<string> {
  const { KG_KEY, KG_KEY_SECRET } = process.env;
  if (KG_KEY) return KG_KEY;
  if (KG_KEY_SECRET) return await secret(KG_KEY_SECRET);
  throw new Error("there is no key: set KG_KEY_SECRET or KG_KEY");
}

const SECRET_TIMEOUT_MS = 2_000;

/** Asks the extension «AWS Parameters and Secrets», a layer of the function. */
async function secret(id: string): Promise<string> {
  const { AWS_SESSION_TOKEN, PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: port = "2773" } = process.env;
  const url = `http://localhost:${port}/secretsmanager/get?secretId=${encodeURIComponent(id)}`;
  const response = await fetch(url, {
    headers: { "X-Aws-Parameters-Secrets-Token": AWS_SESSION_TOKEN ?? "" },
    signal: AbortSignal.timeout(SECRET_TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`can't get the secret ${id}: status ${response.status}`);
  const { SecretString } = await response.json() as { SecretString: string };
  return SecretString;
}
