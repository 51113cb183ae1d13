// Defines the script's globals, and runs what the manager's request (`given`) asks for.

const globalEval = eval;
const request = parse(given);
const required = {};
const job = authoredJob(request.job);
let throwingLine = 0;
/** Ends an async compileJob(): throws its error, if there is one. */
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
define("console", {
  log: (...values) => log("info", values),
  info: (...values) => log("info", values),
  warn: (...values) => log("warning", values),
  error: (...values) => log("warning", values),
});
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

/** Return the exports of another script in the folder; `./` and `.js` are optional in its name. */
function requireScript(name) {
  const stripped = asText(name).replace(/^\.\//, "");
  const file = [stripped, `${stripped}.js`].find((each) => Object.hasOwn(request.others, each));
  if (file === undefined) throw new Error(`There is no script ${quoted(asText(name))} to require.`);
  if (!required[file]) {
    // Its line numbers follow those of the job type's file and of the files required before.
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

/** Call compileJob(). The caller must then run the engine's pending jobs, for an async one. */
function compiling() {
  let result;
  try {
    result = globalEval("compileJob")(job);
  } catch (thrown) {
    toss(thrown);
  }
  if (typeof result?.next === "function") {
    throw new Error("compileJob() must not be a generator: its code would not run.");
  }
  if (typeof result?.then === "function") {
    rest = () => {
      throw new Error("compileJob() waits for a promise that is never settled.");
    };
    result.then(
      () => (rest = () => {}),
      (thrown) => (rest = () => toss(thrown)),
    );
  }
}

/** Return a line about the job, then a line for each task. */
function compiled() {
  rest();
  const header = {
    settings: copied(job.settings),
    metadata: copied(job.metadata),
    uuids,
  };
  return [stringify(header), ...job.tasks.map((task) => task.asJson())].join("\n");
}

/** Throw a value again; one that is not an Error as text, because it has no message. */
function toss(thrown) {
  throw thrown instanceof Error ? thrown : shown(thrown);
}

return run;
