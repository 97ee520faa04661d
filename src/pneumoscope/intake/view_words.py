"""The words that devices and technicians write into View Position, and what they mean for a chest film.

Source:
    PS3.3 C.8.1.1 (CR) and C.8.11.5 (DX): the defined terms; the others are those of vendors' consoles and of public
    data sets, in English, German, French, Spanish, Italian, Portuguese, Dutch, Chinese and Japanese.
"""

import re
import unicodedata
from enum import Enum, auto


class Word(Enum):
    """What a word says of the projection."""

    PA = auto()
    AP = auto()
    FRONTAL = auto()
    LATERAL = auto()
    NEUTRAL = auto()
    """Of posture, place or body part: nothing about the projection."""


# Written by hand as phrases; looked up without accents, blanks and punctuation.
_PHRASES: dict[Word, str] = {
    Word.PA: """
        PA; POSTEROANTERIOR; POSTERIORANTERIOR; POSTERIOR TO ANTERIOR; POSTERO ANTERIEUR; POSTERO ANTERIEURE;
        POSTERO ANTERIORE; DORSOVENTRAL; DORSO VENTRAL; DV; 后前位; 後前位; 背腹位; 腹背方向
    """,
    Word.AP: """
        AP; ANTEROPOSTERIOR; ANTERIORPOSTERIOR; ANTERIOR TO POSTERIOR; ANTERO POSTERIEUR; ANTERO POSTERIEURE;
        ANTERO POSTERIORE; VENTRODORSAL; VENTRO DORSAL; VD; 前后位; 前後位
    """,
    Word.FRONTAL: "FRONTAL; FRONTALE; FRONT; FACE; DE FACE; DE FRENTE; FRENTE; PA AP; AP PA; 正位; 正面",
    Word.LATERAL: """
        LL; RL; LAT; LATERAL; LATERALE; LLAT; RLAT; L LAT; R LAT; LAT L; LAT R; LEFT LATERAL; RIGHT LATERAL;
        LATERAL LEFT; LATERAL RIGHT; LEFT LAT; RIGHT LAT; LAT LEFT; LAT RIGHT; LATEROLATERAL; LATERO LATERAL;
        SEITLICH; SEITE; PROFIL; DE PROFIL; PERFIL; DE PERFIL; PROFILO; ZIJDELINGS; 侧位; 側位; 左侧位; 右侧位; 側面
    """,
    Word.NEUTRAL: """
        ERECT; STANDING; UPRIGHT; SUPINE; SITTING; SEATED; SEMI; SEMIERECT; SEMI ERECT; SEMIUPRIGHT; SEMI UPRIGHT;
        SEMISUPINE; SEMI SUPINE; SEMIRECUMBENT; RECUMBENT; PORTABLE; MOBILE; BEDSIDE; BED; WHEELCHAIR; STRETCHER;
        STEHEND; LIEGEND; SITZEND; IM STEHEN; IM LIEGEN; IM SITZEN; DEBOUT; COUCHE; ASSIS; AU LIT;
        DE PIE; BIPEDESTACION; ACOSTADO; SENTADO; SUPINO; IN PIEDI; SUPINA; SEDUTO; STAAND; LIGGEND; ZITTEND;
        CHEST; THORAX; TORAX; TORACE; LUNG; LUNGS; LUNGE; POUMON; PULMON; VIEW; PROJECTION; ROUTINE; ADULT; PEDIATRIC;
        PAEDIATRIC; CHILD; INSPIRATION; INSP; GRID; NO GRID; 胸部; 立位; 卧位; 臥位; 坐位; 仰卧位
    """,
}
_NOT_LETTERS = re.compile(r"[\W_]+")


def _plain(phrase: str) -> tuple[str, ...]:
    """Return the words of a phrase in capitals, without accents; `P.A.`, `P/A` and `P->A` are one word each."""
    decomposed = unicodedata.normalize("NFKD", phrase.upper())
    letters = "".join(character for character in decomposed if not unicodedata.combining(character))
    words = [word for word in _NOT_LETTERS.split(letters) if word]
    joined: list[str] = []
    for word in words:
        if joined and word in {"P", "A"} and joined[-1] in {"P", "A"} and word != joined[-1]:
            joined[-1] += word
        else:
            joined.append(word)
    return tuple(joined)


_MEANINGS: dict[tuple[str, ...], Word] = {
    _plain(phrase): word for word, phrases in _PHRASES.items() for phrase in phrases.split(";")
}
_LONGEST = max(map(len, _MEANINGS))
_MEANINGS |= {("".join(words),): word for words, word in _MEANINGS.items()}  # one word, or several


def meaning_of(value: str) -> Word | None:
    """Return what a View Position says; None where a word is not known, or two contradict each other.

    Words of posture, place and body part may stand beside it (`AP SUPINE`, `CHEST PA ERECT`). A word that is not known
    may change the meaning (`AP LORDOTIC`, `PA OBLIQUE`), so the whole is not understood then.
    """
    words, said = _plain(value), set[Word]()
    while words:
        tried = range(min(_LONGEST, len(words)), 0, -1)
        length = next((n for n in tried if ("".join(words[:n]),) in _MEANINGS), None)
        if length is None:
            return None
        said.add(_MEANINGS[("".join(words[:length]),)])
        words = words[length:]
    said.discard(Word.NEUTRAL)
    if not said:
        return Word.NEUTRAL
    if Word.LATERAL in said:
        return Word.LATERAL if len(said) == 1 else None
    said.discard(Word.FRONTAL)
    return next(iter(said)) if len(said) == 1 else Word.FRONTAL
