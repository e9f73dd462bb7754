// Opens every page in both languages, both colour schemes and two widths, and tells: what axe
// finds against WCAG 2.2 A and AA, what the page's own policy blocked, what the script threw, and
// whether a page scrolls sideways, and whether the war room stands on one screen. `then` names forms
// to be sent from a page, so that what answers them is looked at too; `statuses` pages that refuse;
// `wide` those that are also shown on a projector.
import axe from 'axe-core';
import { eachPage, open } from './open.mjs';

const input = JSON.parse(process.argv[2]);
const { pages, langs, oneScreen, statuses = {}, then = {}, wide = [] } = input;
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
// Each language and scheme once in each width would be four times the work for little: texts and
// colours are the same, so languages and schemes are crossed and widths alternate.
const LOOKS = [
  { lang: langs[0], scheme: 'light', width: 1280 },
  { lang: langs[0], scheme: 'dark', width: 360 },
  { lang: langs[1], scheme: 'dark', width: 1280 },
  { lang: langs[1], scheme: 'light', width: 360 },
];

const browser = await open();
let faults = 0;
let looked = 0;
let asked = 0;
let told;
const made = (page) => {
  told = [];
  page.on('console', (line) => line.type() === 'error' && told.push(line.text()));
  page.on('pageerror', (error) => told.push(String(error)));
};

const axes = async (page) => {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate((tags) => axe.run(document, { runOnly: { type: 'tag', values: tags } }), RULES);
  for (const violation of violations) {
    const where = violation.nodes.slice(0, 3).map((node) => `${node.target.join(' ')} ${node.failureSummary.split('\n').slice(1, 2)}`);
    told.push(`${violation.id} (${violation.impact}) x${violation.nodes.length}: ${where.join(' | ')}`);
  }
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (sideways > 0) told.push(`scrolls sideways by ${sideways} px`);
};
const sum = (shown) => {
  looked += 1;
  faults += told.length;
  for (const line of told.splice(0)) console.log(`${shown}: ${line}`);
};
// A refusal is an error to the console too; here it is what was asked for.
const expected = (status) => {
  const refusal = `the server responded with a status of ${status}`;
  if (status >= 400) told = told.filter((line) => !line.includes(refusal));
};

const look = async (page, answer, { path, width, shown }) => {
  const status = statuses[path] ?? 200;
  if (answer.status() !== status) told.push(`status ${answer.status()}`);
  expected(status);
  await axes(page);
  if (width >= 1280 && oneScreen.includes(path)) {
    const hidden = await page.evaluate(() => {
      const below = (part) => !part || part.getBoundingClientRect().height < 40 || part.getBoundingClientRect().bottom > innerHeight;
      return ['.war-top', '.war > .left', '.war > .centre', '.war > .right-side', '.war-bottom'].filter((part) => below(document.querySelector(part)));
    });
    if (hidden.length) told.push(`not on the first screen: ${hidden.join(' ')}`);
  }
  sum(shown);
  for (const { action, fields, status: wanted } of then[path] ?? []) {
    asked += 1;
    await page.goto(input.base + path, { waitUntil: 'load' });
    told.splice(0);
    const all = Object.entries(fields).map(([name, value]) => [name, value.replace('$n', String(asked))]);
    const [sent] = await Promise.all([
      page.waitForNavigation({ waitUntil: 'load' }),
      page.evaluate(([to, pairs]) => {
        const form = document.createElement('form');
        [form.method, form.action] = ['post', to];
        const csrf = document.querySelector('input[name=csrf]')?.value;
        for (const [name, value] of [...pairs, ['csrf', csrf ?? '']]) {
          const field = document.createElement('input');
          [field.type, field.name, field.value] = ['hidden', name, value];
          form.append(field);
        }
        document.body.append(form);
        HTMLFormElement.prototype.submit.call(form);
      }, [action, all]),
    ]);
    if (sent.status() !== wanted) told.push(`status ${sent.status()}`);
    expected(wanted);
    await axes(page);
    sum(`${shown} then ${action}`);
  }
};

await eachPage(browser, LOOKS, input, made, look);
const projector = [{ lang: langs[0], scheme: 'dark', width: 1920 }, { lang: langs[1], scheme: 'light', width: 1920 }];
await eachPage(browser, projector, { ...input, pages: wide }, made, look);
await browser.close();
console.log(`looked at ${looked} pages, ${faults} faults`);
process.exit(faults === 0 && looked === LOOKS.length * pages.length + projector.length * wide.length + asked ? 0 : 1);
