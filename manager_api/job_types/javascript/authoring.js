// The classes with which a job type makes tasks. Only the driver's text leaves the engine.

// Taken before the script can replace them.
const { parse, stringify } = JSON;
const MAX_DEPTH = 100;
const LOG_LINES = 200;
const LOG_LINE_LENGTH = 1000;
const logs = [];
/** UUIDs of the tasks whose UUID the script has read, by the task's serial number. */
const uuids = {};
let lastSerial = 0;

/** Return a copy of a value as JSON would carry it; it shares nothing with the original. */
function copied(value, depth = 0) {
  if (depth > MAX_DEPTH) throw new Error(`Data is nested deeper than ${MAX_DEPTH} levels.`);
  if (value === undefined || value === null) return null;
  if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint") {
    throw new TypeError(`Parameters and settings are data, not a ${typeof value}.`);
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new TypeError(`Parameters and settings cannot hold the number ${value}.`);
  }
  if (typeof value !== "object") return value;
  if (typeof value.toJSON === "function") return value.toJSON();
  if (value instanceof Set || value instanceof Map) value = Array.from(value);
  if (Array.isArray(value)) return value.map((item) => copied(item, depth + 1));
  const result = {};
  for (const key of Object.keys(value)) result[key] = copied(value[key], depth + 1);
  return result;
}

function trimmed(value, what) {
  const text = asText(value).trim();
  if (!text) throw new Error(`A ${what} must not be empty.`);
  return text;
}

class AuthoredCommand {
  constructor(name, parameters, totalStepCount = 0) {
    this.name = trimmed(name, "command's name");
    this.parameters = copied(parameters ?? {});
    this.totalStepCount = totalStepCount;
  }
}

class AuthoredTask {
  #serial = ++lastSerial;

  constructor(name, type) {
    this.name = trimmed(name, "task's name");
    this.type = trimmed(type, "task's type");
    this.priority = 50;
    this.commands = [];
    this.dependencies = [];
  }

  get uUID() {
    return (uuids[this.#serial] ??= randomUuid());
  }

  addCommand(command) {
    if (!command || typeof command !== "object") {
      throw new TypeError("addCommand() needs what author.Command() returns.");
    }
    this.commands.push({ ...command });
  }

  addDependency(task) {
    AuthoredTask.serialOf(task);
    this.dependencies.push(task);
  }

  static serialOf(task) {
    if (!(task instanceof AuthoredTask)) {
      throw new TypeError("A dependency must be what author.Task() returned.");
    }
    return task.#serial;
  }

  /** Return a copy, which later changes of the original do not affect. */
  static copyOf(task) {
    if (!(task instanceof AuthoredTask)) {
      throw new TypeError("addTask() needs what author.Task() returned.");
    }
    const copy = new AuthoredTask(task.name, task.type);
    copy.#serial = task.#serial;
    copy.priority = task.priority;
    copy.commands = task.commands.slice();
    copy.dependencies = task.dependencies.slice();
    return copy;
  }

  asJson() {
    return stringify({
      serial: this.#serial,
      name: this.name,
      type: this.type,
      priority: this.priority,
      commands: this.commands.map(({ name, parameters, totalStepCount }) => ({
        name,
        parameters,
        total_step_count: totalStepCount,
      })),
      after: this.dependencies.map(AuthoredTask.serialOf),
    });
  }
}

function randomUuid() {
  return "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, () =>
    Math.floor(Math.random() * 16).toString(16),
  );
}

function authoredJob(submitted) {
  const { created, maxTasks, ...fields } = submitted;
  const tasks = [];
  return {
    ...fields,
    created: new Date(created),
    tasks,
    addTask(task) {
      if (tasks.length >= maxTasks) throw new Error(`A job has at most ${maxTasks} tasks.`);
      tasks.push(AuthoredTask.copyOf(task));
    },
  };
}

function log(level, values) {
  if (logs.length < LOG_LINES) {
    logs.push([level, values.map(shown).join(" ").slice(0, LOG_LINE_LENGTH)]);
  }
}

function shown(value) {
  if (typeof value === "object" && !(value instanceof Error)) {
    try {
      return stringify(value);
    } catch {
      // A cycle: its type has to do.
    }
  }
  return String(value);
}
