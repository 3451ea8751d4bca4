/** What all charts of a report share. */

/** Colours of Okabe and Ito (2008), which colour-blind readers tell apart, in the shades that have contrast on white and on black. */
const palette = ["#2b86c5", "#d55e00", "#009e73", "#cc79a7", "#8a7a00", "#56809a", "#b04a4a", "#7a6ad8"];

/** Text and lines take the colour of the page, light or dark. */
export const config = {
  aria: false,
  background: null,
  font: "system-ui, sans-serif",
  view: { stroke: null },
  axis: {
    labelColor: "currentColor",
    titleColor: "currentColor",
    domainColor: "currentColor",
    tickColor: "currentColor",
    gridColor: "currentColor",
    gridOpacity: 0.15,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: "normal",
  },
  legend: {
    labelColor: "currentColor",
    titleColor: "currentColor",
    labelFontSize: 12,
    orient: "bottom",
    columns: 1,
    labelLimit: 320,
    title: null,
    symbolOpacity: 1,
  },
  range: { category: palette },
};
