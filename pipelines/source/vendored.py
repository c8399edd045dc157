"""Code copied from elsewhere, told by its path. The categories are those that GitHub's linguist documents as vendored
(https://github.com/github-linguist/linguist/blob/main/docs/overrides.md): package folders, build outputs and the
well-known libraries' own file names.
"""

import re

from pipelines.source.skip_rules import Reason

# Folders that a package manager, a build or a person fills with other people's code. Names that projects also give to
# their own code (`lib`, `deps`, `external`, `build`) are none.
FOLDERS = {
    ".yarn": "Yarn's own releases and plugins",
    "bower_components": "packages of Bower",
    "bundled_deps": "packages",
    "carthage": "packages of Carthage",
    "dist": "built files",
    "godeps": "packages of godep",
    "jspm_packages": "packages of jspm",
    "node_modules": "packages of npm",
    "pods": "packages of CocoaPods",
    "site-packages": "packages of Python",
    "3rdparty": "third-party code",
    "third-party": "third-party code",
    "third_party": "third-party code",
    "thirdparty": "third-party code",
    "vendor": "vendored code",
    "vendored": "vendored code",
    "vendors": "vendored code",
    "_vendor": "vendored code",
}
_LIBRARIES = (
    "angular|backbone|bootstrap|chart|codemirror|d3|ember|ext-all|fontawesome|handlebars|highlight|html5shiv|jquery|"
    "knockout|leaflet|lodash|mathjax|modernizr|moment|mootools|mustache|normalize|polyfill|popper|prototype|raphael|"
    "react-dom|react|require|respond|scriptaculous|select2|socket\\.io|sizzle|three|tinymce|underscore|vue|yui|zepto"
)
# `jquery.js` is nobody's own; the other names are only with a version: `vue.js` may be what the project is.
_BUNDLE = re.compile(
    rf"^(?:(?:{_LIBRARIES})(?:[-.][a-z]+)*[-.]v?\d+(?:\.\d+)*(?:[-.][a-z]+)*|jquery(?:[-.](?:ui|slim|mobile))*)\.[cm]?js$",
    re.IGNORECASE,
)


def by_path(path: str) -> Reason | None:
    """Why a path is one of copied code; None when it is not."""
    *folders, name = path.split("/")
    for folder in folders:
        if folder.lower() in FOLDERS:
            return Reason(f"vendored: the folder `{folder}` holds {FOLDERS[folder.lower()]}", "vendored folder")
    if _BUNDLE.match(name):
        return Reason(f"vendored: `{name}` is the file name of a well-known library", "vendored library")
    return None
