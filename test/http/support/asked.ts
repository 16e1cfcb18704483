import type { Answer, Handler, ServerRequest } from '../../../src/http/message/exchange.ts';

/** A request for a handler, of which only some is said. */
export function requestFor(target: string, said: Partial<ServerRequest> = {}): ServerRequest {
  return {
    method: 'GET',
    target,
    secure: false,
    remoteAddress: undefined,
    rawHeaders: [],
    body: undefined,
    header: () => undefined,
    ...said,
  };
}

/** What a handler says at once; an answer that is to come is given up. */
export function saidAtOnce(handler: Handler, request: ServerRequest): Answer | 'declined' | 'pending' {
  let said: Answer | 'declined' | 'pending' = 'pending';
  const pending = handler.answer(request, {
    answered: answer => {
      said = answer;
    },
    declined: () => {
      said = 'declined';
    },
    failed: error => {
      if (said !== 'pending' || pending === undefined) throw error;
    },
  });
  pending?.giveUp();
  return said;
}
