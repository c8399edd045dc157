"""Smalltalk: file-outs in chunk format, Tonel, GNU Smalltalk's brackets and FileTree's method files."""
