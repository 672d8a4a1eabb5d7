//! Detection of English sentences, by the small words that every sentence has.
//!
//! The model knows English only, and takes 5 to 9 % of another language's sentences for abuse. Names, code and
//! fragments have few small words of any language. Their language stays undecided, and the model reads them.

use super::features::word_hash;

/// The minimum number of words of another language. Fewer may be a name or a loan.
const FEWEST_FOREIGN: u32 = 2;

/// The length in words from which a sentence is not English, if it has no small word of English and one of another
/// language.
const FEWEST_WORDS: u32 = 6;

/// The minimum number of bytes in another script. Fewer may be a symbol, or a quoted word.
const FEWEST_WIDE: usize = 12;

/// The evidence about a sentence's language.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Evidence {
    words: u32,
    english: u32,
    foreign: u32,
    letters: usize,
    wide: usize,
}

impl Evidence {
    /// Takes one word, by its hash, its bytes, and the number of them beyond ASCII. Returns `true` for a word of
    /// [`NAMES`] or [`ANATOMY`], which says what a text is about, and hardly how.
    pub(super) fn hear(&mut self, hash: u64, bytes: usize, wide: usize) -> bool {
        self.words += 1;
        self.letters += bytes;
        self.wide += wide;
        let class = class_of(hash);
        match class {
            ENGLISH => self.english += 1,
            FOREIGN => self.foreign += 1,
            _ => {}
        }
        class == MATTER
    }

    /// Returns `true` if the sentence is in another script or language, with hardly any English.
    pub(super) fn is_foreign(&self) -> bool {
        let is_of_other_script = self.wide >= FEWEST_WIDE && 2 * self.wide > self.letters && self.english < 3;
        let is_of_other_words =
            self.foreign >= FEWEST_FOREIGN && self.foreign > 2 * self.english && 5 * self.foreign >= self.words;
        let has_no_english = self.words >= FEWEST_WORDS && self.english == 0 && self.foreign > 0;
        is_of_other_script || is_of_other_words || has_no_english
    }
}

const ENGLISH: u64 = 1;
const FOREIGN: u64 = 2;
const MATTER: u64 = 3;

/// Names of heads of state and government, and of candidates. Comments on the news name them in anger so often that the
/// name alone would be a finding ("I like …"). A name says who is meant, and hardly how.
const NAMES: &str = "trump donald biden obama barack clinton hillary kamala pelosi putin merkel macron sarkozy berlusconi netanyahu \
    erdogan modi bolsonaro zelensky thatcher reagan nixon trudeau";

/// Words of anatomy and of health care, which explicit texts and leaflets share. Explicit texts have others besides.
const ANATOMY: &str = "vagina vaginal penis anal anus rectal breast breasts condom condoms masturbation circumcision foreskin orgasm \
    menopause";

/// Frequent words of English that are not frequent in the other languages here, in the form of [`super::features`].
const ENGLISH_WORDS: &str = "the and of is that it you this for with are not be have they but what your from she we if will \
    would there their his her were been about just who get like people when can out how because dont cant im youre its thats \
    which these those then than them him our us at by or any more some only into over after other such each where while \
    should could does did doing being very too also use using used make made want know think say said see never always \
    really every why here down back still own most much many before between through without whats hes shes theyre wont \
    isnt doesnt didnt";

/// Frequent words of other languages in Latin script, without accents, that are no English words.
const FOREIGN_WORDS: &str = "und ist nicht ich sie ein eine einer eines einen mit auf auch wie dem zu von bei fur uber wird \
    werden wurde wurden sind haben sich oder aber nur noch nach durch kann konnen zum zur als wenn dass diese dieser dieses \
    der des das wenn kein keine seine seiner ihre ihren ihr gegen zwischen vor hatte hat beim vom aus es wir damit sowie jedoch \
    ersten bereits seit dort wo etwa zwei jahr jahre jahren sein mehr sehr ins ihm ihn \
    het een niet zijn voor ook maar naar wordt deze heeft worden bij uit dat \
    och att inte jag som har till med var eller efter ikke og jeg til det af pa en ett fra av ska blev \
    el los las una unos que por para como pero muy esta este con del mas cuando donde sobre hasta desde todo tambien ser \
    le les et est dans pas pour sur avec nous vous qui ce ces des sont une aux mais cette leur ont ete plus tout je \
    il di che della sono anche gli nel non dei alla delle piu questo quando come essere dal nella \
    nao uma dos das foi pelo pela mas isso voce sao ao os \
    si este sunt din pe sa cu mai lui pentru care fost acest aceasta dar cand intre ca ei sau au \
    ja ning kui ka oli mis seda selle oma kuid ta et olid tema mida aga jaoks \
    etta ovat mutta niin kun mika joka olen \
    nie jest ze jak przez dla byl jako ktory ktore oraz sie jego \
    jsem byl bylo ktery jsou podle nebo take \
    ve bir bu icin ile cok degil gibi daha olan olarak \
    az egy hogy nem meg volt csak vagy es \
    yang dan tidak dengan untuk ini itu dari ada pada dalam akan \
    ang mga hindi ako ay ng \
    khong nguoi cua nhung duoc va mot trong voi \
    ya kwa ni katika hii \
    koji nije kao iz od nakon";

/// The number of slots of the table: so many more than words that most look-ups end at once.
const SLOTS: usize = 2048;

