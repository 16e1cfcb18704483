import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { problemOf } from '../../fuzz/campaign.ts';
import { readCorpus, textOf } from '../../fuzz/corpus.ts';
import { Random } from '../../fuzz/random.ts';
import { TARGETS } from '../../fuzz/targets.ts';

const CORPUS = fileURLToPath(new URL('../../fuzz/corpus', import.meta.url));
/** Cases of the grammar that follow those of the corpus. */
const MADE_CASES = 50;

for (const [name, load] of Object.entries(TARGETS)) {
  test(`the corpus of ${name}, and some cases of its grammar`, async () => {
    const target = await load();
    after(() => target.close?.());
    const random = new Random(22);
    const corpus = readCorpus(CORPUS, name);
    assert.ok(corpus.length > 0);
    const made = Array.from({ length: MADE_CASES }, () => target.make(random));
    for (const bytes of [...corpus, ...made]) {
      const error = await problemOf(target, bytes);
      assert.equal(error, undefined, `${textOf(bytes)}: ${error?.message}`);
    }
  });
}
