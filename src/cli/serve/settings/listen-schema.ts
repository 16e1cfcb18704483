import * as v from 'valibot';
import { unixPathOf } from '../../../os/unix-address.ts';
import { integer, needed, setting, settings, text } from './schema-parts.ts';

/** (uid_t) -1 is none. */
const MAX_ID = 0xffff_fffe;
const id = v.union([text, integer(0, MAX_ID)], 'a name or a number is wanted');

/** As `unix:/run/site.sock`. */
const SocketSchema = v.pipe(
  text,
  v.check(
    given => unixPathOf(given) !== undefined,
    ({ received }) => `an address as 'unix:/run/site.sock' is wanted, ${received} was given`,
  ),
);

const OwnedSocketSchema = settings({
  path: needed(text, 'of the file; @ and a name for an abstract one'),
  mode: setting(
    v.pipe(text, v.regex(/^0?[0-7]{3}$/, "permissions as '0660' are wanted")),
    'of the file (0660)',
  ),
  user: setting(id, 'who it belongs to (who the server runs as)'),
  group: setting(id, 'the group that it belongs to'),
});

const PlaceSchema = v.union([SocketSchema, OwnedSocketSchema]);

/** Unix sockets to listen on. */
export const ListenSchema = v.union([
  PlaceSchema,
  v.pipe(v.array(PlaceSchema), v.nonEmpty('a socket is wanted')),
]);
