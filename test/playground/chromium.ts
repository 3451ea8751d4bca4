/** Chromium without a window, driven over the DevTools protocol by a pipe: no package is needed for it. */

import { spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { unpacked } from "../../scripts/packed-chromium.ts";

const names = ["chromium", "chromium-browser", "google-chrome", "chrome-headless-shell", "chrome"];

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The development dependency's, which is a build for Linux on x64. */
const packed = (): string | null => {
  if (process.platform !== "linux" || process.arch !== "x64") return null;
  return join(unpacked("chromium", ["chromium.br", "swiftshader.tar.br"]), "chromium");
};

/** The one of the variable CHROMIUM, else one on the PATH, else the development dependency's; null where there is none. */
export const findChromium = (): string | null => {
  const { CHROMIUM: named, PATH = "" } = process.env;
  if (named) return isExecutable(named) ? named : null;
  const found = PATH.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  return found.find(isExecutable) ?? packed();
};

type Fields = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Fields;
  readonly result?: Fields;
  readonly error?: { readonly message: string };
}

export interface Page {
  readonly open: (url: URL) => Promise<void>;
  /** What the expression gives, awaited; of what JSON can say. @throws Error with the page's own. */
  readonly evaluate: <T>(expression: string) => Promise<T>;
  /** Waits until the expression is true. @throws Error that tells the page's status where it never is. */
  readonly until: (expression: string, milliseconds: number) => Promise<void>;
  readonly send: (method: string, params?: Fields) => Promise<Fields>;
  /** The whole page, as PNG. */
  readonly screenshot: () => Promise<Buffer>;
  /** What the console and the security policy complained of. */
  readonly complaints: readonly string[];
  /** Addresses of all requests, those of workers excepted. */
  readonly requests: readonly string[];
  readonly close: () => Promise<void>;
}

/** Messages end with a zero byte; fd 3 goes to Chromium, fd 4 comes from it. */
const connect = (child: ChildProcess, onEvent: (message: Message) => void) => {
  const [to, from] = [child.stdio[3] as Writable, child.stdio[4] as Readable];
  const waiting = new Map<number, { resolve: (result: Fields) => void; reject: (error: Error) => void }>();
  let [rest, calls] = ["", 0];
  const take = (message: Message): void => {
    const call = waiting.get(message.id ?? 0);
    if (!call) return onEvent(message);
    waiting.delete(message.id!);
    if (message.error) call.reject(new Error(message.error.message));
    else call.resolve(message.result ?? {});
  };
  from.setEncoding("utf8").on("data", (text: string) => {
    const messages = (rest + text).split("\0");
    rest = messages.pop()!;
    for (const message of messages) take(JSON.parse(message) as Message);
  });
  child.once("exit", (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`Chromium has ended (${code})`));
  });
  return (method: string, params: Fields = {}, sessionId?: string): Promise<Fields> => {
    calls += 1;
    const id = calls;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      to.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  };
};

const flags = [
  "--headless=new",
  "--remote-debugging-pipe",
  "--no-sandbox", // as root, in containers
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--hide-scrollbars",
  "--disable-background-networking",
  "--force-color-profile=srgb",
];

interface LogEntry {
  readonly level: string;
  readonly text: string;
  readonly url?: string;
}

const complaintOf = ({ method, params = {} }: Message): string | null => {
  if (method === "Runtime.exceptionThrown") return JSON.stringify(params["exceptionDetails"]);
  if (method !== "Log.entryAdded") return null;
  const { level, text, url = "" } = params["entry"] as LogEntry;
  return level === "error" ? `${text} ${url}` : null;
};

const requestOf = ({ method, params = {} }: Message): string | null =>
  method === "Network.requestWillBeSent" ? (params["request"] as { readonly url: string }).url : null;

/** @param extra further flags of Chromium. */
export const openPage = async (executable: string, extra: readonly string[] = []): Promise<Page> => {
  const profile = mkdtempSync(join(tmpdir(), "faultline-chromium-"));
  const child = spawn(executable, [...flags, ...extra, `--user-data-dir=${profile}`, "about:blank"], {
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
  });
  const ended = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
  const complaints: string[] = [];
  const requests: string[] = [];
  const call = connect(child, (message) => {
    const [complaint, request] = [complaintOf(message), requestOf(message)];
    if (complaint) complaints.push(complaint);
    if (request) requests.push(request);
  });
  const { targetId } = await call("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await call("Target.attachToTarget", { targetId, flatten: true });
  const send = (method: string, params: Fields = {}) => call(method, params, sessionId as string);
  for (const domain of ["Page", "Runtime", "Log", "Network"]) await send(`${domain}.enable`);

  const evaluate = async <T>(expression: string): Promise<T> => {
    const answer = await send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (answer["exceptionDetails"]) throw new Error(JSON.stringify(answer["exceptionDetails"]));
    return (answer["result"] as { readonly value: T }).value;
  };
  const until = async (expression: string, milliseconds: number): Promise<void> => {
    const end = performance.now() + milliseconds;
    while (!(await evaluate<boolean>(`Promise.resolve(${expression}).then(Boolean)`))) {
      if (performance.now() > end) {
        const told = await evaluate<string>("document.querySelector('#act')?.innerText ?? document.title");
        throw new Error(
          `${expression} is not true after ${milliseconds} ms; the page says: ${told}; ${complaints.join("; ")}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  return {
    send,
    evaluate,
    until,
    complaints,
    requests,
    open: async (url) => void (await send("Page.navigate", { url: url.href })),
    screenshot: async () => {
      const { data } = await send("Page.captureScreenshot", { captureBeyondViewport: true });
      return Buffer.from(data as string, "base64");
    },
    close: async () => {
      await Promise.race([call("Browser.close").catch(() => undefined), ended]);
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};
