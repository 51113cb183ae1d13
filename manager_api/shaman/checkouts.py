"""Checkouts: folders of links to stored files, or of copies, that jobs render from."""

from manager_api.shaman.erasing import erase_checkout

__all__ = ["erase_checkout"]
