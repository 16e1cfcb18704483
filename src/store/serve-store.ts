import { ArgumentError, describe, IoliteError } from '../base/error.ts';
import type { Channel } from '../ipc/channel.ts';
import type { RequestHandler } from '../ipc/responder.ts';
import type { Store } from './store.ts';
import type { AttachedIndex } from './store-listener.ts';
import { type StoreOwner, StoreService } from './store-service.ts';
import type { ContentFacts } from './stored-version.ts';

/** A store as other domains see it. */
export interface ServedStore<F extends ContentFacts, L> {
  /** In requests: what the indexes have as its name too. */
  readonly name: string;
  /** In errors, for people: 'file cache'. */
  readonly title: string;
  readonly store: Store<F, L>;
  readonly owner: StoreOwner<F>;
}

export interface ServeStoreOptions {
  /** Passed on to {@link StoreOwner.find}. */
  readonly root?: string | undefined;
  /** Answers requests on the channel that are not for the store. */
  readonly otherwise?: RequestHandler | undefined;
}

/** What ends the serving of a channel, which has one handler of requests: it serves one store at a time. */
const endings = new WeakMap<Channel, () => void>();

/**
 * Answers the requests of an index at the other end of a channel, until the channel or the store closes.
 * Takes the channel's request handler, also from another store that it served. A channel that is closed
 * already is served as one that closes at once: nothing is kept for it.
 * @throws ERR_IOLITE_CLOSED when the store is closed; ERR_IOLITE_ARGUMENT
 */
export function serveStore<F extends ContentFacts, L>(
  { name, title, store, owner }: ServedStore<F, L>,
  channel: Channel,
  { root, otherwise }: ServeStoreOptions = {},
): void {
  if (typeof channel?.onRequest !== 'function')
    throw new ArgumentError(`Cannot serve ${title}: a channel is wanted, ${describe(channel)} was given`);
  if (otherwise !== undefined && typeof otherwise !== 'function')
    throw new ArgumentError(`Cannot serve ${title}: a handler is wanted, ${describe(otherwise)} was given`);
  if (store.closed) throw new IoliteError('ERR_IOLITE_CLOSED', `Cannot serve ${title}: it is closed`);
  if (channel.closed) return;
  endings.get(channel)?.();
  const service = new StoreService<F>(name, owner, root);
  const index: AttachedIndex = {
    left: (version, stays) => service.left(version, stays),
    renewed: term => service.renewed(term),
    resized: budget => service.resized(budget),
    closed: end,
    applied: () => service.applied(),
  };
  function end(): void {
    endings.delete(channel);
    channel.off('close', end);
    store.attached.delete(index);
    service.close();
  }
  endings.set(channel, end);
  channel.once('close', end);
  store.attached.add(index);
  channel.onRequest(handlerOf(service, title, otherwise));
}

/** Apart, so that a channel that outlives the store holds no more of it than a service that is closed. */
function handlerOf<F extends ContentFacts>(
  service: StoreService<F>,
  title: string,
  otherwise: RequestHandler | undefined,
): RequestHandler {
  return (message, context) => {
    const answer = service.handle(message);
    if (answer !== undefined) return answer;
    if (otherwise !== undefined) return otherwise(message, context);
    message.body?.release();
    throw new IoliteError('ERR_IOLITE_UNSUPPORTED', `Cannot answer request: it is not for the ${title}`);
  };
}
