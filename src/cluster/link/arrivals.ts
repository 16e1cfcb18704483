import type { Aggregate } from '../../aggregate/aggregate.ts';

/** A message whose place among the others is fixed, and whose body may be still to come. */
export interface Arrival {
  /** Its body is here, and the message goes on as soon as those before it have. Takes over the reference. */
  complete(body: Aggregate): void;
  /** It comes to nothing: `instead` is called in its place. */
  fail(instead: () => void): void;
}

/** A place among the messages. */
class Place {
  /** The message goes on. Undefined while its body is not here. */
  run: (() => void) | undefined;
  /** What is released if it never does. */
  body: Aggregate | undefined;
}

/** Messages in the order of their sending: one whose body takes long holds up those behind it. */
export class Arrivals {
  readonly #places: Place[] = [];
  #isEnded = false;

  /** A message that is here as a whole. @param deliver takes over the body */
  pass(body: Aggregate | undefined, deliver: (body: Aggregate | undefined) => void): void {
    if (this.#places.length === 0) return deliver(body);
    const place = new Place();
    this.#places.push(place);
    this.#fill(place, body, deliver);
  }

  /** A message whose body comes yet. @param deliver takes over the body */
  expect(deliver: (body: Aggregate | undefined) => void): Arrival {
    const place = new Place();
    this.#places.push(place);
    return {
      complete: body => {
        if (this.#isEnded) return body.release();
        this.#fill(place, body, deliver);
        this.#advance();
      },
      fail: instead => {
        place.run = instead;
        this.#advance();
      },
    };
  }

  /** The link is closed: what waits is released, and so is what comes yet. */
  end(): void {
    this.#isEnded = true;
    for (const { body } of this.#places.splice(0)) body?.release();
  }

  #fill(place: Place, body: Aggregate | undefined, deliver: (body: Aggregate | undefined) => void): void {
    place.body = body;
    place.run = () => deliver(body);
  }

  #advance(): void {
    for (let run = this.#places[0]?.run; run !== undefined; run = this.#places[0]?.run) {
      this.#places.shift();
      run();
    }
  }
}
