import type { FileQuery } from '../../../file/inspect/cache-inspection.ts';
import { FILE_ORDERS, type FileOrder, type FilePlace } from '../../../file/inspect/file-order.ts';

const DEFAULT_FILES = 50;
const MAX_FILES = 200;
const MAX_SEARCH_CHARACTERS = 1000;

/** What a URL's query asks of the list of files: what is wrong in it is as if it were not there. */
export function fileQueryOf(parameters: URLSearchParams): FileQuery {
  const order = parameters.get('order') as FileOrder;
  const count = Number(parameters.get('count') ?? DEFAULT_FILES);
  return {
    search: (parameters.get('search') ?? '').slice(0, MAX_SEARCH_CHARACTERS),
    order: FILE_ORDERS.includes(order) ? order : 'uses',
    count: Number.isInteger(count) && count > 0 ? Math.min(count, MAX_FILES) : DEFAULT_FILES,
    after: filePlaceOf(parameters.get('after')),
  };
}

function filePlaceOf(text: string | null): FilePlace | undefined {
  try {
    const { value, path } = JSON.parse(text ?? '') as FilePlace;
    return Number.isFinite(value) && typeof path === 'string' ? { value, path } : undefined;
  } catch {
    return undefined;
  }
}
