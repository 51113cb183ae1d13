// Previews: a task that waits for all the others, and knows how many frames each has.
const JOB_TYPE = {
  label: "Preview Reel",
  description: "Renders, then makes a film of it",
  settings: [
    { key: "frames", type: "string", required: true,
      eval: "f'{C.scene.frame_start}-{C.scene.frame_end}'",
      evalInfo: { showLinkButton: true, description: "Scene frame range" } },
    { key: "chunk_size", type: "int32", default: 1, visible: "submission" },
    { key: "output", type: "string", subtype: "file_path", required: true },
    { key: "fps", type: "float", eval: "C.scene.render.fps", visible: "hidden" },
  ],
};

function compileJob(job) {
  const { frames, chunk_size, output, fps } = job.settings;
  const renders = frameChunker(frames, chunk_size).map((chunk) => {
    const task = author.Task(`render-${chunk}`, "blender");
    task.addCommand(
      author.Command(
        "blender-render",
        { exe: "{blender}", args: ["--render-output", output, "--render-frame", chunk.replace("-", "..")] },
        frameCount(chunk),
      ),
    );
    return task;
  });
  for (const render of renders) job.addTask(render);
  if (!fps) return;
  const reel = author.Task("preview-video", "ffmpeg");
  reel.addCommand(
    author.Command("frames-to-video", {
      exe: "ffmpeg",
      fps,
      inputGlob: path.join(path.dirname(output), "*.png"),
      outputFile: path.join(path.dirname(output), `preview-${frames}.mp4`),
      args: ["-r", fps, "-c:v", "h264"],
    }),
  );
  for (const render of renders) reel.addDependency(render);
  job.addTask(reel);
}
