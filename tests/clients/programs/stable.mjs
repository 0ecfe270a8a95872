/**
 * The results that differ between two servers that do the same, brought to the form that they share:
 * times that run, order that nobody promises, numbers and versions that each server has of its own.
 */

/** How much of a time to live has been used up at most when it is looked at, on a slow machine. */
const USED_UP = 0.6;

/** A time to live that was set to `whole` a moment ago, in whatever unit. */
export function left(time, whole) {
  return time <= whole && time > whole * (1 - USED_UP) ? `nearly ${whole}` : time;
}

/** Keys in no promised order. */
export function sorted(keys) {
  return [...keys].sort();
}

/** What a server numbers for itself: ids, times, sizes. */
export function kind(value) {
  return /^\d+(\.\d+)*$/.test(String(value)) ? `(a ${typeof value} of digits)` : value;
}

/** An object with some of its values replaced by their kinds. */
export function kinds(object, ...names) {
  const itsKinds = names.map((name) => [name, kind(object[name])]);
  return { ...object, ...Object.fromEntries(itsKinds) };
}

/** A message that may say where the server is. */
export function placeless(message) {
  return message.replaceAll(/127\.0\.0\.1:\d+/g, "HOST:PORT");
}

/** Some lines of INFO, which has more in every version. */
export function facts(info, ...names) {
  const lines = info.split("\r\n").filter((line) => names.includes(line.split(":", 1)[0]));
  return lines.map((line) => line.replace(/avg_ttl=\d+/, "avg_ttl=N"));
}

/** What a line of CLIENT LIST says of a client that does not depend on when and where. */
export function clientFacts(line) {
  const fields = line.trim().split(" ").filter((field) => /^(name|db|user|cmd|flags)=/.test(field));
  return sorted(fields).join(" ");
}

/** The lines of CLIENT LIST for clients with a worker's name: others may be on their way out. */
export function workers(list) {
  const named = list.trim().split("\n").filter((line) => line.includes(" name=worker"));
  return sorted(named.map(clientFacts));
}

/** What `redis-cli --bigkeys` sums up; what it says on the way is in the order of its scan. */
export function bigKeys({ status, stdout }) {
  return [status, ...stdout.split("\n").filter((line) => !line.startsWith("["))];
}

/** A line of `redis-cli --stat`, of which only the number of keys is the same for all servers. */
export function statistics(line) {
  const [keys, ...others] = line.trim().split(/\s{2,}/);
  return [keys, ...others.map((other) => other.replace(/[\d.]+[BKMG]?/g, "N"))].join(" ");
}
