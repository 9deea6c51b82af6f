"""Telling the language somebody writes in, where it can be told with certainty.

A small rule, so that anybody can check it: scripts first, then words that only one of the rival
languages has. It knows the languages that the gateway has words in, and their nearest neighbours,
which it must not take for them. What it is not sure of it does not say: then the texts go out in
the language that the client accepts, or in the policy's own.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from adjourn.core.messages import Message, Role

_MESSAGES: Final = 3
"""Newest user messages that are read: one alone is often too short."""
_LONGEST: Final = 500
"""Characters read of each."""
_LEAST: Final = 2
"""Words of a language that must be there."""
_LEAD: Final = 2
"""How many times as many as of any other language."""

_WORDS: Final[Mapping[str, frozenset[str]]] = {
    code: frozenset(words.split())
    for code, words in {
        "en": "the and you your you're i'm is are was were what with this that for not of to it "
        "don't can't how why would should have has my me we they them tell just because will from "
        "about do does did been shut get never please thanks which who i'll i've it's they're",
        "es": "el los las una unos y que qué por porque para con como cómo eres estás estoy es soy "
        "pero muy más mi tu tú te yo nada todo dime haz quiero puedes no del al lo le nos sin su "
        "hola gracias está esto eso ese ya cuando hay son fue ha he una usted vas voy también "
        "ella ellos nadie nunca siempre quién dónde ojalá puedo tengo sabes hacer vete calla "
        "puedes podrías ayúdame ayuda déjame tienes dame dices otra otro mejor ahora aquí así "
        "bien vida mucho muchas mierda cállate tonto mañana hoy sé hacerlo entiendes chiste "
        "cuéntame explícame terminar quisiera gustaría algo alguien solo sólo mis tus sus",
        "fr": "le les des une et est suis es tu vous je j'ai c'est t'es ne pas que qui quoi pour "
        "avec dans sur mais mon ma mes ton ta tes moi toi nous ils elle son sa ce cette ça comment "
        "pourquoi plus très tout rien veux peux fais dis du au aux d'un d'une qu'il n'est jamais "
        "toujours merci bonjour il être faire sans été aide donne j'en m'a s'il l'ai y",
        "de": "der die das und ich du bist ist nicht ein eine einen einem mit für auf wie was "
        "warum mir mich dir dich mein dein sie wir ihr es zu von den dem auch aber noch nur kein "
        "keine hast habe kann kannst will willst soll wenn dass weil bitte danke halt sag immer "
        "nie doch schon so mal wird war sind im am zum bei aus nach nichts alles jetzt",
        "pt": "o os as um uma e que por porque para com como você vocês eu meu minha seu sua não "
        "sim é está estou são mas muito mais isso isto nada tudo do da dos das no na nos nas em "
        "ao pelo pela quero pode posso me te ele ela eles já também obrigado obrigada foi tem "
        "tenho fazer ninguém nunca sempre quem onde quando sem só cala vai vou agora ainda",
        "it": "il lo gli una un e che per con come sei sono è non ma molto più mio mia tuo tua ti "
        "mi io tu perché cosa questo quello nel nella della dello dei delle di da al alla voglio "
        "puoi fammi dimmi zitto grazie ciao anche tutto niente senza ho hai ha c'è stai mai lui "
        "lei noi voi loro quando dove chi se",
        "nl": "de het een en ik je jij bent is niet met voor op hoe wat waarom mij mijn jouw van "
        "dat dit die maar ook nog geen heb hebt kan kunt wil wilt moet als omdat dank bedankt "
        "altijd nooit we ze hij zij u uw er te om naar bij uit zijn was wordt",
        "ca": "el els les una uns que per amb com ets soc és està estic però molt més meu teu no "
        "res tot vull pots digues gràcies aquest això dels als jo tu ell ella ho",
        "pl": "nie się jest to że co jak ale mnie ja ty w na z do czy dla jesteś tak mi dlaczego",
        "tr": "bir ve bu ne için ben sen değil çok mi mı nasıl neden var yok bana beni seni ama",
        "sv": "och jag du är inte det en ett att som för med på hur vad varför mig dig men kan",
        "id": "yang dan saya aku kamu tidak ini itu untuk dengan apa bagaimana di ke dari mau bisa",
        "ro": "și nu este sunt eu tu pe cu la ce de un o să mă te vreau pentru cum că mai din",
        "vi": "tôi bạn không là và của cho có một được muốn người này thế nào làm sao",
        "sw": "na ya wa ni kwa mimi wewe nataka sitaki hii hapana ndiyo yangu wako",
    }.items()
}
_DEVANAGARI: Final[Mapping[str, frozenset[str]]] = {
    code: frozenset(words.split())
    for code, words in {
        "hi": "है हैं का के को से और यह मैं मैंने मुझे मेरा मेरे मेरी तुम तू हूँ हूं हो नहीं क्या क्यों "
        "कैसे चाहता चाहती तेरा तेरी आप आपका कर था थी रहा रही लिए बहुत में ने गया मत कोई बताओ करो वाला "
        "इस इसे उस एक दो दे हम हमारी पर ही भी तो मदद कृपया कैसा कैसी जी सकते सकता सकती लगता दीजिए "
        "चाहिए होता गयी गई अब कुछ सब बात आज घर बारे",
        "mr": "आहे आहेस आहेत मी मला माझा माझी माझे तुझा तू आणि काय कसे नाही हे ते च्या साठी पण करा",
        "ne": "छ छैन म मलाई हो र को मा तिमी तपाईं गर्न कसरी किन हुन्छ छु छौ यो",
    }.items()
}
_LATIN: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")  # noqa: TID251 - linear
_DEVANAGARI_WORD: Final = re.compile(r"[\u0900-\u0963]+")  # noqa: TID251 - linear
_ARABIC: Final = re.compile(r"[\u0620-\u064a]")  # noqa: TID251 - linear
_NOT_ARABIC: Final = re.compile(r"[\u0679-\u06d5]")  # noqa: TID251 - linear
"""Letters of the Arabic script that Arabic has not: Persian, Urdu, Pashto, Kurdish, Uyghur."""
_ONLY_ARABIC: Final = re.compile(r"[ةىإأ]|\bال|\b(?:في|من|على|لا|ما|هذا|أنت|يا)\b")  # noqa: TID251 - linear
_HAN: Final = re.compile(r"[\u3400-\u9fff]")  # noqa: TID251 - linear
_NOT_CHINESE: Final = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")  # noqa: TID251 - linear
"""Japanese kana and Korean syllables."""
_LETTER: Final = re.compile(r"[^\W\d_]")  # noqa: TID251 - linear


def told_language(messages: Sequence[Message]) -> str:
    """Return the language (ISO 639-1) of the newest user messages; empty if that is not certain."""
    texts = [message.text[:_LONGEST] for message in messages if message.role is Role.USER]
    return language_of("\n".join(texts[-_MESSAGES:]).lower())


def language_of(text: str) -> str:
    """Return the language of a text in lower case, if it is certain; else an empty text."""
    letters = len(_LETTER.findall(text))
    if not letters:
        return ""
    if len(_HAN.findall(text)) * 2 > letters:
        return "" if _NOT_CHINESE.search(text) else "zh"
    if len(_ARABIC.findall(text)) * 2 > letters:
        return "ar" if _ONLY_ARABIC.search(text) and not _NOT_ARABIC.search(text) else ""
    devanagari = _DEVANAGARI_WORD.findall(text)
    if sum(map(len, devanagari)) > letters:  # vowel signs are no letters, so words are longer
        return _most(devanagari, _DEVANAGARI)
    return _most([word.replace("’", "'") for word in _LATIN.findall(text)], _WORDS)


def _most(words: Sequence[str], known: Mapping[str, frozenset[str]]) -> str:
    """Return the language with the most of its words there, if it leads by far."""
    counts = Counter(code for word in words for code, its in known.items() if word in its)
    (first, most), (_, second) = [*counts.most_common(2), ("", 0), ("", 0)][:2]
    return first if most >= _LEAST and most >= _LEAD * second else ""
