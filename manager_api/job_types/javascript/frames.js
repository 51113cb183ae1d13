// Frame ranges and shell words, equal to Python's workflows/domain/frames.py and shlex.

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
  const spans = merged(text.replaceAll("..", "-").split(",").map((part) => spanOf(part, text)));
  if (!spans.length) {
    throw new Error(`The frame range ${quoted(text)} has no frames: ranges run from low to high.`);
  }
  if (framesIn(spans) > MAX_FRAMES) {
    throw new Error(`The frame range ${quoted(text)} has more than ${MAX_FRAMES} frames.`);
  }
  return spans;
}

function spanOf(element, text) {
  const found = /^\s*([0-9]+)\s*(?:-\s*([0-9]+)\s*)?$/.exec(element);
  if (found) {
    const first = frameNumber(found[1]);
    return [first, found[2] === undefined ? first : frameNumber(found[2])];
  }
  if (!element.trim()) {
    throw new Error(`The frame range ${quoted(text)} has nothing between two commas.`);
  }
  throw new Error(
    `${quoted(element.trim())} is not a frame range: ` +
      "write single frames like 47 and ranges like 1-30, separated by commas.",
  );
}

function frameNumber(digits) {
  const number = Number(digits);
  if (number > MAX_FRAME_NUMBER) {
    throw new Error(`Frame ${quoted(digits)} is too high: at most ${MAX_FRAME_NUMBER}.`);
  }
  return number;
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

/** Return the words of a POSIX shell line: quotes and backslashes, no comments, no expansion. */
function shellSplit(text) {
  const source = asText(text);
  const words = [];
  // The parts of a word: bare text, 'quoted', "quoted" or an escaped character.
  const piece = /'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])|([^ \t\r\n'"\\]+)|([ \t\r\n]+)/gy;
  let word = null;
  while (piece.lastIndex < source.length) {
    const start = piece.lastIndex;
    const found = piece.exec(source);
    if (!found) throw new Error(unfinished(source, start));
    if (found[5] === undefined) {
      const escaped = found[2] === undefined ? undefined : found[2].replace(/\\(["\\])/g, "$1");
      word = (word ?? "") + (found[1] ?? escaped ?? found[3] ?? found[4]);
    } else if (word !== null) {
      words.push(word);
      word = null;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

function unfinished(source, start) {
  const rest = quoted(source.slice(start));
  return source[start] === "\\"
    ? `Nothing follows the backslash at the end of ${quoted(source)}.`
    : `The quote in front of ${rest} is never closed.`;
}

function formatTimestampLocal(time) {
  const t = new Date(time);
  if (Number.isNaN(t.getTime())) throw new Error("formatTimestampLocal() needs a point in time.");
  const two = (number) => String(number).padStart(2, "0");
  const day = `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`;
  return `${day}_${two(t.getHours())}${two(t.getMinutes())}${two(t.getSeconds())}`;
}
