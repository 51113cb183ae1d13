"""Scripts that abuse what they are given: each refused with a sentence, none harms the farm."""

from collections.abc import Callable
from pathlib import Path

import pytest

from manager_api.job_types.exchange import ScriptLimits
from manager_api.job_types.folder import FolderJobTypes, describe_file
from manager_api.job_types.registry import compiled
from manager_api.job_types.sandbox import Sandbox
from workflows.domain.job_types.definitions import AuthoredTask, CompileError, SubmittedJob

Compile = Callable[[str], list[AuthoredTask]]
Refuse = Callable[[str], str]

NOT_UNDERSTOOD = "The result of the job type is not understood."
NO_NUMBER = "The result of the job type is not plain data: 1e999 is not a finite number."


@pytest.fixture
def compiled_script(
    tmp_path: Path,
    compile_with: Callable[[Path, SubmittedJob], list[AuthoredTask]],
    new_job: Callable[[], SubmittedJob],
) -> Compile:
    """What a job type makes that does this with `job` and `task`."""

    def compiled_script(body: str) -> list[AuthoredTask]:
        script = tmp_path / "hostile.js"
        script.write_text(
            'const JOB_TYPE = { label: "Hostile", settings: [] };\n'
            f'const task = author.Task("a task", "misc");\n{body}'
        )
        return compile_with(script, new_job())

    return compiled_script


@pytest.fixture
def refused(compiled_script: Compile) -> Refuse:
    def refused(body: str) -> str:
        with pytest.raises(CompileError) as refusal:
            compiled_script(body)
        return str(refusal.value)

    return refused


def compiling(statements: str) -> str:
    return f"function compileJob(job) {{ {statements} }}"


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        ("print(task.uUID); job.tasks = [{ asJson: () => 'garbage' }]", NOT_UNDERSTOOD),
        ("task.priority = JSON.rawJSON('1e999'); job.addTask(task)", NO_NUMBER),
        (
            "task.addCommand(author.Command('echo', {}, JSON.rawJSON('1e999'))); job.addTask(task)",
            NO_NUMBER,
        ),
        (
            "job.settings.far = { toJSON: () => JSON.rawJSON('1e999') }",
            "The result of the job type is not plain data: Infinity is not a finite number.",
        ),
    ],
)
def test_answers_that_are_forged_are_refused(
    refused: Refuse, statements: str, sentence: str
) -> None:
    assert refused(compiling(statements)) == sentence


# --- functions that do not end when they return ---------------------------------------------------


def test_an_async_function_is_waited_for(compiled_script: Compile) -> None:
    [task] = compiled_script("async function compileJob(job) { await null; job.addTask(task); }")

    assert task.name == "a task"


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (
            'async function compileJob(job) { await null; throw new Error("too late"); }',
            "too late (hostile.js, line 3)",
        ),
        (
            'async function compileJob(job) {\nawait null;\nthrow "too late"; }',
            "too late (hostile.js, line 5)",
        ),
        (
            "async function compileJob(job) { await new Promise(() => {}); }",
            "compileJob() waits for a promise that is never settled. (hostile.js)",
        ),
        (
            "function* compileJob(job) { job.addTask(task); }",
            "compileJob() must not be a generator: its code would not run. (hostile.js)",
        ),
    ],
)
def test_no_job_is_made_of_half_a_function(refused: Refuse, function: str, sentence: str) -> None:
    assert refused(function) == sentence


# --- what is declared -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "declaration", "sentence"),
    [
        (
            ".js",
            'const JOB_TYPE = { label: "Many", settings: Array.from({ length: 2000 }, (_, n) => '
            "({ key: `k${n}`, type: 'bool' })) };\nfunction compileJob(job) {}",
            "JOB_TYPE has more than 1,000 settings",
        ),
        (
            ".js",
            'const JOB_TYPE = { label: "x".repeat(2 ** 21), settings: [] };\n'
            "function compileJob(job) {}",
            "JOB_TYPE is longer than 1 MB",
        ),
        (
            ".py",
            'JOB_TYPE = {"label": "NaN", "settings": [{"key": "a", "type": "float", '
            '"default": float("nan")}]}\ndef compile_job(job):\n    pass\n',
            "JOB_TYPE must not hold infinite numbers or NaN",
        ),
    ],
)
def test_declarations_that_clients_could_not_be_told_are_refused(
    tmp_path: Path, sandbox: Sandbox, suffix: str, declaration: str, sentence: str
) -> None:
    script = tmp_path / f"declared{suffix}"
    script.write_text(declaration)

    with pytest.raises(CompileError) as refusal:
        describe_file(script, sandbox)

    assert str(refusal.value) == f"declared{suffix}: {sentence}."


