/**
 * Proves that a refactoring changes no answer: asks the service, in this process and on WASM, for attacks, robustness, labels and
 * scores with several networks, and writes the answers, without timings and with digests of their images, or compares them.
 *
 *     npx tsx scripts/answers.ts --out FILE          before the change
 *     npx tsx scripts/answers.ts --compare FILE      after it: prints what differs, and then exits with 1
 *         [--models enet-street,crf-rnn]             these networks alone
 */

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createApp } from "../src/api/app.ts";
import { useNodeCodecs } from "../src/image/node.ts";
import { folderModels } from "../src/node/folder-models.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { createService } from "../src/service/service.ts";
import { differences, digestOf, type Json } from "./answers/digest.ts";
import { picturesOf, requestsFor, type ApiRequest } from "./answers/requests.ts";

type App = ReturnType<typeof createApp>;
type Answers = Record<string, Json>;

const formOf = ({ files, spec }: ApiRequest): FormData => {
  const form = new FormData();
  for (const [name, bytes] of Object.entries(files)) {
    form.set(name, new Blob([new Uint8Array(bytes!)], { type: "image/png" }), `${name}.png`);
  }
  form.set("spec", JSON.stringify(spec));
  return form;
};

const ask = async (app: App, request: ApiRequest): Promise<Json> =>
  digestOf(
    await app.request(request.path, {
      method: "POST",
      body: formOf(request),
      headers: { "x-request-id": "answers", ...(request.accept !== undefined && { accept: request.accept }) },
    }),
  );

const answersOf = async (models: readonly string[]): Promise<Answers> => {
  useNodeCodecs();
  const store = await folderModels("models");
  const service = createService({ store, runtime: startWasm(), version: "answers", defaultModel: models[0]! });
  const app = createApp(service, { log: (error) => console.error(error) });
  const pictures = await picturesOf(readFileSync("examples/street.png"), readFileSync("examples/street-labels.png"));
  const answers: Answers = {};
  for (const model of models) {
    answers[`/v1/models/${model}`] = await digestOf(await app.request(`/v1/models/${model}`));
    for (const request of requestsFor(model, pictures)) {
      answers[`${request.path} ${request.name}`] = await ask(app, request);
    }
    console.error(`${model}: done`);
  }
  return answers;
};

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    compare: { type: "string" },
    models: { type: "string", default: "enet-street,fcn8s-vgg,pspnet-resnet,crf-rnn" },
  },
});
if (values.out === undefined && values.compare === undefined) throw new Error("--out FILE or --compare FILE is needed");
const models = values.models.split(",");
const earlier =
  values.compare === undefined ? undefined : (JSON.parse(readFileSync(values.compare, "utf8")) as Answers);
const answers = await answersOf(models);
const refused = Object.values(answers).filter((answer) => (answer as { readonly status: number }).status !== 200);
console.log(`${Object.keys(answers).length} answers, ${refused.length} of them refusals`);
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(answers, null, 1)}\n`);
if (earlier) {
  const asked = Object.entries(earlier).filter(([name]) => models.some((m) => name.split(/[ /:]/).includes(m)));
  const lines = differences(Object.fromEntries(asked), answers);
  for (const line of lines) console.log(line);
  console.log(lines.length === 0 ? "no answer differs" : `${lines.length} values differ`);
  process.exitCode = lines.length === 0 ? 0 : 1;
}
