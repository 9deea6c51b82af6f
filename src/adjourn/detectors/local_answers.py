"""Plain answers by their words: a bare yes or no needs no network, and must not hang on one.

Only whole messages count, after punctuation and case are gone: "yes, end it" is a yes, "he said
yes" and "yes?" are not. What is not plain is left to the network.
"""

from typing import Final

SURE: Final = 0.97
"""Probability of an answer that is plain."""
_MOST_WORDS: Final = 9
_NOT_PLAIN: Final = frozenset('?\uff1f\u061f"\u201c\u201d\u00ab\u00bb:[]<>')
"""Questions, quotations and transcripts are not plain answers."""
_STOPS: Final = frozenset("\u3002\uff0c\uff01\u3001\u0964\u060c")
"""Full stops and commas of other scripts."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_YES: Final = _words("""
    yes yep yeah yup yea y sure confirm confirmed absolutely definitely certainly correct
    affirmative aye sí si ja jawohl oui sim sì
    はい 是 是的 好 好的 确定 确认 نعم أجل हाँ हां да tak evet
""")
_YES_MORE: Final = _words("""
    yes please do it end close terminate this that the chat conversation now for good
    permanently i am i'm im sure confirm want to go ahead understand is thank you thanks ok
    really it's fine bye goodbye of course and forever por favor ciérralo termina terminar esta
    conversación bitte beenden beende es das gespräch s'il te plaît vous termine terminez la
    cette encerre encerrar pode
""")
_YES_WHOLE: Final = frozenset(
    {
        "do it", "go ahead", "please do", "of course", "i do", "i confirm", "i am sure",
        "i'm sure", "please end it", "please close it", "end it", "close it",
        "that's right", "do it please", "go ahead please", "vas y", "mach es", "hazlo",
        "d'accord", "जी हाँ", "जी हां", "请结束", "结束吧",
    }
)  # fmt: skip
_NO: Final = _words("""
    no nope nah n never negative nein non não nao не нет
    いいえ 不 不要 不用 不用了 不是 لا كلا नहीं nee nie
""")
_NO_MORE: Final = _words("""
    no thanks thank you please wait don't dont do not end close it keep open leave going go on
    let's lets continue i changed my mind want to the chat conversation this that yet now way
    sorry still have questions talk talking here stop mistake was a actually gracias danke merci
    obrigado mantenla abierta offen lassen continuons
""")
_NO_WHOLE: Final = frozenset(
    {
        "don't", "dont", "do not", "not yet", "not now", "rather not", "please don't",
        "keep it open", "leave it open", "i changed my mind", "keep going", "keep talking",
        "never mind", "cancel", "don't end it", "do not end it", "please don't end it",
        "don't close it", "absolutely not",
    }
)  # fmt: skip
_OPENERS: Final = frozenset({"wait", "sorry", "actually", "oh", "um", "hm", "well", "hmm"})


def plain_answer(text: str) -> bool | None:
    """Return whether a message is plainly a yes or a no, None if it is neither."""
    if len(text) > 120 or not _NOT_PLAIN.isdisjoint(text):
        return None
    words = _bare(text).split()
    while len(words) > 1 and words[0] in _OPENERS:
        words = words[1:]
    if not words or len(words) > _MOST_WORDS:
        return None
    first, more, whole = words[0], frozenset(words[1:]), " ".join(words)
    if whole in _YES_WHOLE or (first in _YES and more <= _YES_MORE | _YES):
        return True
    if whole in _NO_WHOLE or (first in _NO and more <= _NO_MORE | _NO):
        return False
    return None


def _bare(text: str) -> str:
    """Return the text without case and punctuation, apostrophes kept."""
    folded = text.casefold().replace("\u2019", "'")
    return "".join(
        c if (c.isalnum() or c in "' " or ord(c) > 0x2FF) and c not in _STOPS else " "
        for c in folded
    )
