import { ChatError } from './chat-error';

/** A word of a command, without its quotes. */
export interface Word {
  text: string;
  /** Where it begins in the command, quotes included. */
  at: number;
}

/** Chat clients turn straight quotes into these while one types. */
const CLOSING_QUOTES: Record<string, string> = { '"': '"', "'": "'", '“': '””"', '‘': "’’'", '„': '“”' };

/**
 * Splits a command into words at white space, as a shell does: quotes of either kind, or the curly ones that chat
 * clients make of them, hold a word together, and within double quotes a backslash takes the next character as it is.
 * @throws ChatError when a quote is not closed.
 */
export function splitWords(command: string): Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < command.length) {
    if (/\s/.test(command.charAt(at))) {
      at += 1;
      continue;
    }
    const word = { text: '', at };
    while (at < command.length && !/\s/.test(command.charAt(at))) {
      const closing = CLOSING_QUOTES[command.charAt(at)];
      if (closing === undefined) {
        word.text += command.charAt(at);
        at += 1;
      } else {
        const quoted = readQuoted(command, at, closing);
        word.text += quoted.text;
        at = quoted.end;
      }
    }
    words.push(word);
  }
  return words;
}

function readQuoted(command: string, from: number, closing: string): { text: string; end: number } {
  const escapes = !closing.includes("'");
  let text = '';
  for (let at = from + 1; at < command.length; at += 1) {
    const character = command.charAt(at);
    if (closing.includes(character)) return { text, end: at + 1 };
    const next = command.charAt(at + 1);
    if (escapes && character === '\\' && (next === '\\' || closing.includes(next))) {
      text += next;
      at += 1;
    } else text += character;
  }
  throw new ChatError(`The quote ${command.charAt(from)} is not closed: ${command.slice(from, from + 40)}`);
}

/** Options by name, and what else there is. */
export interface Arguments {
  positional: Word[];
  options: Map<string, string>;
}

/**
 * Takes `--name value` and `--name=value` out of words.
 * @param known the names of options there are
 * @throws ChatError for an unknown option, or one without its value.
 */
export function readArguments(words: Word[], known: readonly string[]): Arguments {
  const positional: Word[] = [];
  const options = new Map<string, string>();
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index]!;
    const [, name, given] = /^(?:--|—|–)([a-z][a-z-]*)(?:=(.*))?$/su.exec(word.text) ?? [];
    if (name === undefined) {
      positional.push(word);
      continue;
    }
    if (!known.includes(name)) {
      const allowed = known.length === 0 ? 'This command has no options' : `Options: --${known.join(', --')}`;
      throw new ChatError(`There is no option --${name}. ${allowed}.`);
    }
    if (given === undefined) index += 1;
    const value = given ?? words[index]?.text;
    if (value === undefined || value === '') throw new ChatError(`--${name} wants a value.`);
    options.set(name, value);
  }
  return { positional, options };
}

/**
 * The JSON value at the end of a command: one quoted word, or everything from its first character on.
 * @throws ChatError when it is not JSON.
 */
export function readJson(command: string, word: Word): unknown {
  const quoted = Object.hasOwn(CLOSING_QUOTES, command.charAt(word.at));
  const text = quoted ? word.text : command.slice(word.at).trimEnd();
  for (const candidate of [text, straighten(text)]) {
    try {
      return JSON.parse(candidate);
    } catch {
      continue; // as typed first, then as it was before the chat client made it pretty
    }
  }
  throw new ChatError(`The payload is not valid JSON: ${text.slice(0, 80)}\nExample: '{"signal":"BUY"}'`);
}

function straighten(text: string): string {
  return text.replace(/[“”„]/gu, '"').replace(/[‘’]/gu, "'");
}
