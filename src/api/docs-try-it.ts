/** A form for each operation, which sends the request; the script of the pages in the browser brings it to life. */
import { html } from "hono/html";
import { resolve, type Schema, type Schemas } from "./docs-fields.ts";
import type { Content, Endpoint } from "./docs-document.ts";
import type { Html } from "./docs-style.ts";

/** Where the script is, beside that of the lab: a service without its browser's files has no forms. */
const SCRIPT = "/lab/try-it.js";

/** What such a service says when it starts, on /docs, and at /lab. */
export const UNBUILT =
  "The lab and the forms of /docs are not built; in a checkout, `npm run build:browser` builds them for the next start.";

/** What all forms share: the token, and the script. */
export const TRY_IT = html`<form class="try token" hidden>
    <label>Token of the service, if it has one <input type="password" id="token" autocomplete="off" /></label>
  </form>
  <script type="module" src="${SCRIPT}"></script>`;

/** How a control's value is sent: `data-in` of the form's script. */
type Place = "path" | "query" | "header" | "file" | "json" | "body" | "json-body";

/** How many files a field takes: the part of a form that is a list of files, or that may be one, is repeated. Null for what is no file. */
const filesIn = (given: Schema, schemas: Schemas): "one" | "several" | null => {
  const schema = resolve(given, schemas);
  if (schema.contentMediaType !== undefined) return "one";
  const within = [...(schema.items ? [schema.items] : []), ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])];
  return within.length > 0 && within.every((each) => filesIn(each, schemas) !== null) ? "several" : null;
};

const labelled = (name: string, required: boolean, control: Html): Html =>
  html`<label
    ><span><code>${name}</code>${required ? " *" : ""}</span> ${control}</label
  >`;

const textInput = (name: string, place: Place, schema: Schema, required: boolean): Html => {
  const value = place === "path" && typeof schema.example === "string" ? schema.example : "";
  const control = schema.enum
    ? html`<select name="${name}" data-in="${place}">
        <option value="">not sent</option>
        ${schema.enum.map((each) => html`<option>${each}</option>`)}
      </select>`
    : html`<input name="${name}" data-in="${place}" value="${value}" ${required ? "required" : ""} />`;
  return labelled(name, required, control);
};

const fileInput = (name: string, place: Place, files: "one" | "several", required: boolean): Html => {
  const several = files === "several" ? "multiple" : "";
  const control = html`<input
    type="file"
    name="${name}"
    data-in="${place}"
    ${several}
    ${required ? "required" : ""}
  />`;
  return labelled(name, required, control);
};

const jsonInput = (name: string, place: Place, value: unknown, required: boolean): Html => {
  const text = value === undefined ? "" : JSON.stringify(value, null, 2);
  const rows = Math.min(12, text.split("\n").length + 1);
  const area = html`<textarea name="${name}" data-in="${place}" rows="${rows}" spellcheck="false">${text}</textarea>`;
  return labelled(`${name}, JSON`, required, area);
};

const formFields = (form: Schema, example: Readonly<Record<string, unknown>>, schemas: Schemas): Html[] =>
  Object.entries(form.properties ?? {}).map(([name, given]) => {
    const required = form.required?.includes(name) ?? false;
    const files = filesIn(given, schemas);
    return files ? fileInput(name, "file", files, required) : jsonInput(name, "json", example[name], required);
  });

const bodyFields = (content: Content, schemas: Schemas): Html[] => {
  const { "multipart/form-data": form, "application/json": json } = content;
  if (form)
    return formFields(resolve(form.schema ?? {}, schemas), (json?.example ?? {}) as Record<string, unknown>, schemas);
  if (json) return [jsonInput("body", "json-body", json.example, true)];
  return [fileInput("body", "body", "one", true)];
};

/** The media types of the good answers, JSON first. */
const answersOf = ({ responses }: Endpoint["operation"]): readonly string[] => {
  const good = Object.entries(responses).filter(([status]) => Number(status) < 400);
  return [...new Set(good.flatMap(([, { content }]) => Object.keys(content ?? {})))];
};

/** The form, hidden until the script shows it. */
export const tryIt = ({ method, path, operation }: Endpoint, schemas: Schemas): Html => {
  const { parameters = [], requestBody } = operation;
  const [sent] = Object.keys(requestBody?.content ?? {});
  const answers = answersOf(operation);
  const asked = html`<label
    ><span>answer as</span>
    <select data-in="accept">
      ${answers.map((type) => html`<option>${type}</option>`)}
    </select></label
  >`;
  return html`<details class="try" hidden>
    <summary>Try it</summary>
    <form data-method="${method.toUpperCase()}" data-path="${path}" data-sent="${sent ?? ""}">
      ${parameters.map(({ name, in: place, required = false, schema = {} }) =>
        textInput(name, place, schema, required),
      )}
      ${requestBody ? bodyFields(requestBody.content, schemas) : ""} ${answers.length > 1 ? asked : ""}
      <button type="submit">Send</button>
      <div class="answer" role="status"></div>
    </form>
  </details>`;
};
