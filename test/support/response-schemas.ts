import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import { DESCRIPTION, type DescribedOperation } from './api-description';

const ROOT_ID = 'openapi';
type Node = Record<string, unknown>;

/** Holds answers to what openapi.yaml says of their operation and status. */
export class ResponseSchemas {
  private readonly ajv = new Ajv2020({ strict: false, allErrors: false });
  private readonly validators = new Map<string, ValidateFunction>();

  constructor() {
    this.ajv.addSchema(closed(DESCRIPTION) as object, ROOT_ID);
  }

  /** What an answer has that it may not have, or lacks; null when nothing is wrong with it. */
  problemOf(operation: DescribedOperation, status: number, body: unknown): string | null {
    const described = operation.operation.responses[status] === undefined ? 'default' : String(status);
    if (described === 'default' && status < 400) return `${status} is not described`;
    const response = operation.operation.responses[described] as { $ref?: string };
    return this.problemAt(response.$ref?.slice(1) ?? `${pathTo(operation)}/responses/${described}`, body);
  }

  /** What is wrong with the example of an operation's body. */
  problemOfBody(operation: DescribedOperation): string | null {
    return this.problemAt(`${pathTo(operation)}/requestBody`, operation.body);
  }

  private problemAt(pointer: string, body: unknown): string | null {
    let validate = this.validators.get(pointer);
    if (validate === undefined) {
      validate = this.ajv.compile({ $ref: `${ROOT_ID}#${pointer}/content/${escaped('application/json')}/schema` });
      this.validators.set(pointer, validate);
    }
    return validate(body) ? null : this.ajv.errorsText(validate.errors, { dataVar: 'body' });
  }
}

function pathTo({ path, method }: DescribedOperation): string {
  return `/paths/${escaped(path)}/${method}`;
}

function escaped(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** The description with every object closed: what is not described may not be answered. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed);
  if (typeof node !== 'object' || node === null) return node;
  const copy: Node = {};
  for (const [key, value] of Object.entries(node)) copy[key] = key.startsWith('example') ? value : closed(value);
  const isObject = copy['type'] === 'object' && copy['properties'] !== undefined;
  return isObject && copy['additionalProperties'] === undefined ? { ...copy, additionalProperties: false } : copy;
}
