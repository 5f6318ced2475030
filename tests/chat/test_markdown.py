"""Markdown: what is rendered, and what is not."""

from html.parser import HTMLParser

import pytest

from chat.text.markdown import render
from chat.text.mentions import LONGEST_READ, MAX_LOOKED_AT, MAX_NAMES, names

PEOPLE = {"alice": 7, "bob": 8, "dot.name": 9, "a@b.org": 10}


def html(body: str) -> str:
    return render(body, PEOPLE).html


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("**bold** and *soft*", "<p><strong>bold</strong> and <em>soft</em></p>"),
        ("~~gone~~ `code`", "<p><s>gone</s> <code>code</code></p>"),
        ("one *line*\ntwo", "<p>one <em>line</em><br>\ntwo</p>"),
        ("> quoted\nyes", "<blockquote>\n<p>quoted</p>\n</blockquote>\n<p>yes</p>"),
        ("> a\n> b\n", "<blockquote>\n<p>a<br>\nb</p>\n</blockquote>"),
        ("- a\nb", "<ul>\n<li>a</li>\n</ul>\n<p>b</p>"),
        ("# One #", "<h3>One #</h3>"),
        ("###### Six", "<h6>Six</h6>"),
        (
            "1. a\n1. b\n7) c",
            '<ol>\n<li>a</li>\n<li value="1">b</li>\n</ol>\n<ol start="7">\n<li>c</li>\n</ol>',
        ),
        ("- [ ] one\n- [x] two", "<ul>\n<li>☐ one</li>\n<li>☑ two</li>\n</ul>"),
        (
            "a | b\n--|-:\n1 | 2",
            '<table>\n<thead>\n<tr>\n<th>a</th>\n<th data-align="right">b</th>\n</tr>\n</thead>\n'
            '<tbody>\n<tr>\n<td>1</td>\n<td data-align="right">2</td>\n</tr>\n</tbody>\n</table>',
        ),
        (r"*a* \_b and 2 \* 3 \* 4", "<p><em>a</em> \\_b and 2 \\* 3 \\* 4</p>"),
        ("> quoted\n\nyes", "<blockquote>\n<p>quoted</p>\n</blockquote>\n<p>yes</p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("```py\n1 < 2\n```", '<pre><code data-language="py">1 &lt; 2\n</code></pre>'),
        ("```C++\nx\n```", '<pre><code data-language="c++">x\n</code></pre>'),
        ("```some words\nx\n```", "<pre><code>some words\nx\n</code></pre>"),
        ('```"><img class=x>\nx\n```', '<pre><code>"&gt;&lt;img class=x&gt;\nx\n</code></pre>'),
        ("```\nx\n```", "<pre><code>x\n</code></pre>"),
        (r"\*so\*", "<p>*so*</p>"),
        (
            "<https://a.org>",
            '<p><a href="https://a.org" rel="noopener noreferrer nofollow">https://a.org</a></p>',
        ),
        (
            "[site](http://a.org)",
            '<p><a href="http://a.org" rel="noopener noreferrer nofollow">site</a></p>',
        ),
        (
            "see https://a.org/x_y_z.",
            '<p>see <a href="https://a.org/x_y_z" rel="noopener noreferrer '
            'nofollow">https://a.org/x_y_z</a>.</p>',
        ),
        (
            "![cat](http://a.org/c.png)",
            '<p><a href="http://a.org/c.png" rel="noopener noreferrer nofollow">cat</a></p>',
        ),
        (
            "[![built](http://a.org/b.svg)](http://b.org/)",
            '<p><a href="http://b.org/" rel="noopener noreferrer nofollow">built</a></p>',
        ),
        (
            r"\![cat](http://a.org/c.png)",
            '<p>!<a href="http://a.org/c.png" rel="noopener noreferrer nofollow">cat</a></p>',
        ),
        (
            "mailto:a@b.org",
            '<p><a href="mailto:a@b.org" rel="noopener noreferrer nofollow">mailto:a@b.org</a></p>',
        ),
    ],
)
def test_markup_is_rendered(body: str, expected: str) -> None:
    assert html(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        "Hello.",
        "two\nlines\n\nand a paragraph",
        "#no heading, #1234",
        "#",
        "-",
        "1.",
        "* \n* ",
        ">",
        "> \n>",
        "```\n```",
        "` `",
        "[]()",
        "****",
        "007. Bond",
        "¯\\_(ツ)_/¯",
        r"C:\Users\_me\[x] \\server\share a\#b",
        "    no code block",
        "2 * 3 * 4, foo_bar_baz, ~/x, a@b.org",
        "main.py and example.com",
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "&amp; &lt;b&gt;",
        "[x](javascript:alert(1)) [x](data:text/html,x) [x](/admin/) [x](//a.org) [x](ftp://a.org)",
        "ftp://a.org //a.org file:///etc/passwd",
        "http://[",
        "@nobody",
        ">" * 30 + "deep",
        "".join("  " * depth + "- x\n" for depth in range(30)),
    ],
)
def test_plain_text_has_no_html(body: str) -> None:
    assert html(body) == ""


