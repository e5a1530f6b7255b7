// Measures the addresses that come on standard input, a JSON a line, each in a fresh
// browser, and answers each with a line: Lighthouse's report.
import { createInterface } from "node:readline";
import { launch } from "chrome-launcher";
import lighthouse, { desktopConfig } from "lighthouse";

for await (const line of createInterface({ input: process.stdin })) {
  const { address, device, categories, chromeFlags } = JSON.parse(line);
  const chrome = await launch({ chromeFlags });
  const options = { port: chrome.port, onlyCategories: categories, disableFullPageScreenshot: true };
  const { lhr } = await lighthouse(address, options, device === "desktop" ? desktopConfig : undefined);
  chrome.kill();
  console.log(JSON.stringify(lhr));
}
