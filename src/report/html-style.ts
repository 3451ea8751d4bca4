/** The style of the page: light, dark and print. */
export const style = `
:root { color-scheme: light dark; --text: #1a1d21; --page: #ffffff; --quiet: #555d66; --line: #d5dae0; --panel: #f4f6f8; --link: #0b57a4; --hit: 213, 94, 0; }
@media (prefers-color-scheme: dark) { :root { --text: #e8eaed; --page: #15181c; --quiet: #a8b0b9; --line: #363c44; --panel: #1f242a; --link: #8ec5ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.25rem; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
header p { margin: .25rem 0 0; color: var(--quiet); }
a { color: var(--link); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; list-style: none; }
#verdict { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .25rem 1.25rem .75rem; margin-top: 1.25rem; }
#verdict h2 { border: 0; margin: .25rem 0; }
p, li { max-width: 76ch; overflow-wrap: anywhere; }
.charts { display: flex; flex-wrap: wrap; gap: 1.5rem; }
figure { position: relative; margin: 0; max-width: 100%; }
figure svg { display: block; max-width: 100%; height: auto; }
figcaption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: .75rem; }
.picture img { display: block; width: 100%; height: auto; image-rendering: auto; }
.picture p { margin: .15rem 0 0; color: var(--quiet); font-size: .85rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .5rem; overflow-wrap: anywhere; }
.scroll { position: relative; overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: start; color: var(--quiet); padding-bottom: .35rem; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: end; vertical-align: top; }
th { font-weight: 600; } thead th { vertical-align: bottom; border-bottom-width: 2px; }
th[scope=row], thead th:first-child { text-align: start; font-weight: 500; }
td { white-space: nowrap; }
#differences td:last-child { white-space: normal; min-width: 18rem; text-align: start; }
.heat { background: rgba(var(--hit), calc(var(--heat) * .45)); }
#provenance td:nth-child(2) { white-space: normal; overflow-wrap: anywhere; min-width: 14rem; text-align: start; font-family: ui-monospace, monospace; font-size: .75rem; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: .35rem; padding: .75rem; overflow-x: auto; font-size: .8rem; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
@media print { :root { --text: #000; --page: #fff; --quiet: #333; --panel: #fff; --line: #999; } nav { display: none; } body { max-width: none; padding: 0; font-size: 9.5pt; } .scroll { overflow: visible; } table { font-size: 7.5pt; } th, td { padding: .15rem .35rem; } figure, tr { break-inside: avoid; } pre { white-space: pre-wrap; } h2 { break-after: avoid; } }
`;
