//! The task of a prompt: an answer that must keep to a source, a text to change, or something else.
//!
//! Only the first kind has a source that can support facts. A long prompt alone says nothing: it may be a draft to improve,
//! a file to fix, or a person's story.
//!
//! The instruction stands at one of the ends of the last turn, or in the system message. The first clear request decides,
//! such as a verb at the beginning of a clause ("Summarise …", "Please improve …"). Without one, words about a source do
//! ("according to the article").

use flywheel_text::plain::plain;

use crate::phrasebook::{Class, Phrasebook, Rule};

/// The length in bytes of an end of a turn, in which the instruction is searched for.
const END: usize = 400;

/// The beginning of a user's turn in the plain form of a chat prompt (`Prompt::text` of `flywheel-event`).
const TURN: &str = "\n\nuser: ";

const CLASSES: &[Class] = &[
    (
        "source",
        "text texts article articles passage passages document documents doc docs context excerpt excerpts transcript \
         transcripts report reports paper papers notes note notice source sources material materials paragraph paragraphs \
         email emails thread conversation chapter abstract minutes page pages contract policy manual review reviews story \
         book letter statement handbook log file files",
    ),
    ("digest", "summarize summarise summarizing summarising condense recap"),
    (
        "change",
        "improve rewrite rephrase reword paraphrase translate fix correct edit proofread polish refine revise continue complete \
         expand extend elaborate refactor convert port tidy clean reformat simplify shorten lengthen enhance optimize optimise \
         debug implement rework adapt redraft restructure reorganize reorganise clarify update modify adjust finish change \
         rewriting improving translating \
         verbessere verbessern übersetze korrigiere überarbeite améliore améliorez corrige corrigez traduis traduisez mejora \
         traduce migliora traduci correggi",
    ),
    ("want", "want like need task job goal going asked"),
];

const FROM_SOURCE: usize = 0;
const OTHER: usize = 1;
const GROUNDED: usize = 2;
const MATERIAL: usize = 3;
const QUESTION: usize = 4;

/// The rules, in the order of the constants above.
const RULES: &[Rule] = &[
    Rule {
        name: "from_source",
        weight: 1.0,
        phrases: &[
            "*>{digest}",
            "please/then/also/and ~1 *{digest}",
            "can/could/would/will you ~2 *{digest}",
            "{want} ~2 to *{digest}",
            "*summary/synopsis/recap/abstract/headline/title/overview of/for/from ~4 {source}/following/above/below/this",
            "write/give/create/provide/make/need/produce/generate ~5 *summary/synopsis/recap/tldr",
            "*^tldr",
            "*^tl dr",
            "*^summary.",
            "*^summary:",
            "*>extract/list/identify/find/name/quote ~8 in/from ~3 {source}",
            "please/then/also/and *extract ~8 in/from ~3 {source}",
            "*>extract ~3 names/dates/facts/entities/keywords/key/information/figures/numbers/amounts/values/points/events/\
             quotes/claims/people/places",
            "*key/main points/takeaways/findings/ideas/facts of/from/in ~3 {source}",
            "*answer/answers/answering/answered ~9 from/using/based ~4 {source}",
            "*answer/answers/answering ~9 information/facts/data ~2 above/below/provided/given",
            "*>use/using/given/read ~6 {source} ~6 answer/answering",
            "*>use/using only ~3 {source}/information/facts",
            // Other languages.
            "*>fasse/fass/zusammenfassung/résume/résumez/resume/resumir/resumen/resuma/riassumi/samenvat/vat/streszczenie/резюмируй",
            "bitte *fasse/zusammenfassen",
            "*总 结",
            "*概 括",
            "*要 約",
        ],
    },
    Rule {
        name: "other",
        weight: 1.0,
        phrases: &[
            "*>{change}",
            "please/then/also ~1 *{change}",
            "and *{change} this/it/these/the/my/our/them",
            "can/could/would/will you ~2 *{change}",
            "help ~2 *{change}",
            "{want} ~2 to *{change}",
            "*>make this/it/these/my/our/them",
            "*>make the ~1 {source}",
            "*>find/identify/list/spot ~4 bug/bugs/error/errors/mistake/mistakes/typo/typos/issue/issues/problem/problems/weaknesses",
            "*>write/create/generate/build/implement/design/develop/code/draft ~4 \
             function/script/program/app/code/class/method/api/tool/query/test/tests/component/module/story/poem/essay/prompt",
            "*>check/review/comment ~3 my/grammar/spelling/code",
        ],
    },
    Rule {
        name: "grounded",
        weight: 1.0,
        phrases: &[
            "*based/relying/rely/according/solely/strictly/exclusively/faithful on/to/upon ~4 {source}",
            "*based on ~2 above/following/provided/given/attached",
            "from/with/in the *following/provided/given/attached/above ~1 {source}",
            "only *information/facts ~4 {source}/above/below/provided/given",
            "do/does/did the ~2 {source} *say/mention/state/tell/report/describe",
        ],
    },
    Rule {
        name: "material",
        weight: 1.0,
        phrases: &["*^context/article/passage/document/documents/source/sources/transcript/excerpt:"],
    },
    Rule { name: "question", weight: 1.0, phrases: &["*^question/questions/q:"] },
];

