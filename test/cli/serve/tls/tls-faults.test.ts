import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { planTls } from '../../../../src/cli/serve/tls/tls-plan.ts';
import { certificate } from '../../../support/certificate.ts';
import { assertMet, attemptAll, type FaultCell } from '../../../support/faults/attempt.ts';
import { underFaults } from '../../../support/faults/under-faults.ts';
import { Folder } from '../../../support/folder.ts';

const FILES = ['cert.pem', 'key.pem', 'tickets'];
const ERRORS = ['EACCES', 'EIO', 'EMFILE', 'ENOENT', 'ESTALE'] as const;

const CELLS: FaultCell[] = FILES.flatMap((path): FaultCell[] => [
  ...ERRORS.map((error): FaultCell => ['open', { path, error }]),
  ['read', { path, error: 'EIO' }],
  ['read', { path, error: 'EISDIR' }],
  ['read', { path, short: 7 }],
]);

underFaults(import.meta.url, faults => {
  test('files of TLS that cannot be read are named with the reason, and used when they can', async () => {
    const outcomes = await attemptAll(faults, CELLS, () => {
      const folder = new Folder();
      const { paths } = certificate(folder);
      writeFileSync(folder.file('tickets'), Buffer.alloc(80, 1));
      let told: string[] = [];
      const operation = async (): Promise<void> => {
        const { settings, faults } = await planTls({ ...paths, ticketKeys: folder.file('tickets') });
        told = [...faults];
        // Whoever reloads goes on with what there was unless all is right.
        assert.equal(settings === undefined, told.length > 0);
        for (const fault of told) assert.match(fault, /^Cannot read the (?!.*Unknown).*\bE[A-Z]+\b/);
      };
      const end = async (): Promise<void> => {
        await operation();
        assert.deepEqual(told, []);
        folder[Symbol.dispose]();
      };
      return { operation, end };
    });
    assertMet(outcomes);
  });
});