@pytest.mark.parametrize(
    "body",
    [
        '**x** <a href="javascript:alert(1)">x</a>',
        "[x](javascript&colon;alert(1)) *y*",
        '[x](http://a.org "onmouseover=alert(1)") *y*',
        '[x](http://a.org/"onmouseover="alert(1)) *y*',
        "![x](http://a.org/x.png) *y*",
        "`<svg onload=alert(1)>`",
        "```<script>\n<script>alert(1)</script>\n```",
        "<http://a.org/<script>alert(1)</script>>",
        "*[x](http://a.org)<style>*",
    ],
)
def test_nothing_dangerous_comes_out(body: str) -> None:
    out = Tags()
    out.feed(html(body))
    assert out.found
    for tag, attributes in out.found:
        assert tag in {"p", "strong", "em", "code", "pre", "a"}
        assert set(attributes) <= {"href", "rel"}
        assert (attributes.get("href") or "http://").startswith("http://")


class Tags(HTMLParser):
    """The document that a browser would build."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_mentions_of_people_are_marked() -> None:
    rendered = render("@alice, @Bob and @nobody: see @dot.name. @alice", PEOPLE)
    assert rendered.mentions == (7, 8, 9)
    assert rendered.html == (
        '<p><span class="mention" data-user="7">@alice</span>, '
        '<span class="mention" data-user="8">@Bob</span> and @nobody: '
        'see <span class="mention" data-user="9">@dot.name</span>. '
        '<span class="mention" data-user="7">@alice</span></p>'
    )


@pytest.mark.parametrize(
    "body",
    [
        "`@alice`",
        "```\n@alice\n```",
        "x@alice",
        "https://a.org/@alice",
        "[@alice](https://a.org)",
        "@@alice",
        "@alicex",
    ],
)
def test_what_only_looks_like_a_mention_is_none(body: str) -> None:
    assert render(body, PEOPLE).mentions == ()


@pytest.mark.parametrize(
    ("body", "user"),
    [("@bob.", 8), ("(@bob)", 8), ("**@bob**", 8), ("@bob's", 8), ("> @bob", 8), ("@a@b.org", 10)],
)
def test_a_mention_ends_where_the_name_ends(body: str, user: int) -> None:
    assert render(body, PEOPLE).mentions == (user,)


def test_each_possible_name_is_looked_for_once() -> None:
    assert names("@Bob. and @x") == {"bob.", "bob", "x"}
    assert names("a@b.org `@x`") == {"x"}
    assert len(names(" ".join(f"@user{number}" for number in range(1000)))) == MAX_LOOKED_AT
    assert len(names("@张三" * 1000)) <= MAX_NAMES + LONGEST_READ


def test_only_permitted_authors_mention_the_whole_room() -> None:
    rendered = render("@room look", PEOPLE, room=True)
    assert rendered.everybody
    assert rendered.html == '<p><span class="mention" data-room="">@room</span> look</p>'
    assert not render("@room look", PEOPLE).everybody
    assert not render("`@room`", PEOPLE, room=True).everybody
