/** The forms of the page /docs: each sends the request of its operation, and shows the answer. */

import { make } from "./elements.ts";
import { reasonOf } from "../reason.ts";

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** Controls by how their values are sent, as the page's markup has it. */
const controlsIn = (form: HTMLFormElement, place: string): readonly Control[] =>
  [...form.querySelectorAll<Control>(`[data-in="${place}"]`)].filter((control) => control.value !== "");

const addressOf = (form: HTMLFormElement): URL => {
  let path = form.dataset["path"]!;
  for (const { name, value } of controlsIn(form, "path")) path = path.replace(`{${name}}`, encodeURIComponent(value));
  const url = new URL(path, location.href);
  for (const { name, value } of controlsIn(form, "query")) url.searchParams.set(name, value);
  return url;
};

/** @throws Error where a field is no JSON. */
const jsonOf = ({ name, value }: Control): string => {
  try {
    return JSON.stringify(JSON.parse(value));
  } catch (cause) {
    throw new Error(`${name} is no JSON: ${reasonOf(cause)}`, { cause });
  }
};

const filesOf = (control: Control): readonly File[] => [...(control as HTMLInputElement).files!];

const bodyOf = (form: HTMLFormElement): BodyInit | null => {
  const [json] = controlsIn(form, "json-body");
  if (json) return jsonOf(json);
  const [file] = controlsIn(form, "body");
  if (file) return filesOf(file)[0]!;
  if (form.dataset["sent"] !== "multipart/form-data") return null;
  const body = new FormData();
  for (const control of controlsIn(form, "file")) for (const each of filesOf(control)) body.append(control.name, each);
  for (const control of controlsIn(form, "json"))
    body.set(control.name, new Blob([jsonOf(control)], { type: "application/json" }));
  return body;
};

const headersOf = (form: HTMLFormElement): Headers => {
  const headers = new Headers();
  const { sent = "" } = form.dataset;
  // A form's own type has a boundary, which the browser makes.
  if (sent !== "" && sent !== "multipart/form-data") headers.set("Content-Type", sent);
  for (const { name, value } of controlsIn(form, "header")) headers.set(name, value);
  const [accept] = controlsIn(form, "accept");
  if (accept) headers.set("Accept", accept.value);
  const { value: token } = document.getElementById("token") as HTMLInputElement;
  if (token !== "") headers.set("Authorization", `Bearer ${token}`);
  return headers;
};

/** Longest text of an answer that is shown whole. */
const LONG = 160;
const shortened = (value: unknown): unknown =>
  typeof value === "string" && value.length > LONG ? `${value.slice(0, 40)}… (${value.length} characters)` : value;

/** Pictures within an answer: objects with base64 data and their media type. */
const picturesIn = (value: unknown, name = ""): readonly (readonly [string, string])[] => {
  if (typeof value !== "object" || value === null) return [];
  const { mediaType, data } = value as { readonly mediaType?: unknown; readonly data?: unknown };
  if (mediaType === "image/png" && typeof data === "string") return [[name, `data:image/png;base64,${data}`]];
  return Object.entries(value).flatMap(([key, inner]) => picturesIn(inner, name === "" ? key : `${name}.${key}`));
};

const pictured = (name: string, src: string): HTMLElement =>
  make("figure", {}, make("img", { src, alt: name }), make("figcaption", {}, name));

const shown = async (answer: Response): Promise<readonly HTMLElement[]> => {
  const type = answer.headers.get("Content-Type") ?? "";
  if (type.startsWith("image/png")) return [pictured("The answer", URL.createObjectURL(await answer.blob()))];
  if (/\bjson\b/.test(type) && !/jsonl|ndjson/.test(type)) {
    const value: unknown = await answer.json();
    const text = JSON.stringify(value, (_, inner: unknown) => shortened(inner), 2);
    return [make("pre", { tabIndex: 0 }, text), ...picturesIn(value).map(([name, src]) => pictured(name, src))];
  }
  if (/^text\/|jsonl|ndjson/.test(type)) return [make("pre", { tabIndex: 0 }, await answer.text())];
  const blob = await answer.blob();
  return blob.size === 0
    ? []
    : [make("a", { href: URL.createObjectURL(blob), download: "answer" }, `Save ${blob.size} bytes`)];
};

const send = async (form: HTMLFormElement): Promise<void> => {
  const into = form.querySelector<HTMLElement>(".answer")!;
  into.replaceChildren("Waiting …");
  try {
    const begin = performance.now();
    const answer = await fetch(addressOf(form), {
      method: form.dataset["method"]!,
      headers: headersOf(form),
      body: bodyOf(form),
    });
    const parts = await shown(answer);
    const took = Math.round(performance.now() - begin);
    into.replaceChildren(make("p", {}, `${answer.status} ${answer.statusText}, ${took} ms`), ...parts);
  } catch (cause) {
    into.replaceChildren(make("p", {}, `Nothing was answered: ${reasonOf(cause)}.`));
  }
};

for (const hidden of document.querySelectorAll<HTMLElement>(".try[hidden]")) hidden.hidden = false;
for (const form of document.querySelectorAll<HTMLFormElement>(".try form"))
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void send(form);
  });
document.querySelector("form.token")?.addEventListener("submit", (event) => event.preventDefault());
