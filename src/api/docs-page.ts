/** Renders the operations of the OpenAPI document as one HTML page. */
import { html } from "hono/html";
import { page, type Html } from "./docs-style.ts";
import type { Document } from "./openapi.ts";

/** The keywords of a JSON schema that the page shows. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
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

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

interface DocumentedOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
  readonly "x-codeSamples": readonly { readonly source: string }[];
}

interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly operation: DocumentedOperation;
}

type Schemas = Readonly<Record<string, Schema>>;

const code = (text: string): Html => html`<code>${text}</code>`;

/** Text with `code` in backticks. */
const prose = (text = "", mark = code): (Html | string)[] =>
  text.split("`").map((piece, i) => (i % 2 === 1 ? mark(piece) : piece));

const paragraphs = (text = ""): Html[] => text.split("\n\n").map((paragraph) => html`<p>${prose(paragraph)}</p>`);

/** Resolves a `$ref`, also in `allOf`; keywords next to it take precedence. */
const resolve = (schema: Schema, schemas: Schemas): Schema => {
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
const inner = (given: Schema, schemas: Schemas): Schema[] => {
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

const fieldTable = (schema: Schema, schemas: Schemas): Html =>
  html`<table>
    ${Object.entries(schema.properties ?? {}).map(([name, field]) =>
      fieldRow(name, field, schema.required?.includes(name) ?? false, schemas),
    )}
  </table>`;

const requestSection = (content: Content, schemas: Schemas): Html => {
  const schema = resolve(content["multipart/form-data"]?.schema ?? {}, schemas);
  const types = Object.keys(content).join(" or ");
  const base64 = "application/json" in content ? " (files as base64)" : "";
  return html`<h3>Request <span class="type">${types}${base64}</span></h3>
    ${fieldTable(schema, schemas)}`;
};

const responseRow = (status: string, description: string, content: Content, schemas: Schemas): Html => {
  const json = content["application/json"]?.schema;
  const types = Object.keys(content).filter((type) => type !== "application/problem+json");
  const fields = json && inner(json, schemas).map((each) => fieldTable(each, schemas));
  const others = types
    .filter((type) => type !== "application/json")
    .map((type) => html`<p><code>${type}</code> ${prose(content[type]?.schema?.description)}</p>`);
  return html`<tr>
    <td><span class="status s${status[0]}">${status}</span></td>
    <td>
      <p>${prose(description)}</p>
      ${
        fields
          ? html`<details>
              <summary>application/json</summary>
              ${fields}
            </details>`
          : ""
      }
      ${others}
    </td>
  </tr>`;
};

/** The responses; problems are collapsed, and each kind is linked to its page. */
const responsesSection = (responses: DocumentedOperation["responses"], schemas: Schemas): Html => {
  const all = Object.entries(responses);
  const good = all.filter(([status]) => Number(status) < 400);
  const rows = good.map(([status, { description, content }]) =>
    responseRow(status, description, content ?? {}, schemas),
  );
  const problems = all
    .filter(([status]) => Number(status) >= 400)
    .map(
      ([status, { description }]) =>
        html`<tr>
          <td><span class="status s${status[0]}">${status}</span></td>
          <td><p>${prose(description, (kind) => html`<a href="/problems/${kind}"><code>${kind}</code></a>`)}</p></td>
        </tr>`,
    );
  return html`<table>
      ${rows}
    </table>
    <details>
      <summary>problems</summary>
      <table>
        ${problems}
      </table>
    </details>`;
};

const endpointSection = ({ method, path, operation }: Endpoint, schemas: Schemas, origin: string): Html =>
  html`<article id="${operation.operationId}">
    <h2>${operation.summary}</h2>
    <p><span class="method ${method}">${method.toUpperCase()}</span> <code class="path">${path}</code></p>
    ${operation.description ? paragraphs(operation.description) : ""}
    ${operation["x-codeSamples"].map(({ source }) => html`<pre><code>${source.replaceAll("http://localhost:8787", origin)}</code></pre>`)}
    ${operation.requestBody ? requestSection(operation.requestBody.content, schemas) : ""}
    <h3>Responses</h3>
    ${responsesSection(operation.responses, schemas)}
  </article>`;

const endpointsOf = (document: Document): Endpoint[] =>
  Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Readonly<Record<string, DocumentedOperation>>).map(([method, operation]) => ({
      method,
      path,
      operation,
    })),
  );

/** The whole page, with examples for `origin`. */
export const operationsPage = (document: Document, origin: string): Html => {
  const schemas = (document.components?.schemas ?? {}) as Schemas;
  const endpoints = endpointsOf(document);
  const tags = (document.tags ?? []).map(({ name }) => ({
    name,
    endpoints: endpoints.filter(({ operation }) => operation.tags.includes(name)),
  }));
  const links = tags.map(
    ({ name, endpoints }) =>
      html`<h3>${name}</h3>
        ${endpoints.map(
          ({ method, path, operation }) =>
            html`<a href="#${operation.operationId}" title="${operation.summary}">
              <span class="soft">${method.toUpperCase()}</span> ${path}
            </a>`,
        )}`,
  );
  return page(
    "API",
    html`<div class="columns">
      <nav>
        <a class="title" href="/">Faultline</a>
        ${links}
        <h3>More</h3>
        <a href="/lab">The lab</a><a href="/problems">Problems</a><a href="/openapi.json">openapi.json</a>
      </nav>
      <main>
        <h1>Faultline <span class="soft">${document.info.version}</span></h1>
        ${paragraphs(document.info.description)}
        ${tags.flatMap((tag) => tag.endpoints.map((endpoint) => endpointSection(endpoint, schemas, origin)))}
      </main>
    </div>`,
  );
};
