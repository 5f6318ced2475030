/**
 * The proof of work of sign-up (realtime/auth/proof_of_work.py): a number so that the SHA-256 of
 * `seed:number` begins with so many zero bits.
 *
 * The browser's own SHA-256 exists only over HTTPS, and is slow for so many short texts.
 * @module
 */

const ROUNDS = 64;
/** Characters that fit into one block beside its end and the length. */
const MAX_LENGTH = 55;

const primes = Array.from({ length: 312 }, (_, number) => number).filter(isPrime);
const constants = Int32Array.from(primes.slice(0, ROUNDS), (prime) => fraction(Math.cbrt(prime)));
const initial = Uint32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
// Signed, because those additions are the fastest.
const schedule = new Int32Array(ROUNDS);
const result = new Uint32Array(8);

/** @param {number} number */
function isPrime(number) {
  for (let factor = 2; factor * factor <= number; factor += 1)
    if (number % factor === 0) return false;
  return number > 1;
}

/** The first 32 bits behind the point. @param {number} number */
function fraction(number) {
  return Math.floor((number - Math.floor(number)) * 2 ** 32);
}

/** @param {number} word @param {number} bits */
const rotate = (word, bits) => (word >>> bits) | (word << (32 - bits));

/**
 * @param {string} text  of at most 55 ASCII characters
 * @returns {Uint32Array}  the eight words of its SHA-256 (FIPS 180-4), until the next call
 */
export function sha256(text) {
  if (text.length > MAX_LENGTH) throw new RangeError(`expected at most ${MAX_LENGTH} characters`);
  schedule.fill(0, 0, 16);
  for (let index = 0; index <= text.length; index += 1) {
    const byte = index < text.length ? text.charCodeAt(index) : 0x80;
    schedule[index >> 2] |= byte << (24 - 8 * (index & 3));
  }
  schedule[15] = text.length * 8;
  for (let index = 16; index < ROUNDS; index += 1) {
    const early = schedule[index - 15];
    const late = schedule[index - 2];
    schedule[index] =
      (schedule[index - 16] +
        (rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3)) +
        schedule[index - 7] +
        (rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10))) |
      0;
  }
  let a = initial[0] | 0;
  let b = initial[1] | 0;
  let c = initial[2] | 0;
  let d = initial[3] | 0;
  let e = initial[4] | 0;
  let f = initial[5] | 0;
  let g = initial[6] | 0;
  let h = initial[7] | 0;
  for (let index = 0; index < ROUNDS; index += 1) {
    const first =
      (h +
        (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
        ((e & f) ^ (~e & g)) +
        constants[index] +
        schedule[index]) |
      0;
    const second =
      ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  result[0] = a + initial[0];
  result[1] = b + initial[1];
  result[2] = c + initial[2];
  result[3] = d + initial[3];
  result[4] = e + initial[4];
  result[5] = f + initial[5];
  result[6] = g + initial[6];
  result[7] = h + initial[7];
  return result;
}

/**
 * @param {string} seed
 * @param {number} bits  at most 32
 * @returns {number}
 */
export function solve(seed, bits) {
  for (let number = 0; ; number += 1)
    if (Math.clz32(sha256(`${seed}:${number}`)[0]) >= bits) return number;
}
