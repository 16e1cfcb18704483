/** The application behind the servers: makes records of any length, and gives back what it is sent. */
import type { AppHandler } from '../../src/http/app/app-side/application.ts';
import { LEAST_RECORD_BYTES, makeRecord } from '../payload.ts';
import { APP_SOURCE } from '../stage.ts';

/** The package as it is built, for it is that whose server runs this. */
const PACKAGE = '../../dist/index.js';
const { createPool } = (await import(PACKAGE)) as typeof import('../../src/index.ts');
const pool = createPool({ name: 'app' });
const MAKE = /^\/make\/(\d+)\/(\d+)$/;
let sequence = 0;

const answer: AppHandler = async request => {
  if (request.method === 'POST') return { body: await request.read() };
  const asked = MAKE.exec(request.target);
  // A file that is not there for the moment in which its directory is exchanged.
  if (asked === null) return { status: 404 };
  const [, kind, length] = asked;
  const { body } = makeRecord(pool, Math.max(LEAST_RECORD_BYTES, Number(length)), {
    source: APP_SOURCE + Number(kind),
    version: process.pid,
    sequence: sequence++,
  });
  return { body, headers: { 'Cache-Control': Number(kind) % 2 === 0 ? 'max-age=1' : 'no-store' } };
};
export default answer;
