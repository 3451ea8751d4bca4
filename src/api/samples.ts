/** Examples of a request in curl, Python and JavaScript, from one description of it. */

/** A request as an example. Files are named as they lie beside the script. */
export interface Sample {
  /** The path with its parameters filled in, where it has any. */
  readonly path?: string;
  /** The media type that is asked for, where it is not JSON. */
  readonly accept?: string;
  /** Files of a form, by their fields. */
  readonly files?: Readonly<Record<string, string>>;
  /** The field `spec` of a form. */
  readonly spec?: object;
  /** A body of JSON. */
  readonly json?: object;
  /** A body that is a file. */
  readonly body?: { readonly file: string; readonly type: string };
  /** Where the answer is saved; without it, it is printed. */
  readonly save?: string;
  /** Whether the answer comes line by line. */
  readonly streams?: boolean;
}

interface Request extends Sample {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
}

export interface CodeSample {
  readonly lang: string;
  readonly label: string;
  readonly source: string;
}

const isJsonFile = (file: string): boolean => file.endsWith(".json");

const curlOf = ({ method, url, headers, files = {}, spec, json, body, save, streams }: Request): string => {
  const hasBody = spec !== undefined || json !== undefined || body !== undefined || Object.keys(files).length > 0;
  const verb = method === "GET" || (method === "POST" && hasBody) ? "" : `-X ${method} `;
  const parts = [
    ...headers.map(([name, value]) => `-H '${name}: ${value}'`),
    ...(json ? ["-H 'Content-Type: application/json'", `-d '${JSON.stringify(json)}'`] : []),
    ...(body ? [`--data-binary @${body.file}`] : []),
    ...Object.entries(files).map(([field, file]) =>
      isJsonFile(file) ? `-F '${field}=@${file};type=application/json'` : `-F ${field}=@${file}`,
    ),
    ...(spec ? [`-F 'spec=${JSON.stringify(spec)};type=application/json'`] : []),
    ...(save ? [`-o ${save}`] : []),
  ];
  // Without --fail, the problem of an answer is written over a file that is there.
  const begin = `curl ${save ? "--fail " : ""}${streams ? "-N " : ""}${verb}${url}`;
  const line = [begin, ...parts].join(" ");
  return line.length <= 90 ? line : [begin, ...parts].join(" \\\n  ");
};

/** A value of JSON as Python has it. */
const pythonOf = (value: unknown): string => {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(pythonOf).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${pythonOf(item)}`).join(", ")}}`; // prettier-ignore
};

const pythonParts = ({ files = {}, spec }: Request): string[] => [
  ...Object.entries(files).map(([field, file]) =>
    isJsonFile(file)
      ? `"${field}": ("${file}", open("${file}", "rb"), "application/json"),`
      : `"${field}": open("${file}", "rb"),`,
  ),
  ...(spec ? [`"spec": (None, json.dumps(${pythonOf(spec)}), "application/json"),`] : []),
];

const pythonOfRequest = (request: Request): string => {
  const { method, url, headers, spec, json, body, save, streams } = request;
  const parts = pythonParts(request);
  const given = [
    `"${url}",`,
    ...(headers.length > 0 ? [`headers=${pythonOf(Object.fromEntries(headers))},`] : []),
    ...(json ? [`json=${pythonOf(json)},`] : []),
    ...(body ? [`data=open("${body.file}", "rb"),`] : []),
    ...(parts.length > 0 ? ["files={", ...parts.map((part) => `    ${part}`), "},"] : []),
    ...(streams ? ["stream=True,"] : []),
  ];
  const call =
    given.length === 1 ? `(${JSON.stringify(url)})` : `(\n${given.map((line) => `    ${line}`).join("\n")}\n)`;
  const result = streams
    ? "for line in answer.iter_lines():\n    print(line.decode())"
    : save
      ? `open("${save}", "wb").write(answer.content)`
      : method === "DELETE"
        ? "print(answer.status_code)"
        : "print(answer.json())";
  return [
    ...(spec ? ["import json"] : []),
    "import requests",
    "",
    `answer = requests.${method.toLowerCase()}${call}`,
    "answer.raise_for_status()",
    result,
  ].join("\n");
};

const javascriptForm = ({ files = {}, spec }: Request): string[] => [
  "const form = new FormData();",
  ...Object.entries(files).map(([field, file]) => {
    const type = isJsonFile(file) ? ', { type: "application/json" }' : "";
    return `form.set("${field}", await openAsBlob("${file}"${type}), "${file}");`;
  }),
  ...(spec
    ? [`form.set("spec", new Blob([JSON.stringify(${JSON.stringify(spec)})], { type: "application/json" }));`]
    : []),
];

const javascriptOf = (request: Request): string => {
  const { method, url, headers, files, spec, json, body, save, streams } = request;
  const isForm = files !== undefined || spec !== undefined;
  const sent = [...headers, ...(json ? [["Content-Type", "application/json"] as const] : [])];
  const options = [
    ...(method === "GET" ? [] : [`method: "${method}"`]),
    ...(sent.length > 0 ? [`headers: ${JSON.stringify(Object.fromEntries(sent))}`] : []),
    ...(isForm ? ["body: form"] : []),
    ...(json ? [`body: JSON.stringify(${JSON.stringify(json)})`] : []),
    ...(body ? [`body: await openAsBlob("${body.file}")`] : []),
  ];
  const result = streams
    ? "for await (const part of answer.body.pipeThrough(new TextDecoderStream())) console.log(part);"
    : save
      ? `await writeFile("${save}", answer.body);`
      : method === "DELETE"
        ? "console.log(answer.status);"
        : "console.log(await answer.json());";
  const imports = [
    ...(files || body ? ['import { openAsBlob } from "node:fs";'] : []),
    ...(save ? ['import { writeFile } from "node:fs/promises";'] : []),
  ];
  return [
    ...imports,
    ...(imports.length > 0 ? [""] : []),
    ...(isForm ? javascriptForm(request) : []),
    `const answer = await fetch("${url}"${options.length === 0 ? "" : `, { ${options.join(", ")} }`});`,
    "if (!answer.ok) throw new Error(await answer.text());",
    result,
  ].join("\n");
};

/** Where examples send their requests; the pages and /openapi.json put the address that was asked in its place. */
export const SAMPLE_ORIGIN = "http://localhost:8787";

/** @param path of the operation; used where the sample fills in no parameters. */
export const samplesOf = (method: string, path: string, sample: Sample): readonly CodeSample[] => {
  const headers = [
    ...(sample.body ? [["Content-Type", sample.body.type] as const] : []),
    ...(sample.accept ? [["Accept", sample.accept] as const] : []),
  ];
  const request = { ...sample, method: method.toUpperCase(), url: SAMPLE_ORIGIN + (sample.path ?? path), headers };
  return [
    { lang: "Shell", label: "curl", source: curlOf(request) },
    { lang: "Python", label: "Python", source: pythonOfRequest(request) },
    { lang: "JavaScript", label: "JavaScript", source: javascriptOf(request) },
  ];
};
