// Gives the script its globals, and runs what the manager asks for. `given` is the manager's request.

const globalEval = eval;
const request = parse(given);
const required = {};
let throwingLine = 0;

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
    const { source, offset } = request.others[file];
    const module = (required[file] = { exports: {} });
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

/** First a line about the job, then one for each task. */
function compiled() {
  const job = authoredJob(request.job);
  try {
    globalEval("compileJob")(job);
  } catch (thrown) {
    // Objects that are no errors have no text of their own.
    throw thrown instanceof Error ? thrown : shown(thrown);
  }
  const header = {
    settings: copied(job.settings),
    metadata: copied(job.metadata),
    uuids,
  };
  return [stringify(header), ...job.tasks.map((task) => task.asJson())].join("\n");
}

return run;
