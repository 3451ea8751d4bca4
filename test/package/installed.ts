/** The package as a user has it: packed, and unpacked into an otherwise empty folder with nothing but what it declares. */

import { execFile, execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll } from "vitest";

export const root = fileURLToPath(new URL("../../", import.meta.url));

export interface PackageJson {
  readonly name: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly sideEffects: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

interface Packed {
  readonly filename: string;
  /** Of the tarball, in bytes. */
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

/** A temporary folder, removed after the tests of the file. */
const temporary = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "faultline-package-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** `npm pack`, which compiles src/ first. @param folder of the package, in this checkout. */
export const pack = (folder = "."): Packed & { readonly tarball: string } => {
  const to = temporary();
  const text = execFileSync("npm", ["pack", "--json", "--pack-destination", to], {
    cwd: join(root, folder),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [packed] = JSON.parse(text.slice(text.indexOf("["))) as [Packed];
  return { ...packed, tarball: join(to, packed.filename) };
};

export const readPackage = (folder: string): PackageJson =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as PackageJson;

const execute = promisify(execFile);

export interface Project {
  readonly folder: string;
  /** Where the package is. */
  readonly installed: string;
  readonly put: (name: string, content: string | Uint8Array) => string;
  /** Runs a program in the project. @throws Error with what it printed where it fails. */
  readonly run: (
    command: string,
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ) => Promise<{ readonly stdout: string; readonly stderr: string }>;
}

/**
 * An empty project with the package in it, as npm lays it out: its dependencies beside it (links to this checkout's, so that no
 * registry is needed), and those alone: what it does not declare, it does not find.
 *
 * @param optional whether its optional dependencies are there too.
 */
export const installInto = (tarball: string, optional: boolean): Project => {
  const folder = temporary();
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, ".bin"), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
  execFileSync("tar", ["-xzf", tarball, "-C", modules]);
  const installed = join(modules, "faultline");
  execFileSync("mv", [join(modules, "package"), installed]);
  const { bin, dependencies, optionalDependencies } = readPackage(installed);
  for (const name of Object.keys({ ...dependencies, ...(optional ? optionalDependencies : {}) })) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  for (const [name, file] of Object.entries(bin)) {
    chmodSync(join(installed, file), 0o755);
    symlinkSync(join("..", "faultline", file), join(modules, ".bin", name));
  }
  return {
    folder,
    installed,
    put: (name, content) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    },
    run: (command, args, env = {}) => execute(command, args, { cwd: folder, env: { ...process.env, ...env } }),
  };
};
