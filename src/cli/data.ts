/** `faultline data push`: a folder of pictures and label maps to a service, file by file, by their digests. */

import { basename, join, resolve } from "node:path";
import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import type { DataFile, DataSetInfo } from "../contract/data.ts";
import { sha256Of } from "../digest.ts";
import { at, Refusal, UsageError } from "../node/failure.ts";
import { statOf } from "../node/files.ts";
import { folderFiles } from "../node/folder-files.ts";
import { wholeNumber, type Options } from "../node/options.ts";
import { command, needed, type Io } from "./command.ts";
import { remoteService, type RemoteService } from "./remote-service.ts";
import { bytesText, grouped } from "./text.ts";
import { counted } from "../counted.ts";
import { each } from "../turns.ts";

const options = {
  on: { type: "string", value: "URL", help: "the service: https://HOST" },
  name: { type: "string", value: "NAME", help: "under which evaluations name it; that of the folder if absent" },
  parallel: { type: "string", value: "N", default: "4", help: "files that are sent at a time" },
} as const satisfies Options;

const about = `
Sends the files of a folder to a service, which keeps them by their digests: what is there already is
not sent again, and the same command goes on where it was stopped. Evaluations of that service then
name the data set: faultline evaluate … --on URL --data NAME. Hidden files are left out.
FAULTLINE_TOKEN is sent as the token that the service may require.`;

/** Milliseconds before a file is sent again. */
const PAUSES = [500, 2000, 8000] as const;

/** Tells how far it has come, on a terminal. */
const createTally = (io: Io, what: string, total: number) => {
  let done = 0;
  return {
    add: (): void => {
      done += 1;
      if (io.isTerminal === true)
        io.stderr(`\r\u001B[K${what}: ${grouped(done)} of ${counted(total, "file", grouped(total))}`);
    },
    end: (): void => {
      if (io.isTerminal === true) io.stderr("\r\u001B[K");
    },
  };
};

const listed = async (folder: string, parallel: number, io: Io): Promise<readonly DataFile[]> => {
  if (!(await statOf(folder))?.isDirectory()) throw new Refusal(`${folder}: no such folder`);
  const paths = await folderFiles(folder).list();
  if (paths.length === 0) throw new Refusal(`${folder}: has no files`);
  const files = new Map<string, DataFile>();
  const tally = createTally(io, "reading", paths.length);
  await each(paths, parallel, async (path) => {
    const content = await readFile(join(folder, path));
    files.set(path, { path, sha256: await sha256Of(content), bytes: content.length });
    tally.add();
  });
  tally.end();
  return paths.map((path) => files.get(path)!);
};

/** Sends a file; a service that is away is asked again. */
const sendFile = async (service: RemoteService, folder: string, { path, sha256 }: DataFile): Promise<void> => {
  const body = await readFile(join(folder, path));
  const headers = { "Content-Type": "application/octet-stream" };
  const request = [`/v1/data/files/${sha256}`, { method: "PUT", headers, body }] as const;
  await at(path, async () => {
    for (const pause of PAUSES) {
      const response = await service.ask(...request);
      if (response) return service.accepted(response);
      await setTimeout(pause);
    }
    return service.accepted(await service.send(...request));
  });
};

export interface Pushed extends DataSetInfo {
  /** Files that were not there before. */
  readonly sent: number;
}

const push = async (
  service: RemoteService,
  folder: string,
  { name, parallel, io }: { readonly name: string; readonly parallel: number; readonly io: Io },
): Promise<Pushed> => {
  const files = await listed(folder, parallel, io);
  const body = JSON.stringify({ files });
  const put = () =>
    service.send(`/v1/data/${encodeURIComponent(name)}`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body,
    });
  const first = await put();
  const problem =
    first.status === 409 ? ((await first.clone().json()) as { readonly missing?: readonly string[] }) : {};
  const missing = new Set(problem.missing);
  if (missing.size === 0) return { ...((await (await service.accepted(first)).json()) as DataSetInfo), sent: 0 };
  const wanted = [...new Map(files.map((file) => [file.sha256, file])).values()].filter(({ sha256 }) =>
    missing.has(sha256),
  );
  const tally = createTally(io, "sending", wanted.length);
  await each(wanted, parallel, async (file) => {
    await sendFile(service, folder, file);
    tally.add();
  });
  tally.end();
  return { ...((await (await service.accepted(await put())).json()) as DataSetInfo), sent: wanted.length };
};

export const sendData = command({
  name: "data",
  operand: "push",
  others: "DIR",
  about,
  options,
  run: async (verb, values, io, [folder = "", ...others]) => {
    if (verb !== "push" || others.length > 0)
      throw new UsageError("data: data push DIR sends a folder; see faultline data --help");
    const url = needed(values.on, "data", "--on URL");
    const name = values.name ?? basename(resolve(folder));
    const service = remoteService(url, process.env["FAULTLINE_TOKEN"]);
    const parallel = wholeNumber("parallel", values.parallel, 1, 64);
    const pushed = await push(service, folder, { name, parallel, io });
    const text = `the data set ${name} of ${service.origin} has ${counted(pushed.files, "file", grouped(pushed.files))} of ${bytesText(pushed.bytes)}, of which ${grouped(pushed.sent)} were sent`;
    return { text, data: pushed };
  },
});
