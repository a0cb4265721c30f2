#!/usr/bin/env python3
"""Writes the kept corpus of fuzz_styled: corpus_styled.py FOLDER"""
import os
import sys

MARKDOWN = [
    "a *b* **c** _d_ __e__ ~f~ ~~g~~ ||h|| `i` \\*j\\*",
    "```c\nint x = 1;\\`\n``` ```y```",
    "[a *b*](http://x/(y\\)) [me](tg://user?id=42) [n](tg://user?id=4x)",
    "*a [b](http://example.org/long/address) c*",
    "john_doe * 2 ** [a](b [c] `d ~ ||",
    "*a `*` b* _[x_](y)_ \U0001f642 *\U0001f642* é",
    "*_~||*_~||x||~_*||~_*",
    "****** ____ `` [](x) [x]()",
    "[x](tg://user?id=123456789012345678901234567890)",
    "*" * 40 + "x" + "*" * 40,
    "*a* " * 120 + "[x](http://y) `z` " * 3,
    "[x](http://" + "y" * 600 + ")",
    "`a\\`b\\\\` ```\\``` `\\` c\\",
    "**a *b __c _d ~~e ~f ||g `h` || ~~ ~_ __* **",
    "[a](b\\)c) [d](\\e) *f[g*](h) [i\\](j)](k)",
    "a* *b* c*d*e* _f_g _h_. ._i_ (__j__) *k\n*",
    "[x](tg://user?id=) [y](tg://user?id=1234567890123456789012345)",
    "a <b> & \"c\" \udcff",
    "* a* _b _ ~ c~ ||d || ` ` ``e`` `",
]
HTML = [
    "<b>a</b><strong>b</strong><i>c</i><em>d</em><u>e</u><ins>f</ins>",
    "<s>a</s><strike>b</strike><del>c</del><code>d</code><pre>e</pre>",
    "<blockquote>a</blockquote><tg-spoiler>b</tg-spoiler>"
    "<span class=\"tg-spoiler\">c</span>",
    "<a href=\"http://x/?a=1&amp;b\">l</a><a href=\"tg://user?id=7\">m</a>",
    "<pre><code class=\"language-python\">x &lt; &gt; &quot;</code></pre>",
    "&#65; &#xe9; &#x4f60; &#x1f642; \U0001f642",
    "<b>", "</b>", "<b></i>", "<x>", "<", "<b", "&", "&nbsp;", "&#;",
    "&#x;", "&#xd800;", "&#0;", "&#99999999999;", "<a>x</a>",
    "<a href=\"\">x</a>", "<a href=\"x>", "<span class=\"y\">x</span>",
    "<code class=\"y\">x</code>", "<b class=\"y\">x</b>", "&#12z;",
    "<a href=\"&bad;\">x</a>", "<b>" * 33,
    "<b>a</b>" * 120 + "<a href=\"x\">y</a><pre>z</pre>",
    "<code class=\"language-x\">y</code>", "&#x7ff;&#x800;&#xffff;&#X41;",
    "<a title=\"x\">y</a>", "<a href=\"tg://user?id=12\" >x</a>", "</x",
    "<pre>a<code class=\"language-\">b</code></pre>", "&#x11ffff;&#1234567",
    "<a href=\"&#65;&lt;\">x</a>", "a &amp b;", "\udcff", "&#123456789012;",
]


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for kind, texts in ((b"\0", MARKDOWN), (b"\1", HTML)):
        for i, text in enumerate(texts):
            name = "%s_%02d" % ("html" if kind[0] else "markdown", i)
            with open(os.path.join(folder, name), "wb") as f:
                f.write(kind + text.encode("utf-8", "surrogateescape"))


if __name__ == "__main__":
    main()
