/** The page /lab as tests drive it: its controls by their ids, what it shows, and what axe-core finds. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "./chromium.ts";

export const out = fileURLToPath(new URL("../../out/lab", import.meta.url));
mkdirSync(out, { recursive: true });

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Software compiles shaders slowly, and more so on a machine with other work. */
const PATIENCE_MS = 120_000;

/** The violations of axe-core's rules in the page's present state: "rule: elements". */
const violations = `axe.run({ resultTypes: ["violations"] }).then(({ violations }) =>
  violations.map(({ id, nodes }) => id + ": " + nodes.map(({ target }) => target.join(" ")).join(", ")))`;

export const labPage = (page: Page) => {
  const of = <T>(id: string, property: string): Promise<T> =>
    page.evaluate<T>(`document.getElementById("${id}").${property}`);
  const text = (id: string): Promise<string> => of(id, "textContent");
  const says = (id: string, start: string): Promise<void> =>
    page.until(`document.getElementById("${id}")?.textContent.startsWith(${JSON.stringify(start)})`, PATIENCE_MS);
  const click = (id: string): Promise<void> => page.evaluate(`document.getElementById("${id}").click()`);
  /** Forgets what the page has told, so that what it tells next is waited for. */
  const hush = (): Promise<void> => page.evaluate(`void (document.getElementById("status").textContent = "")`);

  /** Gives an input of files what it asks for. */
  const choose = async (selector: string, paths: readonly string[]): Promise<void> => {
    const { root } = await page.send("DOM.getDocument");
    const { nodeId: within } = root as { readonly nodeId: number };
    const { nodeId } = await page.send("DOM.querySelector", { nodeId: within, selector });
    await page.send("DOM.setFileInputFiles", { nodeId, files: paths });
  };
  const files = async (id: string, paths: readonly string[]): Promise<void> => {
    await hush();
    await choose(`#${id}`, paths);
  };

  /** Drops files onto the page, or onto an element of it. */
  const drop = async (paths: readonly string[], onto?: string): Promise<void> => {
    const { x, y } = onto
      ? await page.evaluate<{ x: number; y: number }>(`(() => {
          const element = document.getElementById("${onto}");
          element.scrollIntoView({ behavior: "instant", block: "center" });
          const { x, y } = element.getBoundingClientRect();
          return { x: x + 10, y: y + 10 };
        })()`)
      : { x: 10, y: 10 };
    const data = { items: [], files: paths, dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"])
      await page.send("Input.dispatchDragEvent", { type, x, y, data });
  };

  /** Gives a control a value, as a visitor does. */
  const set = (id: string, value: string | number): Promise<void> =>
    page.evaluate(`(() => {
      const control = document.getElementById("${id}");
      control.value = "${value}";
      for (const kind of ["input", "change"]) control.dispatchEvent(new Event(kind, { bubbles: true }));
    })()`);

  const press = async (key: string): Promise<void> => {
    const code = { Tab: 9, Enter: 13, " ": 32 }[key];
    const text = key === "Enter" ? "\r" : key.length === 1 ? key : undefined;
    const given = { key, code: key, windowsVirtualKeyCode: code, text };
    await page.send("Input.dispatchKeyEvent", { type: "keyDown", ...given });
    await page.send("Input.dispatchKeyEvent", { type: "keyUp", key, code: key });
  };

  /** RGB of one side of a layer, pixel by pixel. */
  const pixels = async (layer: string, side: "before" | "after"): Promise<Uint8Array> => {
    await click(`layer-${layer}`);
    const base64 = await page.evaluate<string>(`(() => {
      const canvas = document.getElementById("${side}");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let text = "";
      for (let i = 0; i < data.length; i++) if (i % 4 < 3) text += String.fromCharCode(data[i]);
      return btoa(text);
    })()`);
    return new Uint8Array(Buffer.from(base64, "base64"));
  };

  /** What the page would have the browser save under a name. */
  const saved = async (name: string): Promise<Buffer> => {
    const base64 = await page.evaluate<string>(`new Promise((resolve) => {
      const { createObjectURL } = URL;
      URL.createObjectURL = (blob) => {
        URL.createObjectURL = createObjectURL;
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result.split(",")[1]);
        reader.readAsDataURL(blob);
        return "#";
      };
      [...document.querySelectorAll("#downloads button")].find((b) => b.textContent === ${JSON.stringify(name)}).click();
    })`);
    return Buffer.from(base64, "base64");
  };

  const shoot = async (name: string, width: number, height: number, scheme: "light" | "dark"): Promise<void> => {
    const mobile = width < 600;
    const deviceScaleFactor = 1 + Number(mobile);
    await page.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor, mobile });
    await page.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    await page.evaluate("scrollTo(0, 0)");
    writeFileSync(join(out, `${name}.png`), await page.screenshot());
  };

  return {
    text,
    says,
    click,
    choose,
    files,
    drop,
    set,
    press,
    pixels,
    saved,
    shoot,
    value: (id: string): Promise<string> => of(id, "value"),
    isHidden: (id: string): Promise<boolean> => of(id, "hidden"),
    focused: (): Promise<string> => page.evaluate("document.activeElement.id || document.activeElement.localName"),
    number: (id: string): Promise<number> => page.evaluate(`Number(document.querySelector("#${id} data").value)`),
    until: (expression: string): Promise<void> => page.until(expression, PATIENCE_MS),
    /** Until the picture is predicted. */
    ready: (): Promise<void> => says("status", "Ready"),
    /** Does what needs a new prediction, and waits for it. */
    predicted: async (act: () => Promise<void>): Promise<void> => {
      await hush();
      await act();
      await says("status", "Ready");
    },
    /** Until the service worker has all that the page needs without the server. */
    keptOffline: (): Promise<void> =>
      page.until(
        // Before the service worker is installed there is no cache, and to open one by name would make it.
        // The files are loaded again one after another, onnxruntime's script behind its WASM as the last.
        `caches.keys().then(async (names) => (await Promise.all(names.map(async (name) =>
          (await caches.open(name)).keys()))).flat().some(({ url }) => url.endsWith(".mjs")))`,
        PATIENCE_MS,
      ),
    attack: async (): Promise<void> => {
      await hush();
      await click("start");
      await says("status", "Done");
    },
    faults: async (): Promise<readonly string[]> => {
      await page.evaluate(`${axe}; undefined`);
      return page.evaluate(violations);
    },
  };
};
