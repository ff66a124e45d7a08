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
    const key = `${operation.id} ${described}`;
    let validate = this.validators.get(key);
    if (validate === undefined) {
      validate = this.ajv.compile({ $ref: `${ROOT_ID}#${pointerTo(operation, described)}` });
      this.validators.set(key, validate);
    }
    return validate(body) ? null : this.ajv.errorsText(validate.errors, { dataVar: 'body' });
  }
}

function pointerTo({ path, method, operation }: DescribedOperation, status: string): string {
  const response = operation.responses[status] as { $ref?: string };
  const pointer = response.$ref?.slice(1) ?? `/paths/${escaped(path)}/${method}/responses/${status}`;
  return `${pointer}/content/${escaped('application/json')}/schema`;
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
