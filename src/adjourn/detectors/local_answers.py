"""Plain answers: messages that are nothing but a yes or a no.

A closed list needs no network to be read, and it is what people write when they are asked.
Anything longer, or with a second thought in it, is left to the network.
"""

import unicodedata
from typing import Final

_YES: Final = """
yes; yes please; yes, please; yes i do; yes i am; yes i'm sure; yes end it; yes, end it; yep; yup;
yeah; yeah please; sure; ok; okay; i confirm; confirm; confirmed; definitely; absolutely; do it;
sí; si; si por favor; sí, por favor; claro; confirmo; oui; oui s'il vous plaît; oui merci; ouais;
d'accord; ja; ja bitte; jawohl; ja, gerne; sim; sim por favor; confirmar; sì; tak; evet; да;
да, пожалуйста; हाँ; हां; जी हाँ; जी हां; 是; 是的; 好; 好的; 确认; 對; 对; 是啊; はい; 네; 예;
نعم; اجل; أجل; vâng; có; ya
"""
_NO: Final = """
no; no thanks; no, thanks; no thank you; nope; nah; no way; don't; do not; cancel; never mind;
no gracias; no, gracias; non; non merci; nein; nein danke; nö; não; não obrigado; não, obrigada;
nie; нет; नहीं; जी नहीं; 不; 不是; 不要; 不用; 否; 取消;
いいえ; 아니요; لا; لا شكرا; không; tidak
"""


def _folded(text: str) -> str:
    """Return a text in lower case and compatibility form, without punctuation around its words."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    kept = (c if c.isalnum() or c in "' " or unicodedata.combining(c) else " " for c in plain)
    return " ".join("".join(kept).split())


_ANSWERS: Final = {
    **{_folded(answer): True for answer in _YES.split(";")},
    **{_folded(answer): False for answer in _NO.split(";")},
}
_LONGEST: Final = 40
"""Characters; no plain answer is longer."""


def plain_answer(text: str) -> bool | None:
    """Return whether a message is a plain yes (True), a plain no (False), or something else."""
    return _ANSWERS.get(_folded(text)) if len(text) <= _LONGEST else None
