/** `attack`: command lines and files that are refused. */

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { faultline } from "./terminal.ts";
import { attackFolder, flags } from "./attack-folder.ts";

const { path, put, network, one } = attackFolder();

describe("a wrong command line", () => {
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[path("net")], 2, /attack: IMAGE… is missing/],
    [[path("net"), one, "-o", "x", "--attack", "magic"], 2, /--attack must be one of fgsm, .*, not "magic"/],
    [
      [path("net"), one, "-o", "x", "--attack", "fgsm", "--momentum", "1"],
      2,
      /--momentum must be absent: fgsm has no such option; there is none to choose/,
    ],
    [[path("net"), one, "-o", "x", "--attack", "fgsm", "--alpha", "3"], 2, /--alpha must be absent/],
    [[path("net"), one, "-o", "x", "--epsilon", "0"], 2, /--epsilon must be a number greater than 0 and at most 255/],
    [[path("net"), one, "-o", "x", "--norm", "l1"], 2, /--norm must be linf or l2 for pgd, not "l1"/],
    [[path("net"), one, "-o", "x", "--attack", "sea", "--norm", "l2"], 2, /--norm must be linf for sea, not "l2"/],
    [[path("net"), one, "-o", "x", "--attack", "sea:norm=l2"], 2, /--norm must be linf for sea, not "l2"/],
    [
      [path("net"), one, "-o", "x", "--attack", "pgd:step=2"],
      2,
      /pgd has no option step; accepted: epsilon, norm, .*steps/,
    ],
    ...["pgd:steps", "pgd:=3", "pgd:steps=3=4", "pgd:"].map(
      (text) =>
        [
          [path("net"), one, "-o", "x", "--attack", text],
          2,
          new RegExp(`--attack: "${text}" is not of the form NAME:OPTION=VALUE`),
        ] as const,
    ),
    [[path("net"), one, "-o", "x", "--attack", "pgd:steps=2", "--steps", "3"], 2, /--steps is given twice/],
    [[path("net"), one, "-o", "x", "--norm", "l2"], 2, /--epsilon must be given with --norm l2: .* ε·√n is as long/],
    [[path("net"), one, "-o", "x", "--attack", "apgd:norm=l2"], 2, /--epsilon must be given with --norm l2/],
    [[path("net"), one, "-o", "x", "--attack", "pgd:steps=1:steps=2"], 2, /"pgd:steps=1:steps=2" gives steps twice/],
    [[path("net"), one, "-o", "x", "--norm", "linf", "--epsilon", "256"], 2, /--epsilon must be .* at most 255/],
    [[path("net"), one, "-o", "x", "--steps", "2.5"], 2, /--steps must be a whole number of at least 1/],
    [[path("net"), one, "-o", "x", "--label", "ground-truth"], 2, /goes with --labels/],
    [[path("net"), one, "-o", "x", "--target", "4"], 2, /--target must be a class from 0 to 3/],
    [[path("net"), one, "-o", "x", "--json", "--csv"], 2, /exclude each other/],
    [[path("net"), one, "-o", "x", "--class-weights", "1,1,1,1"], 2, /--class-weights must be absent: pgd weighs no/],
    [[path("net"), one, "-o", "x", "--attack", "sea", "--class-weights", "1,2"], 2, /model's 4 classes.* are 2/],
    [[path("net"), one, "-o", "x", "--attack", "sea", "--class-weights", "1,,1,1"], 2, /numbers of at least 0/],
    [[path("net"), one, "-o", "x", "--draws", "4"], 2, /--through and --draws go with transformations/],
    [
      [path("net"), one, "-o", "x", "--transform", "jpeg:quality=0"],
      2,
      /--transform, no. 1, quality: must be at least 1/,
    ],
    [[path("net"), one, "-o", "x", "--transform", "noise", "--draws", "0"], 2, /--draws: must be at least 1/],
    [[path("net"), one, "-o", "x", "--transform", "noise", "--through", "up"], 2, /--through: must be one of .*bpda/],
    [[path("net"), one, "-o", "x", "--source", path("net"), "--draws", "2"], 2, /another network's is taken/],
    [[path("net"), one, "-o", "x", "--attack", "rays", "--draws", "2"], 2, /--draws must be absent: .* rays does not/],
    [[path("net"), one, "-o", "x", "--transform", "blur", "--trials", "9"], 2, /--trials goes with random/],
    [[path("net"), one, "-o", "x", "--transform", "noise", "--trials", "0"], 2, /--trials must be .* from 1 to 100/],
    [[path("net"), one, "-o", "x", "--hide", "bus"], 2, /--hide: there is no class "bus"; there are 0 /],
    [[path("net"), one, "-o", "x", "--swap", "0"], 2, /--swap must be WHAT:CLASS/],
    [[path("net"), one, "-o", "x", "--hide", "0", "--swap", "1:2"], 2, /--hide and --swap exclude each other/],
    [[path("net"), one, "-o", "x", "--hide", "box:1,2,0,4"], 2, /a box is LEFT,TOP,WIDTH,HEIGHT/],
    [[path("net"), one, "-o", "x", "--hide", "polygon:1,2;3,4"], 2, /a polygon is at least three corners/],
    [[path("net"), one, "-o", "x", "--outside", "free"], 2, /--outside goes with --hide or --swap/],
    [[path("net"), one, "-o", "x", "--hide", "0", "--target", "1"], 2, /--target goes without/],
    [[path("net"), one, "-o", "x", "--attack", "fmn", "--hide", "0"], 2, /fmn ends at a share .* --outside free/],
    [[path("net"), one, "-o", "x", "--crf", "{"], 2, /--crf must be none, crf-rnn, crf-rnn:unary or JSON/],
    [[path("net"), one, "-o", "x", "--fusion", "max"], 2, /--fusion goes with --scales/],
    [[path("net"), one, "-o", "x", "--scales", "0.5,9"], 2, /--scales must be up to 8 numbers from 0.1 to 4 .*0.5,9/],
    [[path("net"), one, "-o", "x", "--scales", "1,1"], 2, /--scales are 1, 1: one is there twice/],
    [[path("net"), one, "-o", "x", "--source", path("three")], 2, /--source three: three has 3 classes, and tiny 4/],
    [[network, one, "-o", "x"], 1, /name its manifest with --manifest/],
    [
      ["no-such-net", one, "-o", "x"],
      1,
      /no-such-net: no such file or folder, nor the name of a network; .* has: .*enet-street/,
    ],
    [[path("net"), path("pictures"), one, "-o", "x"], 1, /has the same name/],
    [[path("net"), path("pictures"), "-o", "x", "--labels", path("truth", "one.png")], 2, /is one file for 2 pictures/],
    [[path("net"), one, "-o", "x", "--labels", path("net")], 1, /one.png: no such file; it would be the label map of/],
    [[path("net"), one, "-o", path("out-bad"), "--labels", path("truth", "two.png")], 1, /two.png: .*10×8/],
    [[path("net"), network, "-o", path("out-bad")], 1, /net.onnx: /],
  ];

  it.each(cases)("%j", async (argv, expected, message) => {
    const { code, stdout, stderr } = await faultline("attack", ...argv);
    const last = stderr.trimEnd().split("\n").at(-1)!;
    expect([code, stdout]).toEqual([expected, ""]);
    expect(last).toMatch(message);
    expect(last).toMatch(/^faultline: /);
  });
});

