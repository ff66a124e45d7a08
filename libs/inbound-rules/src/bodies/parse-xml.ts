import { SaxesParser } from 'saxes';
import { BodyRefusal, malformed, MAX_DEPTH, tooDeep } from './body-refusal';

interface OpenElement {
  readonly name: string;
  readonly members: Map<string, unknown[]>;
  text: string;
}

/**
 * Parses XML to the structure in which adnanh/webhook's rules refer to it: an element is a member of its parent, a list
 * when it comes several times; attributes begin with a hyphen; the text is `#text` where there is anything beside it,
 * otherwise the value itself. Names are local: namespace prefixes fall away.
 *
 * A document type declaration is refused, so that there are no entities but XML's own five: nothing to expand
 * exponentially, and nothing to fetch.
 * @throws BodyRefusal
 */
export function parseXmlBody(text: string): unknown {
  const parser = new SaxesParser({ position: false });
  const document: OpenElement = { name: '', members: new Map(), text: '' };
  const open = [document];
  parser.on('error', () => {
    throw malformed('The body is not well-formed XML');
  });
  parser.on('doctype', () => {
    throw new BodyRefusal(422, 'malformed_body', 'XML with a document type declaration is not accepted');
  });
  parser.on('opentag', (tag) => {
    if (open.length > MAX_DEPTH) throw tooDeep();
    const element: OpenElement = { name: localName(tag.name), members: new Map(), text: '' };
    for (const [name, value] of Object.entries(tag.attributes)) add(element, `-${localName(name)}`, String(value));
    open.push(element);
  });
  const addText = (piece: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += piece;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    const element = open.pop();
    const parent = open.at(-1);
    if (element !== undefined && parent !== undefined) add(parent, element.name, valueOf(element));
  });
  parser.write(text).close();
  return toObject(document);
}

function add(element: OpenElement, name: string, value: unknown): void {
  const values = element.members.get(name);
  if (values === undefined) element.members.set(name, [value]);
  else values.push(value);
}

function valueOf(element: OpenElement): unknown {
  const text = element.text.trim();
  if (element.members.size === 0) return text;
  if (text !== '') add(element, '#text', text);
  return toObject(element);
}

function toObject({ members }: OpenElement): Record<string, unknown> {
  return Object.fromEntries([...members].map(([name, values]) => [name, values.length === 1 ? values[0] : values]));
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}
