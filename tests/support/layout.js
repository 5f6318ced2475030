/**
 * Finds faults in the boxes of a page: texts that overlap, leave the screen, are cut, or
 * are broken within a word. Runs in the page (tests/support/layout.py).
 */
(() => {
  /** Rounding of boxes. */
  const TOLERANCE_PX = 1.5;
  /** A line of text is lower than the box of its font. */
  const INK = 0.2;
  /** An ellipsis replaces the end of a text, not all of it; in sizes of its font. */
  const LEAST_ELLIPSIS_EM = 2.5;
  /** Longer ones may be broken: an address, a compound. */
  const LONGEST_WORD = 20;
  /** So may a word that takes more of its window, of large text. */
  const WIDEST_WORD = 0.6;
  /** May be wider than the window. */
  const SIDEWAYS =
    'pre, textarea, input, select, [role="region"][tabindex], #changelist-filter ul';
  /** For screen readers alone, here and in Django's admin. */
  const UNSEEN = '.unseen, .visually-hidden';
  /** Of a choice, as the browser draws it. */
  const ARROW_PX = 20;
  const CONTROLS = 'button, input:not([type="hidden"]), select, textarea, img, svg, .tag, .badge';

  const isSeen = (/** @type {Element} */ element) => {
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    const { width, height } = element.getBoundingClientRect();
    return (width > 1 && height > 1) || getComputedStyle(element).overflow === 'visible';
  };

  /** A sign in the place of its text, which is moved out of its box. */
  const isSign = (/** @type {Element} */ element) =>
    Math.abs(Number.parseFloat(getComputedStyle(element).textIndent)) > innerWidth / 2;

  const name = (/** @type {Element} */ element) => {
    const id = element.getAttribute('data-slot') ?? element.id;
    const classes = [...element.classList].map((each) => `.${each}`).join('');
    const text = (element.textContent ?? '').trim().replaceAll(/\s+/g, ' ').slice(0, 30);
    const parent =
      classes || id
        ? ''
        : `${element.parentElement ? name(element.parentElement).split(' “')[0] : ''} > `;
    return `${parent}${element.localName}${classes}${id ? `#${id}` : ''}${text ? ` “${text}”` : ''}`;
  };

  /** A floating element has a layer of its own, and may cover the rest. */
  const layerOf = (/** @type {Element} */ element) => {
    for (let at = /** @type {Element | null} */ (element); at; at = at.parentElement) {
      if (at.matches('dialog[open], [popover]')) return at;
      const { position, zIndex } = getComputedStyle(at);
      if (position === 'fixed' || (zIndex !== 'auto' && zIndex !== '0' && !at.matches('.message')))
        return at;
    }
    return null;
  };

  /** The visible part of a box, and the ancestor that cuts it without an ellipsis. */
  const clipped = (/** @type {Element} */ element, /** @type {DOMRect} */ rect) => {
    let { left, top, right, bottom } = rect;
    let cutBy = null;
    let ellipsis = null;
    for (let at = /** @type {Element | null} */ (element); at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (at === document.documentElement || at === document.body) break;
      if (style.textOverflow === 'ellipsis' || style.webkitLineClamp !== 'none') ellipsis = at;
      if (style.overflowX === 'visible' && style.overflowY === 'visible') {
        if (style.position === 'fixed') break;
        continue;
      }
      const box = at.getBoundingClientRect();
      const beyond = left < box.left - TOLERANCE_PX || right > box.right + TOLERANCE_PX;
      const below = bottom > box.bottom + 3 * TOLERANCE_PX || top < box.top - 3 * TOLERANCE_PX;
      if (beyond && !ellipsis && (style.overflowX === 'hidden' || style.overflowX === 'clip'))
        cutBy = at;
      if (below && !ellipsis && (style.overflowY === 'hidden' || style.overflowY === 'clip'))
        cutBy = at;
      left = Math.max(left, box.left);
      right = Math.min(right, box.right);
      top = Math.max(top, box.top);
      bottom = Math.min(bottom, box.bottom);
      if (style.position === 'fixed') break;
    }
    return { left, top, right, bottom, cutBy, ellipsis };
  };

  /** The visible texts and controls within `root`. */
  const pieces = (/** @type {Element} */ root) => {
    const found = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const owner = node.parentElement;
      if (
        !node.nodeValue?.trim() ||
        !owner ||
        !isSeen(owner) ||
        isSign(owner) ||
        owner.closest(`${UNSEEN}, template, script, option, select, textarea`)
      )
        continue;
      range.selectNodeContents(node);
      for (const rect of range.getClientRects())
        if (rect.width > 1) found.push({ owner, node, rect, ink: INK });
    }
    for (const owner of root.querySelectorAll(CONTROLS)) {
      if (!isSeen(owner) || owner.closest(UNSEEN)) continue;
      let rect = owner.getBoundingClientRect();
      if (owner.matches('input, select, textarea')) {
        const style = getComputedStyle(owner);
        const [start, end] = [
          Number.parseFloat(style.paddingLeft),
          Number.parseFloat(style.paddingRight),
        ];
        rect = new DOMRect(
          rect.left + start,
          rect.top,
          Math.max(0, rect.width - start - end),
          rect.height,
        );
      }
      if (rect.width > 0) found.push({ owner, node: null, rect, ink: 0 });
    }
    return found;
  };

  const words = (/** @type {Text} */ node) =>
    [...(node.nodeValue ?? '').matchAll(/\S+/g)]
      .filter(([run]) => run.length <= LONGEST_WORD)
      .flatMap(({ 0: run, index: start }) =>
        [...run.matchAll(/[\p{L}\p{M}\p{N}]{2,}/gu)].map(({ 0: word, index }) => ({
          word,
          index: start + index,
        })),
      );

  const brokenWords = (/** @type {Element} */ owner, /** @type {Text} */ node) => {
    const range = document.createRange();
    return words(node).flatMap(({ word, index }) => {
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const lines = [...range.getClientRects()].filter(({ width }) => width > 0);
      if (
        lines.length < 2 ||
        Math.abs(lines[0].top - lines[lines.length - 1].top) < lines[0].height / 2
      )
        return [];
      const width = lines.reduce((sum, line) => sum + line.width, 0);
      return width > innerWidth * WIDEST_WORD ? [] : [`broken within “${word}”: ${name(owner)}`];
    });
  };

  const faults = (/** @type {Element} */ root) => {
    const found = [];
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > width + TOLERANCE_PX)
      found.push(`the page is ${document.documentElement.scrollWidth} px wide`);
    for (const each of root.querySelectorAll('*')) {
      if (each.scrollWidth <= each.clientWidth + 1 || each.matches(SIDEWAYS)) continue;
      const { overflowX, position } = getComputedStyle(each);
      if (/auto|scroll/.test(overflowX) && position !== 'fixed' && isSeen(each))
        found.push(`scrolls sideways: ${name(each)}`);
    }
    const shown = [];
    const checked = new Set();
    for (const piece of pieces(root)) {
      const seen = clipped(piece.owner, piece.rect);
      if (seen.cutBy) found.push(`cut by ${name(seen.cutBy)}: ${name(piece.owner)}`);
      if (seen.right - seen.left < 1 || seen.bottom - seen.top < 2) {
        if (
          seen.ellipsis &&
          piece.rect.top < innerHeight &&
          seen.right - seen.left < 1 &&
          seen.bottom - seen.top >= 2
        )
          found.push(`nothing left of ${name(piece.owner)}`);
        continue;
      }
      if (seen.left < -TOLERANCE_PX || seen.right > width + TOLERANCE_PX)
        found.push(`leaves the screen: ${name(piece.owner)}`);
      if (piece.node && !checked.has(piece.node)) {
        checked.add(piece.node);
        found.push(...brokenWords(piece.owner, /** @type {Text} */ (piece.node)).slice(0, 1));
        const { ellipsis } = seen;
        if (ellipsis && ellipsis.scrollWidth > ellipsis.clientWidth + 1) {
          const least = Number.parseFloat(getComputedStyle(ellipsis).fontSize) * LEAST_ELLIPSIS_EM;
          if (ellipsis.clientWidth < least)
            found.push(`hardly anything left of ${name(ellipsis)}: ${ellipsis.clientWidth} px`);
        }
      }
      const slack = (seen.bottom - seen.top) * piece.ink;
      shown.push({
        ...piece,
        layer: layerOf(piece.owner),
        left: seen.left,
        right: seen.right,
        top: seen.top + slack,
        bottom: seen.bottom - slack,
      });
    }
    shown.sort((one, other) => one.top - other.top);
    shown.forEach((one, index) => {
      for (const other of shown.slice(index + 1)) {
        if (other.top >= one.bottom - TOLERANCE_PX) break;
        const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        if (
          across <= 2 * TOLERANCE_PX ||
          one.layer !== other.layer ||
          (one.node === other.node && one.node)
        )
          continue;
        if (one.owner.contains(other.owner) || other.owner.contains(one.owner)) continue;
        if (Math.min(one.bottom, other.bottom) - other.top <= 2 * TOLERANCE_PX) continue;
        found.push(`overlap: ${name(one.owner)} and ${name(other.owner)}`);
      }
    });
    for (const select of root.querySelectorAll('select'))
      if (isSeen(select)) found.push(...narrowChoice(select));
    return found;
  };

  /** The text of a choice ends before its arrow. */
  const narrowChoice = (/** @type {HTMLSelectElement} */ select) => {
    const style = getComputedStyle(select);
    if (style.textOverflow === 'ellipsis') return [];
    const pen = /** @type {CanvasRenderingContext2D} */ (
      document.createElement('canvas').getContext('2d')
    );
    pen.font = style.font;
    const text = select.selectedOptions[0]?.textContent ?? '';
    const arrow = style.appearance === 'none' ? 0 : ARROW_PX;
    const room =
      select.clientWidth -
      arrow -
      Number.parseFloat(style.paddingLeft) -
      Number.parseFloat(style.paddingRight);
    return pen.measureText(text).width > room
      ? [`runs under its arrow: ${name(select)} “${text}”`]
      : [];
  };

  /** A class of one part that another part uses, and which hides it: `bar__sign` without a `bar`. */
  const borrowed = () =>
    [...document.querySelectorAll('[class*="__"]')].filter(isLost).flatMap((element) =>
      [...element.classList]
        .filter((each) => each.includes('__'))
        .map((each) => each.split('__')[0])
        .filter(
          (block) =>
            !element.closest(`.${block}, [class^="${block}--"], [class*=" ${block}--"], template`),
        )
        .map((block) => `hidden by ${block}, which it is not in: ${name(element)}`),
    );

  const isLost = (/** @type {Element} */ element) =>
    getComputedStyle(element).display === 'none' &&
    element.textContent?.trim() &&
    !element.matches('[hidden], .needs-script, .needs-no-script') &&
    element.parentElement?.checkVisibility();

  /** Elements that a finger presses. */
  const PRESSED = 'button, a[href], input:not([type="hidden"]), select, summary';

  /** Targets that are smaller than a finger; links within a text may be. */
  const small = (/** @type {number} */ least) => {
    const found = [];
    for (const element of document.querySelectorAll(PRESSED)) {
      const style = getComputedStyle(element);
      if (
        !isSeen(element) ||
        element.closest('.unseen, .skip-link') ||
        style.display === 'inline' ||
        style.pointerEvents === 'none'
      )
        continue;
      const pressed = element.matches('input') ? (element.closest('label') ?? element) : element;
      let { width, height } = pressed.getBoundingClientRect();
      for (const pseudo of ['::before', '::after']) {
        const extra = getComputedStyle(element, pseudo);
        if (extra.position !== 'absolute' || extra.content === 'none') continue;
        if (extra.width.endsWith('px')) width = Math.max(width, Number.parseFloat(extra.width));
        if (extra.height.endsWith('px')) height = Math.max(height, Number.parseFloat(extra.height));
      }
      if (Math.min(width, height) < least - TOLERANCE_PX)
        found.push(`only ${Math.round(width)} × ${Math.round(height)} px: ${name(element)}`);
    }
    return [...new Set(found)];
  };

  const main = () => document.querySelector('main') ?? document.body;
  const places = () =>
    new Map(
      [...main().querySelectorAll('*')]
        .filter((each) => isSeen(each) && !each.closest('[data-slot="connection"]'))
        .map((each) => [each, each.getBoundingClientRect()]),
    );

  /** A bar moves the page below it down, and nowhere else. */
  const moved = (/** @type {Map<Element, DOMRect>} */ before) => {
    for (const [element, { left, width }] of before) {
      if (!isSeen(element)) continue;
      const now = element.getBoundingClientRect();
      if (Math.abs(now.left - left) > TOLERANCE_PX || Math.abs(now.width - width) > TOLERANCE_PX)
        return [
          `moved from x=${Math.round(left)}, w=${Math.round(width)} to x=${Math.round(now.left)}, w=${Math.round(now.width)}: ${name(element)}`,
        ];
    }
    return [];
  };

  const LONG = 'The connection is gone, and Donaudampfschifffahrt is read again in 59 seconds. ';

  /** A state of the page: enter it, and return how to leave it. */
  const STATES = {
    'connection bar': () => {
      const lines = [...document.querySelectorAll('main [data-slot="connection"]')];
      const inner = lines.map((line) => line.innerHTML);
      for (const line of lines) {
        line.hidden = false;
        line.querySelector('[data-slot="connection-words"]')?.append(LONG);
        for (const each of line.querySelectorAll('[hidden]')) each.hidden = false;
      }
      return (
        lines.length &&
        (() =>
          lines.forEach((line, index) => {
            line.hidden = true;
            line.querySelector('[data-slot="connection-words"]').textContent = '';
            for (const each of line.querySelectorAll('button, a')) each.hidden = true;
          }))
      );
    },
    banner: () => {
      const list = document.querySelector('[data-banners]');
      const template = document.getElementById('banner-template');
      if (!list || !(template instanceof HTMLTemplateElement)) return null;
      const item = /** @type {Element} */ (template.content.firstElementChild).cloneNode(true);
      item.querySelector('[data-slot="words"], .banner__words')?.append(LONG);
      list.append(item);
      const raid = document.querySelector('[data-raid]');
      if (raid) {
        raid.hidden = false;
        raid.querySelector('[data-slot="raid-words"]').textContent = LONG;
      }
      return () => {
        item.remove();
        if (raid) raid.hidden = true;
      };
    },
    drawer: () => {
      const app = document.querySelector('.app[data-drawer]');
      if (!app || getComputedStyle(document.querySelector('.app__sidebar')).position !== 'fixed')
        return null;
      app.dataset.drawer = 'open';
      return () => {
        app.dataset.drawer = 'closed';
      };
    },
  };

  /** All dialogs and menus of the page, by name. */
  const layers = () =>
    [...document.querySelectorAll('dialog[id], [popover][id]')].filter(
      (each) => each.childElementCount > 0,
    );

  const check = (
    /** @type {{layers: boolean, bothWays: boolean}} */ { layers: withLayers, bothWays },
  ) => {
    const found = new Set();
    const own = document.documentElement.dir || 'ltr';
    for (const dir of bothWays ? ['ltr', 'rtl'] : [own]) {
      document.documentElement.dir = dir;
      const report = (/** @type {string} */ state, /** @type {string[]} */ list) => {
        for (const each of list) found.add(`${dir}, ${state}: ${each}`);
      };
      report('at rest', [...faults(document.body), ...borrowed()]);
      const before = places();
      for (const [state, enter] of Object.entries(STATES)) {
        const leave = enter();
        if (!leave) continue;
        report(state, [
          ...faults(state === 'drawer' ? document.querySelector('.app__sidebar') : document.body),
          ...(state === 'drawer' ? [] : moved(before)),
        ]);
        if (state === 'connection bar') {
          const more = STATES.banner();
          if (more) {
            report('both bars', [...faults(document.body), ...moved(before)]);
            more();
          }
        }
        leave();
      }
      for (const layer of withLayers ? layers() : []) {
        const isDialog = layer instanceof HTMLDialogElement;
        isDialog ? layer.showModal() : layer.showPopover();
        report(`#${layer.id}`, faults(layer));
        isDialog ? layer.close() : layer.hidePopover();
      }
    }
    document.documentElement.dir = own;
    return [...found];
  };

  return { check, small };
})();
