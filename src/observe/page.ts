/**
 * The page at `/_iolite`: what each process maps of the cache, and what physical memory holds it. It polls
 * `/_iolite/status.json` and needs nothing else. Inside the template no backtick, `${` or backslash is used,
 * so that what is written is what is served.
 */
export const STATUS_PAGE: string = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>iolite: memory per process, live</title>
<link rel="icon" href="data:,">
<style>
:root {
  color-scheme: light dark;
  --text: #1c2430; --soft: #55606f; --page: #ffffff; --line: #d3d9e1; --one: #0b6e6e; --each: #b4551d;
  --warn-text: #7a1f10; --warn-page: #fdece8; --link: #0b5cad;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6eaf0; --soft: #a3aebb; --page: #14181e; --line: #36404d; --one: #4fc3c3; --each: #f0a06a;
    --warn-text: #ffc9bd; --warn-page: #44201a; --link: #86bdff;
  }
}
body {
  margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 62rem;
  font: 1rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--page);
}
a { color: var(--link); }
h1 { margin: 0 0 .25rem; font-size: 1.5rem; line-height: 1.25; }
h2 { margin: 2rem 0 .5rem; font-size: 1.125rem; }
p { max-width: 44rem; }
.soft { color: var(--soft); }
#state { min-height: 1.5rem; margin: .75rem 0; padding: .25rem 0; }
#state.failing { padding: .25rem .75rem; color: var(--warn-text); background: var(--warn-page); }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { padding: .25rem 0; text-align: left; color: var(--soft); }
th, td { padding: .4rem .75rem; border-bottom: 1px solid var(--line); text-align: right; }
th { font-weight: 600; }
thead th { vertical-align: bottom; }
th:first-child { padding-left: 0; text-align: left; }
dl { display: grid; grid-template-columns: minmax(0, 1fr) auto; margin: 0; max-width: 44rem; }
dt, dd { margin: 0; padding: .4rem 0; border-bottom: 1px solid var(--line); }
dd { padding-left: 1rem; text-align: right; font-weight: 600; font-variant-numeric: tabular-nums; }
.bars { margin-top: 1.25rem; max-width: 44rem; }
.bar { height: 1.1rem; margin: .1rem 0 .6rem; background: var(--line); }
.bar div { height: 100%; width: 0; forced-color-adjust: none; }
#bar-one { background: var(--one); }
#bar-each { background: var(--each); }
.stale td, .stale dd { color: var(--soft); font-style: italic; }
</style>
</head>
<body>
<header>
<h1>Memory per process, live</h1>
<p class="soft">One copy of the cached data, mapped read-only by every process. Measured each second.</p>
<p id="state" role="status">Waiting for the first figures.</p>
<noscript><p>This page needs JavaScript. The figures are in
<a href="/_iolite/status.json">/_iolite/status.json</a>.</p></noscript>
</header>
<main>
<h2 id="processes">Processes</h2>
<div class="scroll" role="region" aria-labelledby="processes" tabindex="0">
<table>
<caption>One row a process. A page that several processes map is divided among them in the
proportional set size (PSS), so the sum of PSS counts it once.</caption>
<thead>
<tr>
<th scope="col">role</th>
<th scope="col">pid</th>
<th scope="col">cache bytes mapped</th>
<th scope="col">proportional set size of the cache</th>
<th scope="col">PSS of the whole process</th>
<th scope="col">requests served</th>
<th scope="col">not in the log</th>
</tr>
</thead>
<tbody id="rows"></tbody>
</table>
</div>
<h2>Totals</h2>
<dl>
<dt>data in the cache <span class="soft" id="files"></span></dt><dd id="data">–</dd>
<dt>physical memory of the chunks that hold it</dt><dd id="physical">–</dd>
<dt>what one copy per process would take</dt><dd id="each">–</dd>
<dt>ratio of one copy per process to this</dt><dd id="ratio">–</dd>
</dl>
<p class="soft">Physical memory is what the kernel has allocated to the chunks, with what is free at
their ends.
The sum of PSS is less: a page that no process has touched since it was filled is in no page table.</p>
<div class="bars" aria-hidden="true">
<div>physical memory in use</div>
<div class="bar"><div id="bar-one"></div></div>
<div>one copy per process (a calculation, not a measurement)</div>
<div class="bar"><div id="bar-each"></div></div>
</div>
<p><a href="/">Back to the site</a> · <a href="/_iolite/status.json">the same as JSON</a></p>
</main>
<script>
'use strict';
const PERIOD_MS = 1000;
const PATIENCE_MS = 5000;
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const at = id => document.getElementById(id);
const rows = new Map(); // pid -> the row's cells, kept so that a selection or a reader's place survives
let last = null;