it.each([
  ["picture", ["torn/two.png"], "torn/two.png"],
  ["label map", ["pictures/two.png", "--labels", "torn-truth"], "torn-truth/two.png"],
])("a %s that cannot be read is refused before the first picture is attacked", async (what, given, file) => {
  for (const folder of ["torn", "torn-truth"]) mkdirSync(path(folder), { recursive: true });
  put("torn/two.png", readFileSync(path("pictures", "two.png")).subarray(0, 60));
  put("torn-truth/one.png", readFileSync(path("truth", "one.png")));
  put("torn-truth/two.png", readFileSync(path("truth", "one.png")));
  const out = path(`out of a torn ${what}`);
  const others = given.map((text) => (text.startsWith("--") ? text : path(text)));
  const { code, stdout, stderr } = await faultline("attack", path("net"), one, ...others, ...flags, "-o", out);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toContain(`faultline: ${path(file)}: `);
  expect(readdirSync(out)).toEqual([]);
});

it.each([
  [2, 0],
  [13, 3],
])("all of %i broken pictures are named before the first is attacked, up to ten", async (broken, more) => {
  const folder = `broken ${broken}`;
  mkdirSync(path(folder));
  const whole = readFileSync(path("pictures", "two.png"));
  const names = Array.from({ length: broken }, (_, i) => `${String.fromCharCode(97 + i)}.png`);
  for (const name of names) put(`${folder}/${name}`, whole.subarray(0, 60));
  put(`${folder}/z.png`, whole);
  const out = path(`out of ${folder}`);
  const { code, stdout, stderr } = await faultline("attack", path("net"), path(folder), ...flags, "-o", out);
  expect([code, stdout]).toEqual([1, ""]);
  const lines = stderr.trimEnd().split("\n");
  for (const [i, name] of names.slice(0, 10).entries()) expect(lines[i]).toContain(`  ${path(folder, name)}: `);
  expect(lines.slice(Math.min(broken, 10))).toEqual([
    ...(more > 0 ? [`  and ${more} more`] : []),
    `faultline: ${broken} of ${broken + 1} pictures cannot be read with their label maps, as listed above; none was attacked`,
  ]);
  expect(readdirSync(out)).toEqual([]);
});
