/** Every RESP command, and how a request is carried out. */

import { isHttpWord } from "../foreign.ts";
import { authenticationCommands } from "./authentication.ts";
import { clientCommands } from "./client_commands.ts";
import { makeCommandCommand } from "./command_info.ts";
import { configCommands } from "./config.ts";
import type { Command, Context } from "./context.ts";
import { reasonAgainst } from "./elsewhere.ts";
import { error } from "./forms.ts";
import { getexCommands } from "./getex.ts";
import { inspectionCommands } from "./inspection.ts";
import { keyCommands } from "./key_commands.ts";
import { numberCommands } from "./numbers.ts";
import { renameCommands } from "./rename.ts";
import { scanCommands } from "./scan.ts";
import { infoCommands } from "./server_info.ts";
import { sessionCommands } from "./session.ts";
import { setCommands } from "./set.ts";
import { stringCommands } from "./strings.ts";
import { hasWords, MAX_QUOTED, quoted, refuseWords, subcommandFault } from "./subcommands.ts";
import { timeCommands } from "./times.ts";
import { Transaction } from "./transaction.ts";
import { makeTransactionCommands, queue, refuseExec } from "./transactions.ts";
import { valueCommands } from "./values.ts";

const commands: readonly Command[] = [
  ...valueCommands,
  ...setCommands,
  ...getexCommands,
  ...stringCommands,
  ...numberCommands,
  ...timeCommands,
  ...keyCommands,
  ...renameCommands,
  ...scanCommands,
  ...makeTransactionCommands(carryOut),
  ...sessionCommands,
  ...authenticationCommands,
  ...clientCommands,
  ...infoCommands,
  ...configCommands,
  ...inspectionCommands,
  makeCommandCommand({ all: () => commands, find }),
];

/** By name, in lower case and in upper case. */
const byName: ReadonlyMap<string, Command> = new Map(
  commands.flatMap((command) => [[command.name, command], [command.name.toUpperCase(), command]]),
);

function find(name: string): Command | undefined {
  return byName.get(name) ?? byName.get(name.toLowerCase());
}

/** Answers a request that has at least one word: carries it out, queues it or refuses it. */
export function perform(context: Context): void {
  const { client, request } = context;
  const name = request.latin1(0);
  const command = find(name);
  if (command !== undefined && client.isPlain && hasWords(context, command.arity)) {
    client.lastCommand = command.name;
    command.run(context);
  } else if (command === undefined && isHttpWord(name)) {
    context.isOver = true;
  } else if (command === undefined) {
    refuse(context, () => error(context.replies, unknown(context, name)));
  } else if (!hasWords(context, command.arity)) {
    if (command.name === "exec") refuseExec(context);
    else refuse(context, () => refuseWords(context, command.name));
    // What follows a MULTI that failed was not meant to be carried out by itself.
    if (command.name === "multi") client.transaction = abortedTransaction();
  } else if (!client.isTrusted && command.isOpen !== true) {
    refuse(context, () => error(context.replies, "NOAUTH Authentication required."));
  } else if (client.transaction !== null && command.isImmediate !== true) {
    const fault = faultOfSubcommand(context, command);
    if (fault === null) queue(context, client.transaction, command.weight ?? 1);
    else refuse(context, () => error(context.replies, fault));
  } else {
    client.lastCommand = command.name;
    command.run(context);
  }
}

function faultOfSubcommand(context: Context, { name, subcommands }: Command): string | null {
  if (subcommands === undefined || context.request.count < 2) return null;
  return subcommandFault(context, name, subcommands);
}

/** Carries out a request that was queued: it has been found to be right. */
function carryOut(context: Context): void {
  find(context.request.latin1(0))?.run(context);
}

/** A request that is refused while others are queued keeps all of them from being carried out. */
function refuse({ client }: Context, reply: () => void): void {
  client.transaction?.abort();
  reply();
}

function abortedTransaction(): Transaction {
  const transaction = new Transaction();
  transaction.abort();
  return transaction;
}

function unknown({ request }: Context, name: string): string {
  const reason = reasonAgainst(name.toUpperCase());
  if (reason !== undefined) return `ERR unknown command '${name}': ${reason}`;
  let words = "";
  for (let i = 1; i < request.count && words.length < MAX_QUOTED; i++) {
    words += `'${quoted(request.latin1(i), MAX_QUOTED - words.length)}' `;
  }
  return `ERR unknown command '${quoted(name, MAX_QUOTED)}', with args beginning with: ${words}`;
}