def test_no_name_is_no_job_type(tmp_path: Path, sandbox: Sandbox) -> None:
    source = 'const JOB_TYPE = { label: "L", settings: [] };\nfunction compileJob(job) {}'
    for name in (".js", "named.js"):
        (tmp_path / name).write_text(source)
    folder = FolderJobTypes(lambda: tmp_path, sandbox)

    assert folder.job_type("") is None
    assert [found.name for found in folder.job_types()] == ["named"]


# --- what takes too much --------------------------------------------------------------------------


def test_lines_of_a_script_among_thousands_are_its_own(tmp_path: Path, sandbox: Sandbox) -> None:
    for number in range(3000):
        (tmp_path / f"a{number}.js").write_text("exports.nothing = 1;")
    (tmp_path / "z.js").write_text('exports.fail = () => {\n  throw "no camera";\n};')
    script = tmp_path / "zz.js"
    script.write_text(
        'const { fail } = require("z");\nfail();\n'
        'const JOB_TYPE = { label: "L", settings: [] };\nfunction compileJob(job) {}'
    )

    with pytest.raises(CompileError, match=r"^no camera \(z\.js, line 2\)$"):
        describe_file(script, sandbox)


TOO_LONG = "hostile.js: it computed for longer than 0.2 s."
TOO_LARGE = "hostile.js: it needs more than 64 MB of memory."
TOO_DEEP = "RangeError: Maximum call stack size exceeded (hostile.js, line 3)"


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        # One instruction of the engine, so it does not notice that its time is over.
        ("const a = []; a.length = 4294967295; a.sort()", TOO_LONG),
        ("(async () => { for (;;) await null; })()", TOO_LONG),
        ("(async () => { for await (const x of (async function* () { for (;;) yield 1; })()); })()",
         TOO_LONG),
        ("/^(a+)+$/.test('a'.repeat(40) + 'b')", TOO_LONG),
        ("function* g() { for (;;) yield 1; } for (const x of g());", TOO_LONG),
        ("new Set({ [Symbol.iterator]: () => ({ next: () => ({ done: false }) }) })", TOO_LONG),
        ("[3, 2, 1].sort(() => { for (;;); })", TOO_LONG),
        ("job.settings = new Proxy({}, { ownKeys() { for (;;); } })", TOO_LONG),
        ("Object.defineProperty(job.settings, 'x', { enumerable: true, get() { for (;;); } })",
         TOO_LONG),
        ("job.settings.x = { toJSON() { for (;;); } }", TOO_LONG),
        ("throw { get message() { for (;;); }, toString() { for (;;); } }", TOO_LONG),
        ("for (;;) { try { for (;;); } catch {} }", TOO_LONG),
        ("Array(1e9).fill(1)", TOO_LARGE),
        ("const a = []; for (;;) a.push(new ArrayBuffer(2 ** 22))", TOO_LARGE),
        ("'\\u0344'.repeat(1e7).normalize('NFD')", TOO_LARGE),
        ("let s = 'x'; for (;;) s += s", "InternalError: string too long (hostile.js, line 3)"),
        ("const f = () => f() + 1; f()", TOO_DEEP),
        ("let o = {}; for (let n = 0; n < 1e5; n++) o = { o }; JSON.stringify(o)", TOO_DEEP),
    ],
)  # fmt: skip
def test_what_takes_too_much_is_ended_with_a_sentence(
    tmp_path: Path, new_job: Callable[[], SubmittedJob], statements: str, sentence: str
) -> None:
    limits = ScriptLimits(cpu_s=0.2, wall_s=60, memory_mb=64)
    script = tmp_path / "hostile.js"
    script.write_text(
        'const JOB_TYPE = { label: "Hostile", settings: [] };\n\n' + compiling(statements)
    )

    with pytest.raises(CompileError) as refusal:
        compiled(new_job(), describe_file(script, Sandbox(lambda: limits)))

    assert str(refusal.value) == sentence
