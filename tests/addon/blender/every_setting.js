// One setting of every kind that there is, for tests of how the add-on shows and stores them.
const JOB_TYPE = {
  label: "Every Setting",
  description: "Renders nothing",
  settings: [
    { key: "text", type: "string", default: "hola", description: "A text" },
    { key: "file", type: "string", subtype: "file_path", required: true, default: "//a.txt" },
    { key: "folder", type: "string", subtype: "dir_path", label: "A Folder" },
    { key: "file_name", type: "string", subtype: "file_name" },
    { key: "hashed", type: "string", subtype: "hashed_file_path" },
    { key: "choice", type: "string", choices: ["one", "two", "drei Ä"], default: "two" },
    { key: "count", type: "int32", default: 500, propargs: { min: -3, max: 100, soft_max: 50, step: 5 } },
    { key: "share", type: "float", default: 0.25,
      propargs: { min: 0, max: 1, precision: 4, step: 10, subtype: "FACTOR" } },
    { key: "switch", type: "bool", default: true },
    { key: "linked", type: "string", eval: "f'{C.scene.frame_start}-{C.scene.frame_end}'",
      evalInfo: { showLinkButton: true, description: "Scene frame range" } },
    { key: "on_demand", type: "string", eval: "C.scene.name + ' ' + jobname" },
    { key: "read_only", type: "string", editable: false,
      eval: "str(Path(abspath('//')).name) + '/' + settings.text + '/' + settings.linked" },
    { key: "read_only_number", type: "int32", editable: false, eval: "settings.count * 2" },
    { key: "read_only_share", type: "float", editable: false, eval: "settings.share + 1" },
    { key: "read_only_switch", type: "bool", editable: false, eval: "not settings.switch" },
    { key: "submission_only", type: "int32", visible: "submission", default: 7 },
    { key: "web_only", type: "string", visible: "web", eval: "str(last_n_dir_parts(1))" },
    { key: "hidden_number", type: "float", visible: "hidden", eval: "C.scene.render.fps / 2" },
    { key: "hidden_default", type: "string", visible: "hidden", default: "as it is" },
    { key: "name with spaces", type: "string", default: "odd" },
    { key: "keys", type: "string", default: "a name that Blender uses itself" },
    { key: "nonsense", type: "int32", default: "many",
      propargs: { min: "low", max: 5, subtype: "NO_SUCH", unit: "MILES", precision: "much" } },
  ],
};

function compileJob(job) {
  const task = author.Task("told", "misc");
  task.addCommand(author.Command("echo", { message: JSON.stringify(job.settings) }));
  job.addTask(task);
}
