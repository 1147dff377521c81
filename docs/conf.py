# SPDX-License-Identifier: GPL-2.0-or-later
"""How Sphinx makes pages of docs/: ninja -C build docs."""

project = 'qemu-pasid'
extensions = ['sphinx.ext.graphviz']
graphviz_output_format = 'svg'
nitpicky = True
smartquotes = False

html_theme = 'alabaster'
html_theme_options = {
    'description': 'IOMMUs to develop PASID software against',
    'font_family': 'sans-serif',
    'page_width': '72em',
    'fixed_sidebar': True,
}
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