/// The words' hashes, with their class in the lowest bits; 0 is an empty slot.
static TABLE: [u64; SLOTS] = {
    let mut table = [0; SLOTS];
    fill(&mut table, ENGLISH_WORDS.as_bytes(), ENGLISH);
    fill(&mut table, FOREIGN_WORDS.as_bytes(), FOREIGN);
    fill(&mut table, NAMES.as_bytes(), MATTER);
    fill(&mut table, ANATOMY.as_bytes(), MATTER);
    table
};

const fn fill(table: &mut [u64; SLOTS], words: &[u8], class: u64) {
    let mut start = 0;
    let mut at = 0;
    while at <= words.len() {
        if at == words.len() || words[at] == b' ' {
            if at > start {
                let (_, word) = words.split_at(start);
                let (word, _) = word.split_at(at - start);
                let hash = word_hash(word) & !3;
                let mut slot = slot_of(hash);
                while table[slot] != 0 && table[slot] & !3 != hash {
                    slot = (slot + 1) % SLOTS;
                }
                table[slot] = hash | class;
            }
            start = at + 1;
        }
        at += 1;
    }
}

const fn slot_of(hash: u64) -> usize {
    (hash >> 40) as usize % SLOTS
}

fn class_of(hash: u64) -> u64 {
    let mut slot = slot_of(hash);
    while TABLE[slot] != 0 {
        if TABLE[slot] & !3 == hash & !3 {
            return TABLE[slot] & 3;
        }
        slot = (slot + 1) % SLOTS;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sums::Sums;
    use flywheel_text::plain::plain;

    fn is_foreign(text: &str) -> bool {
        Sums::of(&plain(text)).language.is_foreign()
    }

    #[test]
    fn no_word_is_of_both() {
        assert!(ENGLISH_WORDS.split(' ').all(|word| !FOREIGN_WORDS.split(' ').any(|other| other == word)));
        assert!(ENGLISH_WORDS.split_whitespace().all(|word| class_of(word_hash(word.as_bytes())) == ENGLISH));
        assert!(FOREIGN_WORDS.split_whitespace().all(|word| class_of(word_hash(word.as_bytes())) == FOREIGN));
        let mut matters = NAMES.split_whitespace().chain(ANATOMY.split_whitespace());
        assert!(matters.all(|word| class_of(word_hash(word.as_bytes())) == MATTER));
    }

    #[test]
    fn names_and_anatomy_alone_are_no_abuse_and_excuse_none() {
        let log_odds = |text: &str| Sums::of(&plain(text)).log_odds();
        for name in NAMES.split_whitespace() {
            assert!(log_odds(&format!("I like {name}.")) < 0.0, "{name}");
            assert!(log_odds(&format!("{name} is a fucking idiot.")) > 0.0, "{name}");
        }
        for word in ANATOMY.split_whitespace() {
            assert!(log_odds(&format!("The doctor explains the {word} to the patient.")) < 0.0, "{word}");
        }
        assert!(log_odds("He thrust his penis into her wet vagina and fucked her.") > 0.0);
    }

    #[test]
    fn other_languages_are_told() {
        for text in [
            "Die Katze sitzt auf dem Tisch und wartet auf ein Stück Fisch.",
            "Le chat est assis sur la table et attend un morceau de poisson.",
            "El gato está sentado en la mesa y espera que le den una sardina.",
            "Il gatto è seduto sul tavolo e aspetta che gli diano un pesce.",
            "O gato está sentado na mesa e não quer descer, mas vai ser uma pena.",
            "De kat zit op de tafel en wacht op een stuk vis, maar het is niet voor hem.",
            "Katten sitter på bordet och väntar på att få en bit fisk.",
            "Katten sidder på bordet og venter på det, men det er ikke til den.",
            "Pisica stă pe masă și așteaptă o bucată de pește pentru ea, dar nu este.",
            "Kass istub laual ja ootab tükki kala, mis ei ole tema oma.",
            "Kissa istuu pöydällä ja odottaa kalaa, mutta se ei ole sen.",
            "Kot siedzi na stole i czeka na rybę, ale nie jest to jego ryba, jak się zdaje.",
            "Kedi masada oturuyor ve bir balık bekliyor, ama bu onun değil.",
            "Кошка сидит на столе и ждёт кусок рыбы.",
            "猫坐在桌子上等一块鱼。",
            "猫はテーブルの上に座って魚を待っています。",
            "बिल्ली मेज पर बैठी है और मछली का इंतजार कर रही है।",
            "القطة تجلس على الطاولة وتنتظر قطعة سمك.",
        ] {
            assert!(is_foreign(text), "{text}");
        }
    }

    #[test]
    fn english_scraps_and_code_are_not() {
        for text in [
            "The cat sits on the table and waits for a piece of fish.",
            "Los Angeles and Las Vegas are in the west.",
            "He ordered a crème brûlée at Chez Panisse in the El Dorado.",
            "stupid ugly cat",
            "let mut total = items.iter().map(|item| item.price).sum::<f64>();",
            "SELECT id, name FROM users WHERE age > 30 ORDER BY name;",
            "Linux, macOS, Windows",
            "α + β = γ",
            "you are a 你好",
            "",
        ] {
            assert!(!is_foreign(text), "{text}");
        }
    }
}
