"""The version, from the installed package."""

from importlib import metadata

try:
    __version__ = metadata.version("schuss")
except metadata.PackageNotFoundError:  # a build tree that is not installed
    __version__ = "0+unknown"
