/** The layout and style of the documentation pages. */
import { html, raw } from "hono/html";

export type Html = ReturnType<typeof html>;

const style = `
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5a6675; --line: #dfe4ea; --paper: #fff; --shade: #f5f7f9;
  --accent: #0b6e75; --post: #0b6e75; --get: #3b5bb5; --bad: #a8442f; --on-method: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --soft: #9aa6b4; --line: #2c3540; --paper: #12171d;
  --shade: #1a2129; --accent: #5cc5cc; --post: #2f9aa1; --get: #6f8be0; --bad: #e08a75; --on-method: #0e1318; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.55 system-ui, sans-serif; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
code, pre { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, monospace; font-size: 13px; }
code { background: var(--shade); border-radius: 3px; padding: 1px 4px; overflow-wrap: anywhere; }
pre { background: var(--shade); border: 1px solid var(--line); border-radius: 6px; padding: 12px 14px; margin: 12px 0;
  white-space: pre-wrap; overflow-wrap: anywhere; } pre code { background: none; padding: 0; }
.columns { display: grid; grid-template-columns: 250px minmax(0, 1fr); max-width: 1180px; margin: 0 auto; }
nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow: auto; padding: 28px 20px; }
nav h3 { margin: 18px 0 4px; font-size: 12px; letter-spacing: .04em; text-transform: uppercase; color: var(--soft); }
nav a { display: block; padding: 3px 0; color: var(--ink); } nav a .soft { font-size: 11px; } nav .title { font-size: 20px; font-weight: 650; }
main { padding: 28px 32px 80px; min-width: 0; max-width: 900px; }
h1 { margin: 0 0 8px; font-size: 30px; } h2 { margin: 0 0 6px; font-size: 20px; } article h3 { margin: 18px 0 4px; font-size: 15px; }
article { border-top: 1px solid var(--line); padding: 26px 0 14px; scroll-margin-top: 0; }
.method { display: inline-block; min-width: 52px; padding: 1px 8px; border-radius: 4px; color: var(--on-method); text-align: center;
  font: 600 12px/20px ui-monospace, monospace; vertical-align: 1px; background: var(--get); }
.method.post { background: var(--post); } .method.delete { background: var(--bad); } .path { font-size: 15px; }
.status { display: inline-block; min-width: 42px; font: 600 13px/20px ui-monospace, monospace; color: var(--soft); }
.status.s4, .status.s5 { color: var(--bad); }
table { width: 100%; border-collapse: collapse; margin: 6px 0 12px; }
td { padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td:first-child { width: 200px; } td p { margin: 0; } .type { color: var(--soft); font-size: 13px; }
.required { color: var(--bad); font-size: 12px; } .soft { color: var(--soft); }
.front { margin: 0 auto; padding-top: 6vh; } .front .brand { font-weight: 700; color: var(--accent); margin: 0; } .front h1 { font-size: clamp(28px, 5vw, 40px); line-height: 1.15; }
main p a, .places a { text-decoration: underline; text-underline-offset: 2px; }
.places { list-style: none; padding: 0; display: grid; grid-template-columns: repeat(auto-fit, minmax(250px, 1fr)); gap: 12px; }
.places li { border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px; } .places a { font-weight: 650; font-size: 17px; }
details { margin: 4px 0; } summary { cursor: pointer; color: var(--accent); }
details > table { margin-left: 2px; border-left: 2px solid var(--line); } details td:first-child { padding-left: 12px; }
.sample pre { margin: 6px 0 10px; } .sample[open] > summary { font-weight: 650; }
.try form, form.try { display: grid; gap: 10px; margin: 8px 0 14px; padding: 14px 16px; border: 1px solid var(--line); border-radius: 8px; }
.try[hidden] { display: none; } .try label { display: grid; gap: 3px; font-size: 13px; }
.try :is(input, select, textarea) { width: 100%; min-height: 34px; padding: 5px 8px; border: 1px solid var(--soft); border-radius: 6px;
  background: var(--paper); color: inherit; font: inherit; } .try textarea { font: 13px/1.5 ui-monospace, monospace; }
.try button { justify-self: start; min-height: 36px; padding: 4px 18px; border: 0; border-radius: 6px; background: var(--post); color: var(--on-method); font: 600 15px system-ui, sans-serif; cursor: pointer; }
.answer { min-width: 0; } .answer img { max-width: 100%; image-rendering: pixelated; } .answer pre { max-height: 420px; overflow: auto; }
@media (max-width: 760px) { .columns { grid-template-columns: 1fr; } nav { position: static; max-height: none; padding-bottom: 0; }
  main { padding: 16px 20px 60px; } td { display: block; border: 0; padding: 2px 0; width: auto !important; } tr { border-bottom: 1px solid var(--line); display: block; padding: 6px 0; } }
`;

export const page = (title: string, body: Html): Html =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Faultline</title>
        <style>
          ${raw(style)}
        </style>
      </head>
      <body>
        ${body}
      </body>
    </html>`;
