/** Renders the schemas of the OpenAPI document: types in short, and tables of fields. */
import { html } from "hono/html";
import type { Html } from "./docs-style.ts";

/** The keywords of a JSON schema that the page shows. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly example?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly contentEncoding?: string;
  readonly contentMediaType?: string;
}

export type Schemas = Readonly<Record<string, Schema>>;

const code = (text: string): Html => html`<code>${text}</code>`;

/** Text with `code` in backticks. */
export const prose = (text = "", mark = code): (Html | string)[] =>
  text.split("`").map((piece, i) => (i % 2 === 1 ? mark(piece) : piece));

/** Resolves a `$ref`, also in `allOf`; keywords next to it take precedence. */
export const resolve = (schema: Schema, schemas: Schemas): Schema => {
  const { $ref, allOf = [], ...own } = schema;
  const base = $ref === undefined ? {} : resolve(schemas[$ref.split("/").at(-1)!] ?? {}, schemas);
  return Object.assign({}, base, ...allOf.map((each) => resolve(each, schemas)), own) as Schema;
};

const rangeOf = (schema: Schema): string =>
  [
    schema.exclusiveMinimum !== undefined && `> ${schema.exclusiveMinimum}`,
    schema.minimum !== undefined && schema.minimum > Number.MIN_SAFE_INTEGER && `≥ ${schema.minimum}`,
    schema.exclusiveMaximum !== undefined && `< ${schema.exclusiveMaximum}`,
    schema.maximum !== undefined && schema.maximum < Number.MAX_SAFE_INTEGER && `≤ ${schema.maximum}`,
  ]
    .filter(Boolean)
    .join(", ");

/** A short form of a schema; an object is shown with its fields, to distinguish alternatives. */
const briefly = (given: Schema, schemas: Schemas): string => {
  const { properties } = resolve(given, schemas);
  if (!properties) return typeOf(given, schemas);
  const fields = Object.entries(properties).map(([name, field]) => `${name}: ${typeOf(field, schemas)}`);
  return `{ ${fields.join(", ")} }`;
};

const typeOf = (given: Schema, schemas: Schemas): string => {
  const schema = resolve(given, schemas);
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives) return alternatives.map((each) => briefly(each, schemas)).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.contentEncoding) return schema.contentEncoding;
  if (schema.contentMediaType) return "file";
  if (schema.prefixItems) return `[${schema.prefixItems.map((each) => typeOf(each, schemas)).join(", ")}]`;
  if (schema.items) return `list of ${typeOf(schema.items, schemas)}`;
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? ["any"]);
  return [types.join(" or "), rangeOf(schema)].filter(Boolean).join(" ");
};

/** The object schemas that are shown below a field: the field itself, its items and its alternatives. */
export const inner = (given: Schema, schemas: Schemas): Schema[] => {
  const schema = resolve(given, schemas);
  if (schema.properties) return [schema];
  if (schema.items) return inner(schema.items, schemas);
  return [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])].flatMap((each) => inner(each, schemas));
};

const fieldRow = (name: string, given: Schema, required: boolean, schemas: Schemas): Html => {
  const schema = resolve(given, schemas);
  const fallback =
    schema.default === undefined
      ? ""
      : html` <span class="soft">default <code>${JSON.stringify(schema.default)}</code></span>`;
  const nested = inner(schema, schemas).map((each) => fieldTable(each, schemas));
  return html`<tr>
    <td><code>${name}</code> ${required ? html`<span class="required">required</span>` : ""}</td>
    <td>
      <p class="type">${typeOf(schema, schemas)}${fallback}</p>
      <p>${prose(schema.description)}</p>
      ${
        nested.length > 0
          ? html`<details ${name === "spec" ? "open" : ""}>
              <summary>fields</summary>
              ${nested}
            </details>`
          : ""
      }
    </td>
  </tr>`;
};

export const fieldTable = (schema: Schema, schemas: Schemas): Html =>
  html`<table>
    ${Object.entries(schema.properties ?? {}).map(([name, field]) =>
      fieldRow(name, field, schema.required?.includes(name) ?? false, schemas),
    )}
  </table>`;
