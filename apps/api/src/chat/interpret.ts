import { AppError } from '#kernel/app-error';
import { ACTION_COMMAND, ACTION_USAGES } from './action-command';
import { ChatError } from './chat-error';
import type { ChatEndpoints } from './chat-endpoints';
import { splitWords } from './command-words';
import { ENDPOINT_COMMANDS, type ChatCommand } from './endpoint-commands';
import { nearest } from './nearest';

/** Longer than any payload one would type. */
export const MAX_COMMAND_LENGTH = 8_000;

const COMMANDS: Record<string, ChatCommand> = { ...ENDPOINT_COMMANDS, action: ACTION_COMMAND };

/**
 * Runs one `/webhook …` command and answers what to show to its author. What is wrong with the command, or refused, is
 * said in the answer.
 * @throws AppError 5xx, and what is no AppError.
 */
export async function interpret(command: string, endpoints: ChatEndpoints): Promise<string> {
  try {
    return await run(command.trim(), endpoints);
  } catch (error) {
    if (error instanceof ChatError) return error.message;
    if (error instanceof AppError && error.status < 500) return error.message;
    throw error;
  }
}

function run(text: string, endpoints: ChatEndpoints): Promise<string> | string {
  if (text.length > MAX_COMMAND_LENGTH)
    throw new ChatError(`A command has at most ${MAX_COMMAND_LENGTH} characters; post larger payloads to the URL.`);
  const words = splitWords(text);
  if (words[0]?.text === '/webhook') words.shift();
  const [verb, ...rest] = words;
  if (verb === undefined || verb.text === 'help') return help();
  const command = Object.hasOwn(COMMANDS, verb.text) ? COMMANDS[verb.text] : undefined;
  if (command === undefined) {
    const meant = nearest(verb.text, [...Object.keys(COMMANDS), 'help']);
    throw new ChatError(
      `There is no command ${verb.text}.${meant === null ? '' : ` Did you mean ${meant}?`} All of them: /webhook help`,
    );
  }
  endpoints.require(command.scope);
  return command.run(endpoints, rest, text);
}

function help(): string {
  const commands = Object.values(ENDPOINT_COMMANDS).map(({ usage, about }) => `/webhook ${usage}\n    ${about}`);
  const actions = ['action <name> list', ...ACTION_USAGES, 'action <name> remove <id>'];
  return [...commands, ...actions.map((usage) => `/webhook ${usage}`), `    ${ACTION_COMMAND.about}`].join('\n');
}
