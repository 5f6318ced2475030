/**
 * Applies Markdown to the selection of a text. No DOM.
 * @module
 */

/**
 * @typedef {'bold' | 'italic' | 'strike' | 'code' | 'codeBlock' | 'quote' | 'list' | 'link'} Format
 * @typedef {object} Change Replace the text from `start` to `end`; then select from `from` to `to`.
 * @property {number} start
 * @property {number} end
 * @property {string} text
 * @property {number} from
 * @property {number} to
 */

const MARKS = { bold: '**', italic: '*', strike: '~~', code: '`' };
const PREFIXES = { quote: '> ', list: '- ' };

/**
 * Add a format to the selection, or remove it if the selection has it.
 * @param {Format} format
 * @param {string} text
 * @param {number} start
 * @param {number} end
 * @returns {Change}
 */
export function formatted(format, text, start, end) {
  if (format === 'link') return link(text, start, end);
  if (format === 'quote' || format === 'list') return prefixed(PREFIXES[format], text, start, end);
  if (format === 'codeBlock' || (format === 'code' && text.slice(start, end).includes('\n')))
    return fenced(text, start, end);
  return marked(MARKS[format], text, start, end);
}

/**
 * @param {string} mark
 * @param {string} text
 * @param {number} start
 * @param {number} end
 * @returns {Change}
 */
function marked(mark, text, start, end) {
  // "** word **" is not markup.
  while (start < end && /\s/.test(text[start])) start += 1;
  while (end > start && /\s/.test(text[end - 1])) end -= 1;
  const size = mark.length;
  const inner = text.slice(start, end);
  if (hasMark(mark, text, start, end))
    return {
      start: start - size,
      end: end + size,
      text: inner,
      from: start - size,
      to: end - size,
    };
  return { start, end, text: mark + inner + mark, from: start + size, to: end + size };
}

/**
 * One asterisk is italic, two are bold, three are both.
 * @param {string} mark
 * @param {string} text
 * @param {number} start
 * @param {number} end
 */
function hasMark(mark, text, start, end) {
  const sign = mark[0];
  const before = run(text, start - 1, -1, sign);
  const after = run(text, end, 1, sign);
  const both = Math.min(before, after);
  return mark === '*' ? both === 1 || both === 3 : both >= mark.length;
}

/** @param {string} text @param {number} at @param {1 | -1} step @param {string} sign */
function run(text, at, step, sign) {
  let count = 0;
  while (text[at + count * step] === sign) count += 1;
  return count;
}

/**
 * @param {string} prefix
 * @param {string} text
 * @param {number} start
 * @param {number} end
 * @returns {Change}
 */
function prefixed(prefix, text, start, end) {
  const from = text.lastIndexOf('\n', start - 1) + 1;
  const until = text.indexOf('\n', end);
  const to = until < 0 ? text.length : until;
  const lines = text.slice(from, to).split('\n');
  const all = lines.every((line) => line.startsWith(prefix));
  const changed = lines.map((line) => (all ? line.slice(prefix.length) : prefix + line)).join('\n');
  return {
    start: from,
    end: to,
    text: changed,
    from: start === end ? from + changed.length : from,
    to: from + changed.length,
  };
}

/**
 * @param {string} text
 * @param {number} start
 * @param {number} end
 * @returns {Change}
 */
function fenced(text, start, end) {
  const open = start > 0 && text[start - 1] !== '\n' ? '\n```\n' : '```\n';
  const close = `\n\`\`\`${end < text.length && text[end] !== '\n' ? '\n' : ''}`;
  const inner = text.slice(start, end);
  return {
    start,
    end,
    text: open + inner + close,
    from: start + open.length,
    to: start + open.length + inner.length,
  };
}

/**
 * @param {string} text
 * @param {number} start
 * @param {number} end
 * @returns {Change}
 */
function link(text, start, end) {
  const inner = text.slice(start, end);
  if (/^https?:\/\/\S+$/.test(inner))
    // The selection is an address, so the link text is missing.
    return { start, end, text: `[](${inner})`, from: start + 1, to: start + 1 };
  const address = 'https://';
  const from = start + inner.length + 3;
  return {
    start,
    end,
    text: `[${inner}](${address})`,
    from: inner ? from : start + 1,
    to: inner ? from + address.length : start + 1,
  };
}
