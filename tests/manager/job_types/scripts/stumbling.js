// Refuses in all the ways there are; the setting chooses.
const JOB_TYPE = {
  label: "Stumbling",
  settings: [{ key: "over", type: "string", required: true }],
};

const WAYS = {
  text: () => {
    throw "no frames are left";
  },
  error: () => {
    throw new Error("the scene has no camera");
  },
  object: () => {
    throw { camera: null };
  },
  mistake: () => undefinedThing.x,
  helper: () => frameChunker("1-10", 0),
  blank: () => author.Task("  ", "misc"),
  untyped: () => author.Task("a", ""),
  unnamed: () => author.Command(""),
  recursion: function again() {
    return again() + 1;
  },
  missing: () => require("../manager_api/settings"),
  function: () => author.Command("echo", { message: () => 1 }),
};

function AuthoredTaskOf(task) {
  return Object.getPrototypeOf(task);
}

function compileJob(job) {
  if (job.settings.over === "strict") undeclared = 1;
  const results = {
    orphan: (task) => task.addDependency(author.Task("lost", "misc")),
    circle: (task) => {
      const other = author.Task("other", "misc");
      other.addDependency(task);
      task.addDependency(other);
      job.addTask(other);
    },
    twice: (task) => job.addTask(task),
    priority: (task) => (task.priority = "high"),
    nul: (task) => task.addCommand(author.Command("echo", { message: "a\0b" })),
    surrogate: (task) => task.addCommand(author.Command("echo", { message: "\ud800" })),
    steps: (task) => task.addCommand(author.Command("echo", {}, -1)),
    settings: () => (job.settings = "none"),
    sabotage: (task) => (AuthoredTaskOf(task).asJson = () => "[]"),
    half: () => {
      throw "\ud800";
    },
  };
  const task = author.Task("a task", "misc");
  (results[job.settings.over] ?? WAYS[job.settings.over])(task);
  job.addTask(task);
}