function bytes(n) {
  let unit = 0;
  while (n >= 1024 && unit < UNITS.length - 1) {
    n /= 1024;
    unit++;
  }
  return n.toFixed(unit === 0 ? 0 : 1) + ' ' + UNITS[unit];
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function rowOf(pid) {
  let row = rows.get(pid);
  if (row === undefined) {
    const element = document.createElement('tr');
    const role = document.createElement('th');
    role.scope = 'row';
    element.append(role);
    for (let i = 0; i < 6; i++) element.append(document.createElement('td'));
    row = { element, cells: [...element.children] };
    rows.set(pid, row);
  }
  return row;
}

function showProcesses(processes) {
  const live = new Set(processes.map(each => each.pid));
  for (const [pid, row] of rows) {
    if (live.has(pid)) continue;
    row.element.remove();
    rows.delete(pid);
  }
  processes.forEach((each, index) => {
    const { element, cells } = rowOf(each.pid);
    const texts = [
      each.role, String(each.pid), bytes(each.mapped), bytes(each.chunkPss), bytes(each.pss),
      each.requests.toLocaleString('en'), each.unlogged.toLocaleString('en'),
    ];
    texts.forEach((text, column) => put(cells[column], text));
    const there = at('rows').children[index];
    if (there !== element) at('rows').insertBefore(element, there || null);
  });
}

function showTotals(totals) {
  const { files, dataBytes, physicalBytes, oneCopyEachBytes } = totals;
  const most = Math.max(physicalBytes, oneCopyEachBytes, 1);
  put(at('files'), '(' + files.toLocaleString('en') + (files === 1 ? ' file)' : ' files)'));
  put(at('data'), bytes(dataBytes));
  put(at('physical'), bytes(physicalBytes));
  put(at('each'), bytes(oneCopyEachBytes));
  put(at('ratio'), physicalBytes > 0 ? (oneCopyEachBytes / physicalBytes).toFixed(2) + ' to 1' : '–');
  at('bar-one').style.width = (100 * physicalBytes) / most + '%';
  at('bar-each').style.width = (100 * oneCopyEachBytes) / most + '%';
}

// The state is the only live region, and changes only when the poll starts or ceases to work: figures that
// are read out each second would make the page useless with a screen reader.
function showState(failure) {
  const failing = failure !== null;
  const since = last === null ? 'There are no figures yet.' : 'The figures are from ' + last + '.';
  put(at('state'), failing ? failure + ' Still trying, each second. ' + since : 'Live.');
  at('state').classList.toggle('failing', failing);
  document.body.classList.toggle('stale', failing && last !== null);
}

async function poll() {
  let failure = 'The server does not answer.';
  try {
    const response = await fetch('/_iolite/status.json', {
      cache: 'no-store',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    failure = 'The server answered ' + response.status + '.';
    if (response.ok) {
      failure = 'The answer cannot be read.';
      const status = await response.json();
      showProcesses(status.processes);
      showTotals(status.totals);
      last = new Date(status.time).toLocaleTimeString();
      failure = null;
    }
  } catch {
    // The state says what failed.
  }
  showState(failure);
  setTimeout(poll, PERIOD_MS);
}

poll();
</script>
</body>
</html>
`;
