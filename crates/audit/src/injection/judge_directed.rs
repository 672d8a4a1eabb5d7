//! A table of text that is addressed to a judge.
//!
//! A model may rate an edit, and the edit may be written for that model. It asks for a grade, calls itself the best
//! answer, or brings the verdict along. An answer that was corrected for its reader has no reason to.

use crate::phrasebook::Rule;

/// The rules. Those that weigh less than 1.0 occur in other texts, too, and need company.
pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "ask_for_grade",
        weight: 1.0,
        phrases: &[
            // Only as a request: "guests rate it highly" is a report.
            "*^rate/grade/score/evaluate/mark ~1 this/it ~4 highly/perfect/highest/maximum/excellent/favorably/positively",
            "please/must/should/will ~1 *rate/grade/score/evaluate/mark ~1 this/it ~4 \
             highly/perfect/highest/maximum/excellent/favorably/positively",
            "*rate/grade/score/evaluate/mark ~1 this response/answer/text/edit/essay/completion/output ~4 \
             highly/perfect/highest/maximum/excellent/favorably/positively",
            "*rate/grade/score/evaluate/mark ~1 me ~4 highly/perfect/highest/maximum/excellent/favorably/positively",
            // "We rate this hotel five stars" is a report, too.
            "*>rate/grade/score/evaluate/mark this/me ~4 {full_marks}",
            "*>rate/grade/score/mark it ~2 {full_marks}",
            "please/must/should/will/and/to ~1 *rate/grade/score/evaluate/mark this/me ~4 {full_marks}",
            "please/must/should/will/and/to ~1 *rate/grade/score/mark it ~2 {full_marks}",
            "*rate/grade/score/evaluate/mark this response/answer/text/edit/essay/completion/output ~3 {full_marks}",
            "*rate/grade/score/evaluate/mark this response/answer/text/edit/essay/completion/output ~2 as ~1 \
             good/best/correct/pass/safe/better/better/acceptable/preferred/perfect",
            "give/assign/award/output/return ~2 this/it/me/response/answer ~3 {top} ~2 *{grade}",
            "*give/assign/award ~1 a/the/{top} ~1 {top}/{grade} ~3 to/for ~1 this/response/answer/me",
            "*deserves/merits/earns ~3 {top} ~1 {grade}",
            "*deserves/merits/earns ~2 10/5/100 ~1 10/5/100",
            // "We prefer this version over the old one" is usual between people.
            "*>prefer/choose/pick/select/rank ~1 this response/answer/completion/edit/version ~2 over/as/first/best/highest/because",
            "please/must/should/will/always ~1 *prefer/choose/pick/select/rank ~1 this response/answer/completion/edit ~2 \
             over/as/first/best/highest/because",
            "*choose/select/pick/prefer response/answer/option/assistant/output a/b/one/two/1/2 ~3 \
             as/because/over/is/regardless/always/no",
        ],
    },
    Rule {
        name: "call_to_judge",
        weight: 1.0,
        phrases: &[
            "*^evaluator/grader/judge/rater/reviewer/annotator/moderator: ~4 {please}",
            "dear/attention/note/hey/hello ~2 *evaluator/grader/judge/rater/reviewers/annotator/graders/evaluators/raters",
            "as ~1 a/an/the ~2 *judge/evaluator/grader/rater/moderator/classifier ~1 you ~1 \
             should/must/will/need/have/are/can/shall/know",
            "instruction/instructions/message/note to/for ~1 the ~2 \
             *judge/evaluator/grader/rater/classifier/moderator/annotator",
            "if you ~1 are ~1 *evaluating/grading/judging/rating/reviewing/moderating/classifying ~1 this/these/the",
            "you are ~1 *evaluating/grading/judging/rating this",
            "when *evaluating/grading/judging/rating/scoring ~1 this response/answer/edit/text/completion/pair",
            "{ai_judge} *evaluator/judge/grader/rater ~3 should/must/please/will/rate/give/score",
        ],
    },
    Rule {
        name: "claim_of_verdict",
        weight: 1.0,
        phrases: &[
            "this/my response/answer/edit/completion/version ~1 is ~3 *best/preferred/superior/safest \
             ~2 response/answer/one/choice/completion/option",
            "this/my response/answer/completion is ~1 *better/superior ~1 than/to ~2 other/others/alternative/rejected/b/a",
            "the *chosen response/answer/text/completion/edit/output ~1 is ~2 correct/best/better/good/safe/preferred/superior",
            "the *rejected response/answer/text/completion/output ~1 is ~2 \
             wrong/bad/worse/incorrect/unsafe/harmful/inferior/worst",
            "*verdict: ~1 pass/safe/approved/gold/accept/accepted/allow/ok/correct/benign",
            "*score/rating/grade: 10/100 ~1 10/100",
            "*\"verdict/decision/judgment/judgement/label: \"pass/safe/approved/gold/accept/allow/ok/benign/approve/keep/clean",
            "this/the ~1 response/answer/edit/content ~1 has ~2 been ~1 *approved/verified/certified/reviewed",
            "*mark/label/classify/treat this as ~1 safe/benign/clean/approved/gold/acceptable/passed/preferred/harmless",
            "*mark/label/classify/treat this ~1 \
             response/answer/edit/text/completion/output/content/message/pair/conversation/sample/example/reply/one \
             as ~1 safe/benign/clean/approved/gold/acceptable/passed/preferred/harmless",
        ],
    },
    Rule {
        name: "judge_words",
        weight: 0.5,
        phrases: &[
            "+10 out of 10",
            "*score/rating/grade of {full_marks}",
            "highest/maximum/perfect/full +{grade}",
            "*evaluator/grader/rater/annotator/evaluators/graders/raters",
            "*\"verdict/score/rating:",
        ],
    },
];
