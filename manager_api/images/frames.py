"""The rendered frames of a job, for the sequence viewer."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from manager_api.contract.errors import Forbidden, NotFound
from manager_api.contract.frames import Frame, FrameSequence, FrameVersion, FrameVersions
from manager_api.database.engine import Database
from manager_api.files.storage import SharedStorage
from manager_api.images.frame_images import MAX_EARLIER, FrameImages, fitting, key_of
from manager_api.jobs import store as jobs
from manager_api.settings.platforms import managers_platform
from workflows.domain.frame_files import FrameFiles, frame_files
from workflows.domain.frames import MAX_FRAME_NUMBER, BadFrameRange, count_frames, parse_frames
from workflows.domain.variables import Variables

#: Most frames in one answer, because a page cannot hold more; 7 minutes at 24 frames per second.
MAX_FRAMES = 10_000
_FPS = 24.0


class FrameService:
    def __init__(
        self,
        database: Database,
        storage: Path,
        variables: Variables,
        images: FrameImages,
        public_path: str = "",
    ) -> None:
        self._database = database
        self._public_path = public_path
        self._storage = storage
        self._variables = variables
        self._images = images

    async def sequence(self, job_id: str) -> FrameSequence:
        """Return the job's frames; a note says why there are none.

        Raises:
            JobNotFound: there is no such job.
        """
        settings = await self._settings(job_id)
        files = frame_files(settings)
        if files is None:
            return _nothing("This job's settings do not say where it writes frames.")
        return await asyncio.to_thread(self._looked_for, job_id, files, settings)

    def _looked_for(
        self, job_id: str, files: FrameFiles, settings: dict[str, Any]
    ) -> FrameSequence:
        directory = self._directory(files)
        try:
            frame_range = str(settings.get("frames", ""))
            total, wanted = count_frames(frame_range), parse_frames(frame_range, MAX_FRAMES)
            there = _versions(SharedStorage(self._storage).inside(directory))
            files = files.as_view_in(there, wanted)
        except BadFrameRange:
            return _nothing("This job's settings do not say which frames it renders.")
        except Forbidden as refusal:
            return _nothing(f"The frames cannot be shown here: {refusal}.")
        base = f"{self._public_path}/api/tablao/v1/jobs/{job_id}/frames"
        frames = [
            Frame(
                frame=number,
                path=str(directory / (name := files.name(number))),
                exists=name in there,
                url=f"{base}/{number}?v={there[name]}" if name in there else None,
            )
            for number in wanted
        ]
        return FrameSequence(
            frames=frames,
            total=total,
            fps=_fps(settings),
            pattern=str(directory / files.pattern),
            note="" if any(frame.exists for frame in frames) else "No frame is rendered yet.",
        )

    async def file(self, job_id: str, frame: int) -> tuple[Path, str]:
        """Return the file of one frame, and the key of its content.

        Raises:
            JobNotFound: there is no such job.
            NotFound: the job has no such frame, or the frame is not rendered.
            Forbidden: the frame is not in the shared storage.
        """
        files = frame_files(await self._settings(job_id))
        if files is None or abs(frame) > MAX_FRAME_NUMBER:
            raise NotFound(f"this job has no frame {frame}")
        return await asyncio.to_thread(self._file, files, frame)

    async def versions(self, job_id: str, frame: int) -> FrameVersions:
        """Return the earlier contents of the frame's file, of which pictures are kept.

        Raises:
            JobNotFound, NotFound, Forbidden: as `file` does.
        """
        _, key = await self.file(job_id, frame)
        found = await asyncio.to_thread(self._images.earlier, key)
        base = f"{self._public_path}/api/tablao/v1/jobs/{job_id}/frames/{frame}/versions"
        return FrameVersions(
            versions=[
                FrameVersion(
                    saved=datetime.fromtimestamp(version.saved_ns / 1e9, UTC),
                    width=version.width,
                    url=f"{base}/{version.content}",
                )
                for version in found[:MAX_EARLIER]
            ]
        )

    async def version(self, job_id: str, frame: int, content: str) -> bytes:
        """Return the picture of an earlier content of the frame's file, as JPEG.

        Raises:
            JobNotFound, NotFound, Forbidden: as `file` does; or the picture is not kept any more.
        """
        _, key = await self.file(job_id, frame)
        jpeg = await asyncio.to_thread(self._images.earlier_jpeg, key, content)
        if jpeg is None:
            raise NotFound("no picture of this version is kept")
        return jpeg

    async def picture(self, path: Path, key: str, width: int) -> bytes:
        """Return a frame as a JPEG of at least that width, if `WIDTHS` has one.

        Raises:
            NoPreview: the file cannot be shown as an image.
            TryAgain: too many frames wait to be decoded.
        """
        return await self._images.jpeg(path, key, fitting(width))

    def _file(self, files: FrameFiles, frame: int) -> tuple[Path, str]:
        storage, directory = SharedStorage(self._storage), self._directory(files)
        path = storage.inside(directory / files.name(frame))
        if not path.is_file():
            files = files.as_view_in(_versions(storage.inside(directory)), [frame])
            path = storage.inside(directory / files.name(frame))
        if not path.is_file():
            raise NotFound(f"frame {frame} is not rendered")
        return path, key_of(path, path.stat())

    def _directory(self, files: FrameFiles) -> Path:
        platform = managers_platform()
        return Path(self._variables.for_workers(platform, platform).text(files.directory))

    async def _settings(self, job_id: str) -> dict[str, Any]:
        async with self._database.reading() as session:
            return (await jobs.existing_job(session, job_id)).settings


def _nothing(note: str) -> FrameSequence:
    return FrameSequence(frames=[], total=0, fps=_FPS, pattern="", note=note)


def _fps(settings: dict[str, Any]) -> float:
    fps = settings.get("fps")
    return float(fps) if isinstance(fps, int | float) and 0 < fps <= 1000 else _FPS


def _versions(directory: Path) -> dict[str, str]:
    """Return the names of the files in the folder, each with a text that changes with the file."""
    try:
        with os.scandir(directory) as found:
            return dict(_version(entry) for entry in found if entry.is_file())
    except OSError:  # usually because no frame is rendered yet
        return {}


def _version(entry: os.DirEntry[str]) -> tuple[str, str]:
    return entry.name, f"{entry.stat().st_mtime_ns:x}"
