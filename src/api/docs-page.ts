/** Renders the operations of the OpenAPI document as one HTML page. */
import { html } from "hono/html";
import type { Content, DocumentedOperation, Endpoint } from "./docs-document.ts";
import { fieldTable, inner, prose, resolve, type Schemas } from "./docs-fields.ts";
import { page, type Html } from "./docs-style.ts";
import { TRY_IT, tryIt, UNBUILT } from "./docs-try-it.ts";
import type { Document } from "./openapi.ts";
import { SAMPLE_ORIGIN } from "./samples.ts";

const paragraphs = (text = ""): Html[] => text.split("\n\n").map((paragraph) => html`<p>${prose(paragraph)}</p>`);

/** The parameters in the query and in headers; those in the path are seen in the path. */
const parametersSection = ({ parameters = [] }: DocumentedOperation, schemas: Schemas): Html | "" => {
  const shown = parameters.filter((parameter) => parameter.in !== "path");
  if (shown.length === 0) return "";
  const properties = Object.fromEntries(shown.map(({ name, schema = {} }) => [name, schema]));
  const places = [...new Set(shown.map((parameter) => parameter.in))].join(" and ");
  return html`<h3>Parameters <span class="type">${places}</span></h3>
    ${fieldTable({ properties, required: shown.flatMap(({ name, required }) => (required ? [name] : [])) }, schemas)}`;
};

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

/** One of the examples is open at a time. */
const samplesOf = ({ operationId, "x-codeSamples": samples }: DocumentedOperation, origin: string): Html[] =>
  samples.map(
    ({ label, source }, i) =>
      html`<details class="sample" name="${operationId}-samples" ${i === 0 ? "open" : ""}>
        <summary>${label}</summary>
        <pre tabindex="0"><code>${source.replaceAll(SAMPLE_ORIGIN, origin)}</code></pre>
      </details>`,
  );

interface Page {
  /** The service's own address, which the examples have. */
  readonly origin: string;
  /** Whether the script of the forms is served. */
  readonly hasForms: boolean;
}

const endpointSection = ({ method, path, operation }: Endpoint, schemas: Schemas, { origin, hasForms }: Page): Html =>
  html`<article id="${operation.operationId}">
    <h2>${operation.summary}</h2>
    <p><span class="method ${method}">${method.toUpperCase()}</span> <code class="path">${path}</code></p>
    ${operation.description ? paragraphs(operation.description) : ""} ${samplesOf(operation, origin)}
    ${hasForms ? tryIt({ method, path, operation }, schemas) : ""} ${parametersSection(operation, schemas)}
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

/** The whole page. */
export const operationsPage = (document: Document, shown: Page): Html => {
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
        <p>
          JavaScript is for Node 20, and for browsers without the lines that read and write files; Python takes
          <a href="https://pypi.org/project/requests/">requests</a>.
        </p>
        ${shown.hasForms ? TRY_IT : paragraphs(UNBUILT)}
        ${tags.flatMap((tag) => tag.endpoints.map((endpoint) => endpointSection(endpoint, schemas, shown)))}
      </main>
    </div>`,
  );
};
