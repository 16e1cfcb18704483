// The live totals on the first page. Another server has no status to give: then the page says so.
'use strict';

const MiB = 1024 * 1024;
const note = document.getElementById('live-note');
const totals = document.getElementById('live-totals');

function show(id, bytes) {
  document.getElementById(id).textContent = `${(bytes / MiB).toFixed(1)} MiB`;
}

// A note that does not change is not written again, so that a screen reader is not told again.
function say(text) {
  if (note.textContent !== text) note.textContent = text;
}

async function update() {
  let wait = 2000;
  try {
    const signal = AbortSignal.timeout(5000);
    const response = await fetch('/_iolite/status.json', { cache: 'no-store', signal });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const status = await response.json();
    show('live-data', status.totals.dataBytes);
    show('live-physical', status.totals.physicalBytes);
    show('live-each', status.totals.oneCopyEachBytes);
    document.getElementById('live-processes').textContent = String(status.processes.length);
    totals.hidden = false;
    say('From the server of this page, every two seconds:');
  } catch {
    totals.hidden = true;
    say('The server of this page gives no live totals at present.');
    wait = 10000;
  }
  setTimeout(update, wait);
}

update();
