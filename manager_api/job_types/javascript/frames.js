// Frame ranges and shell words, equal to Python's workflows/domain/frames.py and shell_words.py.

const MAX_FRAMES = 1000000;
const MAX_FRAME_NUMBER = 2 ** 31 - 1;

function asText(value) {
  return value === undefined || value === null ? "" : String(value);
}

function quoted(text) {
  return JSON.stringify(text.length <= 40 ? text : text.slice(0, 39) + "…");
}

function frameCount(range) {
  return framesIn(spansOf(asText(range)));
}

function frameChunker(range, size) {
  const length = Math.trunc(Number(size)) || 0;
  if (length < 1) throw new Error(`A chunk needs at least 1 frame, not ${length}.`);
  return cut(spansOf(asText(range)), length).map((chunk) => chunk.map(spanAsText).join(","));
}

/** Return `[first, last]` pairs in ascending order, which neither overlap nor touch. */
function spansOf(text) {
  if (!text.trim()) throw new Error("The frame range is empty.");
  const elements = text.replaceAll("..", "-").split(",").map((part) => elementOf(part, text));
  const stepped = elements.filter(([, , step]) => step > 1).map(framesAt);
  if (stepped.reduce((sum, count) => sum + count, 0) > MAX_FRAMES) throw tooMany(text);
  const spans = merged(elements.flatMap(spansAt));
  if (!spans.length) {
    throw new Error(`The frame range ${quoted(text)} has no frames: ranges run from low to high.`);
  }
  if (framesIn(spans) > MAX_FRAMES) throw tooMany(text);
  return spans;
}

function tooMany(text) {
  return new Error(`The frame range ${quoted(text)} has more than ${MAX_FRAMES} frames.`);
}

/** Return `[first, last, step]`. */
function elementOf(element, text) {
  const found = /^\s*(-?[0-9]+)\s*(?:-\s*(-?[0-9]+)\s*(?:x\s*([0-9]+)\s*)?)?$/.exec(element);
  if (found) {
    const first = frameNumber(found[1]);
    const last = found[2] === undefined ? first : frameNumber(found[2]);
    const step = found[3] === undefined ? 1 : frameNumber(found[3]);
    if (step < 1) throw new Error(`The step of ${quoted(element.trim())} must be at least 1.`);
    return [first, last, step];
  }
  if (!element.trim()) {
    throw new Error(`The frame range ${quoted(text)} has nothing between two commas.`);
  }
  throw new Error(
    `${quoted(element.trim())} is not a frame range: ` +
      "write single frames like 47 and ranges like 1-30 or 1-30x5, separated by commas.",
  );
}

function frameNumber(text) {
  const number = Number(text);
  if (Math.abs(number) > MAX_FRAME_NUMBER) {
    const limit = number < 0 ? `low: at least -${MAX_FRAME_NUMBER}` : `high: at most ${MAX_FRAME_NUMBER}`;
    throw new Error(`Frame ${quoted(text)} is too ${limit}.`);
  }
  return number + 0; // -0 becomes 0
}

function framesAt([first, last, step]) {
  return Math.max(0, Math.floor((last - first) / step) + 1);
}

function spansAt([first, last, step]) {
  if (step === 1) return [[first, last]];
  return Array.from({ length: framesAt([first, last, step]) }, (_, n) => [first + n * step, first + n * step]);
}

function framesIn(spans) {
  return spans.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

function merged(spans) {
  const result = [];
  const filled = spans.filter(([first, last]) => first <= last).sort((a, b) => a[0] - b[0]);
  for (const [first, last] of filled) {
    const before = result[result.length - 1];
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else result.push([first, last]);
  }
  return result;
}

function cut(spans, size) {
  const chunks = [];
  let chunk = [];
  let missing = size;
  for (let [first, last] of spans) {
    while (first <= last) {
      const end = Math.min(last, first + missing - 1);
      chunk.push([first, end]);
      missing -= end - first + 1;
      first = end + 1;
      if (missing === 0) {
        chunks.push(chunk);
        chunk = [];
        missing = size;
      }
    }
  }
  if (chunk.length) chunks.push(chunk);
  return chunks;
}

/** Two adjacent frames are written with a comma, because `4-5` would not be shorter. */
function spanAsText([first, last]) {
  if (first === last) return String(first);
  return last === first + 1 ? `${first},${last}` : `${first}-${last}`;
}

/** Return the words of a shell line: quotes, backslashes and comments, no expansion. */
function shellSplit(text) {
  const source = asText(text);
  const characters = source[Symbol.iterator]();
  const words = [];
  let word = null;
  for (let next = characters.next(); !next.done; next = characters.next()) {
    const character = next.value;
    if (" \t\r\n".includes(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (character === "#" && word === null) {
      while (!next.done && next.value !== "\n") next = characters.next();
      if (next.done) break;
    } else {
      word ??= "";
      if (character === "'" || character === '"') word += quotedPart(characters, character, source);
      else word += character === "\\" ? escapedPart(characters, source) : character;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

function quotedPart(characters, quote, source) {
  let part = "";
  for (let next = characters.next(); !next.done; next = characters.next()) {
    if (next.value === quote) return part;
    const isEscape = next.value === "\\" && quote === '"';
    part += isEscape ? escapedPart(characters, source) : next.value;
  }
  throw new Error(`A quote is never closed in ${quoted(source)}.`);
}

function escapedPart(characters, source) {
  const next = characters.next();
  if (next.done) throw new Error(`Nothing follows the backslash at the end of ${quoted(source)}.`);
  return next.value;
}

function formatTimestampLocal(time) {
  const t = new Date(time);
  if (Number.isNaN(t.getTime())) throw new Error("formatTimestampLocal() needs a point in time.");
  const two = (number) => String(number).padStart(2, "0");
  const day = `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`;
  return `${day}_${two(t.getHours())}${two(t.getMinutes())}${two(t.getSeconds())}`;
}
