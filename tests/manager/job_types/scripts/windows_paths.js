// path.* on the paths of Windows, and process.
const JOB_TYPE = { label: "Windows Paths", settings: [] };

function compileJob(job) {
  const files = ["C:\\shots\\a\\b.v2.blend", "C:\\f", "\\\\server\\share\\f.exr", "f", "", "/a/b/", "/", ".blend"];
  const task = author.Task("paths", "misc");
  task.addCommand(
    author.Command("echo", {
      basenames: files.map(path.basename),
      dirnames: files.map(path.dirname),
      stems: files.map(path.stem),
      joined: [
        path.join("C:\\shots", "", "a"),
        path.join("C:\\shots\\..\\x", "a"),
        path.join("C:/shots/../x", "./a//b"),
        path.join("\\\\server\\share", "f"),
        path.join("/a/", "../../b"),
        path.join(),
        path.join("", ""),
      ],
    }),
  );
  task.addCommand(
    author.Command("echo", { isText: typeof process.cwd() === "string", platform: process.platform }),
  );
  job.addTask(task);
}
