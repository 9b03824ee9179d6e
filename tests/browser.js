// Opens pages in Chromium and tells what happened, as one JSON document on stdout.
// Usage: node browser.js PLAYWRIGHT_FOLDER CHROMIUM JOB.json
// A job: {pages: [{file, script: true, scheme: "light"|"dark", width: 1200, picture: "x.png"|null, pdf: "x.pdf"|null}]}
"use strict";
const fs = require("fs");
const [playwright, executablePath, job] = process.argv.slice(2);
const { chromium } = require(playwright);

// What can be seen of one plot.
function lookAtPlots() {
  return [...document.querySelectorAll(".plot")].map((plot) => {
    const svg = plot.querySelector("svg");
    const text = svg && svg.querySelector("text");
    return {
      title: plot.getAttribute("aria-label"),
      drawn: plot.classList.contains("drawn"),
      marks: svg ? svg.querySelectorAll("path[d], line, rect, text").length : 0,
      texts: svg ? [...svg.querySelectorAll("text")].map((t) => t.textContent) : [],
      colour: text ? getComputedStyle(text).fill : null,
      height: plot.getBoundingClientRect().height,
      svgHeight: svg ? svg.getBoundingClientRect().height : 0,
      svgWidth: svg ? svg.getBoundingClientRect().width : 0,
      width: plot.getBoundingClientRect().width,
      rows: plot.parentElement.querySelectorAll("details tbody tr").length,
    };
  });
}

function lookAtPage() {
  return {
    title: document.title,
    text: document.body.innerText,
    hacked: typeof window.hacked !== "undefined",
    scripts: document.querySelectorAll("script").length,
    images: document.querySelectorAll("img, iframe, object, embed").length,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    headings: [...document.querySelectorAll("h2")].map((h) => h.textContent),
    shift: window.shifted || 0,
    plotsDrawn: document.documentElement.dataset.plots === "drawn",
    hasPlots: document.querySelectorAll(".plot").length > 0,
  };
}

// What is shown when somebody points into the middle of a plot.
async function pointAt(page, place) {
  const plot = page.locator(".plot").filter({ has: page.locator("svg") }).nth(place);
  await plot.scrollIntoViewIfNeeded();
  const box = await plot.boundingBox();
  for (const share of [0.5, 0.52]) await page.mouse.move(box.x + box.width * share, box.y + box.height * share);
  await page.waitForSelector("#vg-tooltip-element.visible", { timeout: 3000 }).catch(() => null);
  return page.evaluate(() => {
    const tip = document.querySelector("#vg-tooltip-element");
    return tip && { visible: tip.classList.contains("visible"), text: tip.innerText,
                    elements: [...tip.querySelectorAll("*")].map((element) => element.tagName) };
  });
}

async function open(browser, request) {
  const context = await browser.newContext({
    javaScriptEnabled: request.script !== false,
    colorScheme: request.scheme || "light",
    viewport: { width: request.width || 1200, height: 900 },
    offline: true,
  });
  const page = await context.newPage();
  const seen = { complaints: [], requests: [], dialogs: [] };
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") seen.complaints.push(message.text());
  });
  page.on("pageerror", (error) => seen.complaints.push(String(error)));
  page.on("dialog", (dialog) => { seen.dialogs.push(dialog.message()); dialog.dismiss(); });
  const address = "file://" + request.file;
  page.on("request", (sent) => { if (sent.url() !== address && !sent.url().startsWith("data:")) seen.requests.push(sent.url()); });
  if (request.script !== false) {
    await page.addInitScript(() => {
      window.shifted = 0;
      new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shifted += entry.value; })
        .observe({ type: "layout-shift", buffered: true });
    });
  }
  await page.goto(address);
  if (request.script === false) {
    seen.text = await page.locator("body").innerText();
  } else {
    if (await page.locator(".plot").count())
      await page.waitForSelector("html[data-plots=drawn]", { timeout: 60000 }).catch((error) => seen.complaints.push(String(error)));
    Object.assign(seen, await page.evaluate(lookAtPage));
    seen.plots = await page.evaluate(lookAtPlots);
    // What the page's own policy says of eval; tools are exempt from it unless they ask not to be.
    const tried = await (await context.newCDPSession(page)).send("Runtime.evaluate", {
      expression: "(() => { try { return new Function('return 1')() === 1; } catch { return false; } })()",
      returnByValue: true, allowUnsafeEvalBlockedByCSP: false,
    });
    seen.evalWorks = tried.result.value !== false;
  }
  if (seen.plots && seen.plots.length) {
    seen.tooltip = await pointAt(page, request.point || 0);
    await page.mouse.move(0, 0);
    await page.evaluate(() => window.scrollTo(0, 0));
  }
  if (request.picture) await page.screenshot({ path: request.picture, fullPage: true });
  if (request.pdf) await page.pdf({ path: request.pdf, format: "A4" });
  await context.close();
  return seen;
}

(async () => {
  const browser = await chromium.launch({
    executablePath, headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  const pages = [];
  for (const request of JSON.parse(fs.readFileSync(job, "utf8")).pages) pages.push(await open(browser, request));
  await browser.close();
  process.stdout.write(JSON.stringify({ pages }));
})().catch((error) => {
  process.stderr.write(String(error.stack || error) + "\n");
  process.exit(1);
});