/// The rules, compiled.
#[derive(Debug)]
pub(super) struct Tasks {
    book: Phrasebook,
}

/// The clues in one part of a prompt. The requests have the number of their first word.
#[derive(Debug, Default)]
struct Clues {
    from_source: Option<usize>,
    other: Option<usize>,
    is_grounded: bool,
    has_material: bool,
    has_question: bool,
}

impl Clues {
    /// Returns `true` if the first request is one for an answer from a source, and `false` if it is another one. `None`:
    /// there is no request.
    fn request(&self) -> Option<bool> {
        match (self.from_source, self.other) {
            (None, None) => None,
            (Some(from_source), Some(other)) => Some(from_source < other),
            (from_source, None | Some(_)) => Some(from_source.is_some()),
        }
    }
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self { book: Phrasebook::new(RULES, CLASSES) }
    }

    /// Returns `true` if the prompt asks for an answer that must keep to a source in it.
    pub(super) fn are_grounded(&self, prompt: &str) -> bool {
        let turn = prompt.rfind(TURN).map_or(prompt, |at| &prompt[at + TURN.len()..]);
        let [first, last] = ends(turn).map(|end| self.clues(end));
        let about_source = || {
            let has_question = first.has_question || last.has_question;
            first.is_grounded || last.is_grounded || first.has_material && has_question
        };
        let by_system = || {
            let clues = self.clues(ends(prompt)[0]);
            clues.request().unwrap_or(clues.is_grounded)
        };
        first
            .request()
            .or_else(|| last.request())
            .unwrap_or_else(|| about_source() || turn.len() < prompt.len() && by_system())
    }

    fn clues(&self, part: &str) -> Clues {
        let mut words = Vec::new();
        self.book.read(&plain(part), 0, true, &mut words);
        let mut clues = Clues::default();
        let earlier = |known: Option<usize>, first| Some(known.map_or(first, |known| known.min(first)));
        self.book.search(&words, |found| {
            match found.rule {
                FROM_SOURCE => clues.from_source = earlier(clues.from_source, found.first),
                OTHER => clues.other = earlier(clues.other, found.first),
                GROUNDED => clues.is_grounded = true,
                MATERIAL => clues.has_material = true,
                QUESTION => clues.has_question = true,
                _ => {}
            }
            false
        });
        clues
    }
}

