import * as v from 'valibot';
import { duration, integer, setting, settings, text } from './schema-parts.ts';

const PART = 'a number from 0 to 1 is wanted';
const MAX_RATE_MIB = 1024 ** 2;
const WANTED = "an address as 'nats://10.0.0.1:4222' is wanted";

/** Where NATS is. */
const ServerSchema = v.pipe(
  text,
  v.regex(/^(nats|tls):\/\/[^/\s]+\/?$/, ({ received }) => `${WANTED}, ${received} was given`),
);
const NameSchema = v.pipe(text, v.regex(/^[\w-]+$/, 'letters, digits, - and _ are wanted'));

const AdvertiseSchema = v.pipe(
  text,
  v.regex(/^http:\/\/[^/\s]+\/?$/, "an address as 'http://10.0.0.7:9080' is wanted"),
);

/** The place of a server among other machines. */
export const ClusterSchema = settings({
  servers: setting(v.union([ServerSchema, v.array(ServerSchema)]), 'where NATS is, one address or several'),
  name: setting(NameSchema, 'of the cluster, among all that use the same NATS (iolite)'),
  machine: setting(NameSchema, 'of this machine in it (the name of the host and some digits)'),
  advertise: setting(
    AdvertiseSchema,
    'where other machines get contents from this one, as http://10.0.0.7:9080 (nowhere)',
  ),
  secret: setting(
    v.pipe(text, v.minLength(16, '16 characters at least are wanted')),
    'that all its machines know: with one, what one of them has asked of an origin is for all (none)',
  ),
  warm: setting(
    v.pipe(v.number(PART), v.minValue(0, PART), v.maxValue(1, PART)),
    'part of the budget that comes from the other machines at the start, where there is a secret (0.5)',
  ),
  warmRate: setting(integer(1, MAX_RATE_MIB), 'MiB of that a second at most (32)'),
  warmTimeout: setting(duration(0), 'after which /ready says 200 though not all of it has come (30 s)'),
  replicas: setting(integer(1, 5), 'copies of what NATS keeps for it: 1, 3 or 5 (1)'),
  maxLag: setting(duration(2500, 10_000), 'without a word of the others, after which it is cut off (5 s)'),
  onPartition: setting(
    v.picklist(['validate', 'stale', 'fail']),
    'what it does then with what is stored: asks the origin each time, goes on, or answers 504 (validate)',
  ),
});
