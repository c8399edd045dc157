"""What a file is read as where its ending does not say it all: `.h` is C or C++, a notebook is Python."""

import re

from pipelines.syntax.languages import Language, language_named
from pipelines.syntax.notebooks import render

# What C and C++ compilers both skip, or what only a C++ compiler reads in a header for both.
_ASIDE = re.compile(
    rb'"(?:\\.|[^"\\\n])*"'
    rb"|//[^\n]*"
    rb"|/\*.*?\*/"
    rb"|^[ \t]*#[ \t]*if(?:def[ \t]+|[ \t]+defined[ \t]*\(?[ \t]*)__cplusplus\b.*?^[ \t]*#[ \t]*(?:else|elif|endif)\b",
    re.DOTALL | re.MULTILINE,
)
# A line that C has no reading for; `class` alone could name a variable there.
_ONLY_CPP = re.compile(
    rb"^[ \t]*(?:"
    rb"template[ \t]*<|(?:inline[ \t]+)?namespace\b[^;=(]*\{|using[ \t]+(?:namespace[ \t]+)?[\w:]+[ \t]*[;=]"
    rb"|(?:public|private|protected)[ \t]*:|(?:enum[ \t]+)?class[ \t]+[\w: \t]+[;:{\n]"
    rb"|[^\n#\[]*\w::~?\w"
    rb")",
    re.MULTILINE,
)


def open_dialect(source: bytes, language: Language) -> tuple[bytes, Language]:
    """The text that is read of a file, and its language: of a notebook the Python that stands for it, line by line.

    Raises:
        NotRead: it is a notebook that cannot be read so.
    """
    return (render(source), language_named("python")) if language.name == "notebook" else (source, language)


def settle_dialect(source: bytes, language: Language) -> Language:
    """The language of UTF-8 source whose name's ending says `language`.

    C++ is told by lines that C cannot read (`template <`, `namespace x {`, `class X`, `public:`, `using`, `a::b`)
    outside comments, strings and `#ifdef __cplusplus`. A header that holds
    none of them stays C, which then reads it as well.
    """
    if language.name != "c":
        return language
    aside = _ASIDE.sub(b" ", source)
    return language_named("cpp") if _ONLY_CPP.search(aside) else language