/// Returns the beginning and the end of a text, or the whole and nothing.
fn ends(text: &str) -> [&str; 2] {
    let (first, last) = (text.floor_char_boundary(END), text.ceil_char_boundary(text.len().saturating_sub(END)));
    [&text[..first], &text[last.max(first)..]]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "The town council met on Tuesday. It has to improve the bridge, the report says, and to answer in May. ";

    fn grounded<'p>(prompts: &[&'p str]) -> Vec<&'p str> {
        let tasks = Tasks::new();
        let is_grounded = |prompt: &str| tasks.are_grounded(&prompt.replace('@', &TEXT.repeat(12)));
        prompts.iter().copied().filter(|prompt| is_grounded(prompt)).collect()
    }

    #[test]
    fn prompts_that_give_a_source_are_told() {
        const PROMPTS: &[&str] = &[
            "Summarise: @",
            "Summarize the following article in one sentence.\n\n@",
            "@\n\nPlease summarise this.",
            "@\n\nTL;DR",
            "Can you briefly summarise this for me?\n@",
            "I want you to summarize the text below.\n@",
            "Write a two-line summary of the article.\n\n@",
            "Give me the key points of this report:\n@",
            "Answer the question using only the context below.\n\nContext: @\n\nQuestion: How can I improve it?",
            "Use the following pieces of context to answer the question at the end.\n@\nWhen do they meet?",
            "According to the article, when does the council meet?\n\n@",
            "@\n\nBased on the text above, when does it meet?",
            "Extract all dates from the text.\n@",
            "Extract the names and places:\n@",
            "List the decisions in these minutes.\n@",
            "Context: @\n\nQuestion: when do they meet?",
            "What does the report say about the bridge?\n\n@",
            "Summarise this text. Then improve its style.\n@",
            "system: Answer only from the documents.\n\n@\n\nuser: When do they meet?",
            "system: You are friendly.\n\nuser: Hello\n\nassistant: Hi.\n\nuser: Summarise this. @",
            "Fasse den folgenden Text zusammen.\n@",
            "Résume ce texte.\n@",
            "总结以下文章\n@",
            "Give accurate and complete answers using only the context below.\n@",
            "Make the answer short. Answer the question using only the context below.\n@\nQuestion: When do they meet?",
        ];
        assert_eq!(grounded(PROMPTS), PROMPTS);
    }

    #[test]
    fn a_text_to_change_and_a_long_story_are_no_sources() {
        const PROMPTS: &[&str] = &[
            "@",
            "Please improve this.\n\n@",
            "Improve this summary:\n@",
            "@\n\nPlease improve this.",
            "@ According to the report, it rained.\n\nFix the grammar.",
            "Rewrite the following article based on the feedback above.\n@",
            "Translate the following document to French.\n@",
            "Fix the bug in this file.\n@",
            "Find the bug in this file:\n@",
            "Find the typos in this letter.\n@",
            "Continue the story.\n@",
            "Can you please make this sound friendlier?\n@",
            "Make this shorter and summarise the end.\n@",
            "Write a function to summarize a list of sales.\n@",
            "Write a test for this class.\n@",
            "I have been married for years. @ What can I do?",
            "If you are a doctor, please answer the medical questions based on the patient's description.\n@",
            "Extract the helper into a function of its own.\n@",
            "system: You can summarise, translate and more.\n\nuser: Please proofread my letter.\n@",
            "system: Summarise what the user sends.\n\nuser: Please rewrite this instead.\n@",
            "Refactor this module so that it answers faster.\n@",
            "Verbessere diesen Text.\n@",
            "Context: I feel low. @",
            "Write a cover letter for me.\n@",
        ];
        assert_eq!(grounded(PROMPTS), [""; 0]);
    }

    #[test]
    fn the_rules_are_in_the_order_of_their_numbers() {
        let names = [FROM_SOURCE, OTHER, GROUNDED, MATERIAL, QUESTION].map(|rule| RULES[rule].name);
        assert_eq!(names, ["from_source", "other", "grounded", "material", "question"]);
    }
}
