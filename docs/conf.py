"""How Sphinx builds the site (`make docs`). It fetches nothing, and no page loads from another server."""

project = "Nocturne"
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3  # a link to `page.md#a-heading` is checked down to this level
html_theme = "furo"
html_title = "Nocturne"
html_copy_source = False
html_use_index = False  # it would be empty: the site documents a command, no module
