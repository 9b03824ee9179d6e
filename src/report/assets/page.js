"use strict";
// Draws the plots of the page: each view of the block "plots" into its own figure. No eval: the
// views' expressions are interpreted. Nothing is loaded.
(function () {
  const refuse = {
    load: () => Promise.reject(new Error("reports load nothing")),
    sanitize: () => Promise.reject(new Error("reports link nowhere")),
    http: () => Promise.reject(new Error("reports load nothing")),
    file: () => Promise.reject(new Error("reports load nothing")),
  };
  const font = getComputedStyle(document.body).fontFamily;
  const axis = {
    labelColor: "var(--soft)", titleColor: "var(--soft)", gridColor: "var(--grid)", domainColor: "var(--line)",
    tickColor: "var(--line)", labelFontSize: 11, titleFontSize: 12, titleFontWeight: 500, labelFont: font, titleFont: font,
    labelPadding: 4, titlePadding: 8,
  };
  const config = {
    background: "transparent", font: font, view: { stroke: null }, axis: axis,
    legend: { orient: "top", labelColor: "var(--ink)", labelFontSize: 12, labelFont: font, symbolStrokeWidth: 2.5, symbolOpacity: 1, padding: 0, offset: 6, labelLimit: 260 },
    text: { font: font, fontSize: 11.5 },
  };
  const options = {
    mode: "vega-lite", renderer: "svg", actions: false, ast: true, defaultStyle: false, config: config, loader: refuse,
    tooltip: { theme: "page", disableDefaultStyle: true },
  };
  const specs = JSON.parse(document.getElementById("plots").textContent);
  let left = specs.length;
  specs.forEach((spec, place) => {
    const figure = document.getElementById("plot-" + (place + 1));
    vegaEmbed(figure, spec, options)
      .then(() => figure.classList.add("drawn"))
      .catch((error) => {
        console.error(error);
        figure.textContent = "This plot can't be drawn here (" + error.message + "); its figures are in the table below.";
      })
      .then(() => {
        left -= 1;
        if (left === 0) document.documentElement.dataset.plots = "drawn";
      });
  });
})();
