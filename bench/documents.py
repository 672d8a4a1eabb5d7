"""Documents of about 2,000 characters, each with an edited copy: made of words, always the same ones.

    documents.py <count>        one edit event a line, on standard output

A third of the edits is light (words swapped here and there), a third moderate (sentences deleted, inserted, reworded), a
third heavy (paragraphs moved, too).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from random import Random

SEED = 20_261_122
CHARACTERS = 2_000

WORDS = """
a about above account across after again agreement air all almost along already also always amount an and another answer
any approach area around as ask at available average away back balance basic be because become before begin behind below
best better between both bring budget build business but by call can careful case cause centre certain change check city
clear close cold come common compare complete concern condition consider contain continue contract control cost could
count country course cover current customer data day decide deliver demand describe design detail develop difference
different difficult do document down draft early easy effect either element else end energy engine enough entire equal
estimate even event every evidence exact example except expect explain extra fact fall family far fast feature few field
figure final find first follow for form forward free from full function further future general get give go good great
group grow half hand happen hard have he health help her here high his hold hour house how however human idea if
important in include increase industry information instead interest into is issue it its journey just keep kind know
language large last late later law lead learn least leave less letter level light like limit line list little local long
look lose low machine main make manage many mark market material matter may mean measure meeting member message method
might minute model month more most move much must name natural near need never new next night no normal north not note
nothing now number of offer office often old on once one only open or order original other our out over own page paper
part pass past pattern people perhaps period person place plain plan point policy position possible power practice
present press price problem process produce product project proof proper public purpose quality question quick quite
rather reach read ready real reason receive recent record reduce region regular remain report request require research
rest result return review right rise risk road role round rule run same sample say scale school science second section
see seem send sense separate series serve set several shape share she short should show side sign similar simple since
single site small so some soon sort source south space special stage standard start state station step still stop story
street strong structure study subject such suggest supply support sure system table take talk team tell term test text
than that the their them then there these they thing think this those though through time to today together too top total
toward trade train travel tree true turn two type under unit until up upon use usual value various very view visit voice
wait walk want was water way we week well were west what when where whether which while who whole why wide will winter with
within without word work world would write year yet you young your
""".split()

Document = list[list[str]]  # paragraphs of sentences


def sentence(random: Random) -> str:
    words = random.choices(WORDS, k=random.randint(6, 20))
    return " ".join(words).capitalize() + random.choice("....?!")


def document(random: Random, characters: int) -> Document:
    paragraphs: Document = []
    while len(text_of(paragraphs)) < characters:
        paragraphs.append([sentence(random) for _ in range(random.randint(2, 5))])
    return paragraphs


def text_of(paragraphs: Document) -> str:
    return "\n\n".join(" ".join(sentences) for sentences in paragraphs if sentences)


def swap_words(random: Random, paragraphs: Document, share: float) -> None:
    for sentences in paragraphs:
        for index, old in enumerate(sentences):
            new = (random.choice(WORDS) if random.random() < share else word for word in old.split(" "))
            sentences[index] = " ".join(new)


def change_sentences(random: Random, paragraphs: Document, count: int) -> None:
    for _ in range(count):
        sentences = random.choice(paragraphs)
        place = random.randrange(len(sentences) + 1)
        match random.choice(("delete", "insert", "reword")):
            case "delete":
                del sentences[place : place + 1]
            case "insert":
                sentences.insert(place, sentence(random))
            case "reword":
                sentences[place : place + 1] = [sentence(random)]


def move_paragraph(random: Random, paragraphs: Document) -> None:
    moved = paragraphs.pop(random.randrange(len(paragraphs)))
    paragraphs.insert(random.randrange(len(paragraphs) + 1), moved)


def edited(random: Random, original: Document) -> Document:
    paragraphs = [list(sentences) for sentences in original]
    match random.choice(("light", "moderate", "heavy")):
        case "light":
            swap_words(random, paragraphs, 0.03)
        case "moderate":
            swap_words(random, paragraphs, 0.05)
            change_sentences(random, paragraphs, random.randint(1, 5))
        case "heavy":
            swap_words(random, paragraphs, 0.10)
            change_sentences(random, paragraphs, random.randint(3, 8))
            move_paragraph(random, paragraphs)
    return paragraphs


def events(count: int, characters: int = CHARACTERS) -> Iterator[dict[str, str]]:
    random = Random(SEED)
    for number in range(count):
        original = document(random, characters)
        yield {
            "prompt": f"Write page {number}. {sentence(random)}",
            "original_llm_output": text_of(original),
            "final_user_edit": text_of(edited(random, original)),
        }


if __name__ == "__main__":
    for event in events(int(sys.argv[1])):
        print(json.dumps(event))
