/** The command line as a whole: help, exit codes, and files that are not what is asked for. */

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { writeModel } from "../../src/onnx/write.ts";
import { tinyModel } from "../support/networks/tiny.ts";
import { faultline, temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
const network = put("tiny.onnx", tinyModel());
const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const commands = ["inspect", "differentiate", "quantize", "init", "import", "attack", "audit"];
const operands: Readonly<Record<string, string>> = { attack: "NET IMAGE…", audit: "NET IMAGE…" };

describe("help", () => {
  it("of the whole names every command", async () => {
    for (const argv of [["--help"], ["-h"], ["help"]]) {
      const { code, stdout, stderr } = await faultline(...argv);
      expect([code, stderr]).toEqual([0, ""]);
      for (const command of commands) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, "m"));
    }
  });

  it.each(commands)("of %s tells its usage and options, and needs no file", async (command) => {
    const { code, stdout, stderr } = await faultline(command, "--help");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`Usage: faultline ${command} ${operands[command] ?? "NET.onnx"}`);
    expect(stdout).toMatch(/--json .*\n.*--debug .*\n.*-h, --help /);
    expect((await faultline("help", command)).stdout).toBe(stdout);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  });

  it("tells the version", async () => {
    expect(await faultline("--version")).toEqual({ code: 0, stdout: `faultline ${version}\n`, stderr: "" });
  });
});

describe("a wrong command line ends with 2, one line and no result", () => {
  it.each([
    [
      [],
      /a command is missing; there are inspect, differentiate, quantize, init, import, attack, universal, evaluate, worker, data, report, gate, audit, certify/,
    ],
    [["explain", "x.onnx"], /there is no command "explain"; there are inspect/],
    [["help", "explain"], /there is no command "explain"/],
    [["inspect"], /inspect: NET.onnx is missing; see faultline inspect --help/],
    [["inspect", "a.onnx", "b.onnx"], /got also b.onnx/],
    [["inspect", "--speed", "x.onnx"], /Unknown option '--speed'; see faultline inspect --help/],
    [["inspect", "x.onnx", "--size"], /'--size <value>' argument missing/],
    [["inspect", network, "--size", "12"], /--size: "12" is not HEIGHTxWIDTH, e.g. 240x320/],
    [["inspect", network, "--size", "0x12"], /--size: "0x12" is not/],
    [["inspect", network, "--size", "1x2x3"], /--size: "1x2x3" is not/],
    [["inspect", network, "--dim", "height"], /--dim: "height" is not of the form NAME=NUMBER/],
    [["inspect", network, "--dim", "height=-3"], /--dim: "-3" is not a positive number/],
    [["inspect", network, "--dim", "h=3", "--dim", "h=4"], /--dim: h is given twice/],
    [["inspect", network, "--shape", "input=1,3"], /--shape: "1,3" is not AxBxC/],
    [["differentiate", network], /-o FILE is missing/],
    [["differentiate", network, "-o", path("x.onnx"), "--loss", "hinge"], /"hinge" is not one of cross-entropy, sum/],
    [["quantize", network, "--calibrate", "."], /-o FILE is missing/],
    [["quantize", network, "-o", path("x.onnx")], /--calibrate DIR is missing/],
    [["import", network, "--like", "vgg"], /--like must be one of imagenet/],
  ] as const)("%j", async (argv, message) => {
    const { code, stdout, stderr } = await faultline(...argv);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^faultline: [^\n]+\n$/);
  });
});

describe("a file that is no network ends with 1 and one line that names it", () => {
  const bytes = writeModel(tinyModel());
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["missing", path("absent.onnx"), /absent.onnx: no such file/],
    ["in a missing folder", path("absent", "net.onnx"), /net.onnx: no such file/],
    ["a folder", path("."), /is a directory, not a file/],
    ["below a file", `${network}/net.onnx`, /tiny.onnx\/net.onnx: a part of the path is not a folder/],
    ["a device", "/dev/null", /is not a regular file/],
    ["empty", put("empty.onnx", new Uint8Array()), /empty.onnx: model: the file is empty/],
    ["truncated", put("cut.onnx", bytes.subarray(0, bytes.length - 9)), /cut.onnx: .*truncated/],
    ["text", put("text.onnx", "not a network"), /text.onnx: model: not an ONNX file/],
  ];

  it.each(cases)("%s", async (_, file, message) => {
    for (const rest of [["inspect"], ["differentiate", "-o", path("out.onnx")]]) {
      const { code, stdout, stderr } = await faultline(...rest, file);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(message);
      expect(stderr).toMatch(/^faultline: [^\n]+\n$/);
    }
  });

  it.skipIf(process.getuid?.() === 0)("not readable", async () => {
    const file = put("secret.onnx", bytes);
    await chmod(file, 0);
    expect((await faultline("inspect", file)).stderr).toMatch(/secret.onnx: permission denied/);
  });

  it("prints the stack, and that of the cause, with --debug alone", async () => {
    const file = path("text.onnx");
    const { code, stderr } = await faultline("inspect", file, "--debug");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^faultline: [^\n]+\nRefusal: [^\n]+\n {4}at /);
    expect(stderr).toMatch(/caused by OnnxError: /);
  });
});

describe("the launcher", () => {
  const execute = promisify(execFile);
  const launcher = fileURLToPath(new URL("../../bin/faultline.js", import.meta.url));
  const launch = (...argv: readonly string[]) => execute(process.execPath, [launcher, ...argv], { cwd: tmpdir() });

  // What a checkout that has changed prints while it is compiled is no output of the command.
  beforeAll(() => execute(process.execPath, [launcher, "--version"]));

  it("runs in any folder, and hands the exit code on", async () => {
    await mkdir(path("elsewhere"));
    const { stdout, stderr } = await launch("inspect", network, "--size", "32x32", "--json");
    expect(stderr).toBe("");
    expect((JSON.parse(stdout) as { opset: number }).opset).toBe(21);
    await expect(launch("inspect", path("absent.onnx"))).rejects.toMatchObject({ code: 1, stdout: "" });
    await expect(launch("explain")).rejects.toMatchObject({ code: 2 });
  });
});
