// The few names of Node that the tests use, so that checking their types needs no package.
declare module 'node:test' {
  type Body = () => void | Promise<void>;
  export function test(name: string, body: Body): void;
  export function describe(name: string, body: () => void): void;
  export function beforeEach(body: Body): void;
  export function afterEach(body: Body): void;
}
declare module 'node:module' {
  export function register(hooks: URL): void;
}
declare module 'node:assert/strict' {
  interface Assert {
    (value: unknown, message?: string): asserts value;
    ok(value: unknown, message?: string): asserts value;
    equal(actual: unknown, expected: unknown, message?: string): void;
    notEqual(actual: unknown, expected: unknown, message?: string): void;
    deepEqual(actual: unknown, expected: unknown, message?: string): void;
    match(actual: string, expected: RegExp): void;
    throws(body: () => unknown, expected?: unknown): void;
    rejects(promise: Promise<unknown>, expected?: unknown): Promise<void>;
    fail(message?: string): never;
  }
  const assert: Assert;
  export default assert;
}
declare function setImmediate(callback: () => void): unknown;
declare const process: {
  env: Record<string, string | undefined>;
  cwd(): string;
  cpuUsage(before?: object): { user: number; system: number };
};
declare module 'node:fs' {
  export function readFileSync(path: URL, encoding: 'utf8'): string;
  export function cpSync(from: string, to: string): void;
  export function mkdirSync(path: string, options: { recursive: true }): void;
  export function mkdtempSync(prefix: string): string;
  export function rmSync(path: string, options: { recursive: true }): void;
  export function writeFileSync(path: string, text: string): void;
}
declare module 'node:child_process' {
  interface Options {
    cwd: string;
    stdio: 'ignore';
    env: Record<string, string | undefined>;
  }
  export function execFileSync(program: string, options: string[], where: Options): void;
}
declare module 'node:vm' {
  export function createContext(globals: object): object;
  export function runInContext(source: string, context: object): unknown;
}
