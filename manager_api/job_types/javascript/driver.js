// Gives the script its globals, and runs what the manager asks for. `given` is the manager's request.

const globalEval = eval;
const request = parse(given);
const required = {};
const job = authoredJob(request.job);
let throwingLine = 0;
/** What is left of a compileJob() that is async: throws what it has thrown. */
let rest = () => {};

function define(name, value) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
}

define("author", {
  // Functions rather than classes: scripts call them with `new` or without.
  Task: function (name, type) {
    return new AuthoredTask(name, type);
  },
  Command: function (name, parameters, steps) {
    return new AuthoredCommand(name, parameters, steps);
  },
});
define("print", (...values) => log("info", values));
define("alert", (...values) => log("warning", values));
define("frameChunker", frameChunker);
define("frameCount", frameCount);
define("formatTimestampLocal", formatTimestampLocal);
define("shellSplit", shellSplit);
define("path", path);
define("process", { cwd: () => request.cwd, platform: request.platform });
define("require", requireScript);
define("$throwing", (line) => {
  throwingLine = line;
});

/** Another script of the same folder, by its file's name; `./` and `.js` may be there or not. */
function requireScript(name) {
  const stripped = asText(name).replace(/^\.\//, "");
  const file = [stripped, `${stripped}.js`].find((each) => Object.hasOwn(request.others, each));
  if (file === undefined) throw new Error(`There is no script ${quoted(asText(name))} to require.`);
  if (!required[file]) {
    // After the lines of the job type's own file and those that it has required before.
    const offset = request.linesOfFile * (Object.keys(required).length + 2);
    const module = (required[file] = { exports: {} });
    const source = request.others[file];
    const wrapped = `(function (module, exports, require) { "use strict";${source}\n})`;
    globalEval("\n".repeat(offset) + wrapped)(module, module.exports, requireScript);
  }
  return required[file].exports;
}

function run(operation) {
  switch (operation) {
    case "describe":
      return stringify(described());
    case "compile":
      return compiling();
    case "compiled":
      return compiled();
    case "gathered":
      return stringify({ logs, required: Object.keys(required), throwingLine });
  }
}

function described() {
  return {
    job_type: copied(globalEval("typeof JOB_TYPE === 'undefined' ? null : JOB_TYPE")),
    compiles: globalEval("typeof compileJob === 'function'"),
  };
}

/** Whoever calls this runs the engine's pending jobs next, for a compileJob() that is async. */
function compiling() {
  let result;
  try {
    result = globalEval("compileJob")(job);
  } catch (thrown) {
    toss(thrown);
  }
  if (typeof result?.next === "function") {
    throw new Error("compileJob() must not be a generator: nothing of it would run.");
  }
  if (typeof result?.then === "function") {
    rest = () => {
      throw new Error("compileJob() waits for what never comes.");
    };
    result.then(
      () => (rest = () => {}),
      (thrown) => (rest = () => toss(thrown)),
    );
  }
}

/** First a line about the job, then one for each task. */
function compiled() {
  rest();
  const header = {
    settings: copied(job.settings),
    metadata: copied(job.metadata),
    uuids,
  };
  return [stringify(header), ...job.tasks.map((task) => task.asJson())].join("\n");
}

/** Objects that are no errors have no text of their own. */
function toss(thrown) {
  throw thrown instanceof Error ? thrown : shown(thrown);
}

return run;
