/**
 * A browser can be made to send a request to a port of its own machine, and lines of the page's choice
 * in its body. So a connection ends at what every such request has before its body, as in Redis.
 */

/** Whether the first word of a line is of HTTP: POST, or the header that no request lacks. */
export function isHttp(word: string): boolean {
  return /^(?:post|host:)$/i.test(word);
}
