// frameChunker and frameCount at their edges: one task for each case, its command says what came out.
const JOB_TYPE = { label: "Chunk Edges", settings: [] };

const CASES = [
  ["1..10,20..25,40,3..8", 4],
  ["1-3", 2],
  ["5", 10],
  [" 7 - 9 , 8..12 ", 3],
  ["10-1,4", 1],
  [12, 1],
  ["1-5", 2.9],
  ["1-9x2,-3", 4],
];
const REFUSED = [
  ["", 1],
  ["   ", 1],
  ["1-10"],
  ["1-10", 0],
  ["1-10", -3],
  ["1,,3", 1],
  ["x", 1],
  ["1 10", 1],
  ["--5", 1],
  ["1-5x0", 1],
  ["10-1", 1],
  ["1-2-3", 1],
  ["1-2000000", 1],
  ["99999999999", 1],
  [undefined, 1],
  [null, 1],
];

function add(job, name, parameters) {
  const task = author.Task(name, "misc");
  task.addCommand(author.Command("echo", parameters));
  job.addTask(task);
}

function compileJob(job) {
  for (const [range, size] of CASES) {
    add(job, `chunks of ${range}`, { chunks: frameChunker(range, size), count: frameCount(range) });
  }
  const kept = [];
  for (const [range, size] of REFUSED) {
    try {
      kept.push([range, frameChunker(range, size)]);
    } catch (problem) {
      print("refused:", problem.message);
    }
  }
  add(job, "kept", { kept });
}
