/** What Deno has been allowed. */

interface Permissions {
  querySync(descriptor: object): { readonly state: string };
}

/**
 * Whether something has been allowed already: on a terminal, Deno would stop and ask. Always true on other
 * runtimes.
 */
export function isAllowed(
  descriptor:
    | { readonly name: "sys"; readonly kind: string }
    | { readonly name: "env"; readonly variable: string },
): boolean {
  const { Deno } = globalThis as { Deno?: { readonly permissions: Permissions } };
  return Deno === undefined || Deno.permissions.querySync(descriptor).state === "granted";
}
