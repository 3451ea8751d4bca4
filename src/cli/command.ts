/** Subcommands: self-documenting options, and a function that returns a report. */

import { parseArgs } from "node:util";
import { Refusal, UsageError } from "../node/failure.ts";
import { optionLines, parseFault, type Options, type Values } from "../node/options.ts";
import { networkFile } from "./network-file.ts";

/** Output streams of a command. Results go to stdout, everything else to stderr. */
export interface Io {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Whether stderr is a terminal, on which a line can be rewritten. */
  readonly isTerminal?: boolean | undefined;
  /** Told how many rows an evaluation has, at its start and as they come. */
  readonly onRows?: ((rows: number) => void) | undefined;
}

/** The result of a command, as text and as data. */
export interface Report {
  readonly text: string;
  /** Printed by `--json`. */
  readonly data: object;
  /** Printed by `--csv`, where the command has that option. */
  readonly csv?: string;
  /** The result is a refusal: it is printed, and the command fails with this message. */
  readonly refusal?: string | undefined;
}

/** The definition of a subcommand. */
export interface Definition<O extends Options> {
  readonly name: string;
  /** What stands after the name; null for nothing, and `run` then gets an empty text. "NET.onnx" reaches `run` as the path of a file, where it names a network that ships; any other as it was given. */
  readonly operand: string | null;
  /** What stands after the operand, once or more: "IMAGE…". */
  readonly others?: string;
  /** Whether `others` may be missing. */
  readonly othersOptional?: boolean;
  /** Paragraphs of the help, under the usage. */
  readonly about: string;
  readonly options: O;
  readonly run: (operand: string, values: Values<O>, io: Io, others: readonly string[]) => Promise<Report>;
}

export interface Command {
  readonly name: string;
  readonly help: string;
  readonly run: (args: readonly string[], io: Io) => Promise<void>;
}

const common = {
  json: { type: "boolean", help: "print the result as JSON" },
  debug: { type: "boolean", help: "where it fails, print the stack" },
  help: { type: "boolean", short: "h", help: "print this" },
} as const satisfies Options;

const printed = ({ text, data, csv }: Report, values: Readonly<Record<string, unknown>>): string => {
  if (values["json"] === true) return `${JSON.stringify(data, null, 2)}\n`;
  return values["csv"] === true && csv !== undefined ? csv : `${text}\n`;
};

/** Makes a command from its definition, with the parsing, help and printing that all commands share. */
export const command = <O extends Options>(definition: Definition<O>): Command => {
  const { name, operand, others: further, othersOptional = false, about, run } = definition;
  const options: Options = { ...definition.options, ...common };
  const rest = further === undefined ? "" : othersOptional ? ` [${further}]` : ` ${further}`;
  const usage = `Usage: faultline ${name}${operand === null ? "" : ` ${operand}`}${rest} [options]`;
  const help = [usage, "", about.trim(), "", "Options:", ...optionLines(options), ""].join("\n");
  const fault = (message: string) => new UsageError(`${name}: ${message}; see faultline ${name} --help`);
  const parse = (args: readonly string[]) => {
    try {
      return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    } catch (error) {
      throw Object.assign(fault(parseFault(error)), { cause: error });
    }
  };
  return {
    name,
    help,
    run: async (args, io) => {
      const { values, positionals } = parse(args);
      if (values["help"] === true) {
        io.stdout(help);
        return;
      }
      const [first = operand === null ? "" : undefined, ...others] = positionals;
      if (operand === null && positionals.length > 0) throw fault(`only options are expected; got ${positionals[0]}`);
      if (first === undefined) throw fault(`${operand} is missing`);
      if (further === undefined && others.length > 0)
        throw fault(`one ${operand} is expected, then options; got also ${others.join(" ")}`);
      if (further !== undefined && !othersOptional && others.length === 0) throw fault(`${further} is missing`);
      if (values["json"] === true && values["csv"] === true) throw fault("--json and --csv exclude each other");
      const file = operand === "NET.onnx" ? await networkFile(first) : first;
      const report = await run(file, values as Values<O>, io, others);
      io.stdout(printed(report, values));
      if (report.refusal !== undefined)
        throw new Refusal(operand === null ? report.refusal : `${first}: ${report.refusal}`);
    },
  };
};

/** The value of a required option. @throws UsageError where it is missing. */
export const needed = <T>(value: T | undefined, command: string, option: string): T => {
  if (value === undefined) throw new UsageError(`${command}: ${option} is missing; see faultline ${command} --help`);
  return value;
};
