import { InvalidArgumentError } from 'commander';

/** Parses what the command line says of a number: an integer in decimal digits, from `min` to `max`. */
export function integerArgument(min: number, max: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`An integer from ${min} to ${max} is wanted.`);
  };
}
