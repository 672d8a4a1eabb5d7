//! A table of instructions to a model.
//!
//! The attacks of public collections fall into few kinds. They cancel the present instructions, put others in their
//! place, ask for something hidden, or talk the model into a role without limits. Each rule is one of these. Those that
//! hardly occur in any other text weigh 1.0. The rest are hints, and only several of them make a finding.

use crate::phrasebook::{Class, Rule};

/// Words that are the same to the rules. Words of other languages stand beside the English ones, as they do in attacks.
pub(super) const CLASSES: &[Class] = &[
    // To cancel.
    (
        "ignore",
        "ignore ignoring disregard disregarding forget forgetting \
         ignoriere ignorieren ignoriert missachte vergiss vergesse vergessen vergesst \
         ignorez oubliez oublie ignora ignorar ignoren olvida olvide olviden olvidar olvidate olvidad esqueca esquece esqueça \
         dimentica dimenticare negeer vergeet zignoruj zapomnij zaboravi unut игнорируй игнорируйте забудь забудьте",
    ),
    (
        "bypass",
        "bypass override overrule circumvent discard abandon neglect overlook disobey violate erase drop dismiss skip",
    ),
    (
        "earlier",
        "previous previously prior preceding earlier above before foregoing aforementioned initial original \
         vorherigen vorherige vorige vorigen bisherigen bisherige vorangehenden vorangegangenen obigen obige davor \
         precedentes précédentes precedents précédents precedenti anteriores anterior previas previos antes \
         предыдущие прошлые",
    ),
    (
        "every",
        "all any every everything your these those alle alles sämtliche deine ihre toutes tous vos todas todos tus \
         tutte tutti le tue wszystkie sve все свои",
    ),
    (
        "orders",
        "instruction instructions rule rules prompt prompts guideline guidelines directive directives command commands \
         order orders programming training restriction restrictions constraint constraints \
         anweisungen anweisung instruktionen regeln befehle aufträge aufgaben vorgaben angaben instructions consignes \
         règles regles instrucciones ordenes órdenes reglas instruções instrucoes regras istruzioni regole instrukcje \
         instrukcije instructies инструкции указания правила",
    ),
    (
        "talk",
        "task tasks assignment assignments context conversation conversations text texts message messages input inputs \
         response responses request requests information content documents articles document statement statements question \
         questions thoughts dialogue chat line lines informationen texte informations contexto контекст",
    ),
    // To show.
    (
        "show",
        "show print reveal repeat output display tell give write return leak share expose dump list spell recite disclose \
         zeige zeig gib wiederhole nenne verrate montre montrez affichez révélez muestra muestrame dime revela mostra покажи",
    ),
    (
        "reword",
        "convert translate summarize summarise encode format explain rephrase paraphrase rewrite describe outputt",
    ),
    (
        "say",
        "say print output respond write reply answer echo return type repeat tell shout sage schreibe antworte dis dites di escribe",
    ),
    // The subject of a report: "the attack makes the model ignore …" gives no order.
    (
        "reported",
        "it he she they them him her model models llm llms system systems bot bots chatbot chatbots agent agents assistants user \
         users attacker attackers attempt attempts tries try trying into that which who",
    ),
    ("kept", "not never dont doesnt wont cannot cant shouldnt mustnt refuse refuses refused"),
    // Without limits.
    (
        "limits",
        "restriction restrictions limit limits limitation limitations constraint constraints rule rules guideline guidelines \
         filter filters filtering censorship boundary boundaries safeguard safeguards moral morals morality ethics \
         principles inhibitions regulations policies policy censoring scruples",
    ),
    ("ethical", "ethical moral legal safety content ethics morality legality usage openai ethically morally"),
    ("unlimited", "unfiltered amoral unrestricted unbound unbounded unmoderated unhinged"),
    ("assistant", "ai chatbot assistant bot gpt chatgpt llm model robot ki ia inteligencia"),
    ("maker", "openai anthropic chatgpt gpt google microsoft"),
    ("become", "act pretend roleplay simulate imagine behave impersonate acting pretending simulating roleplaying"),
    ("never", "never not dont cannot cant wont without no"),
    // To grade.
    ("full_marks", "10 5 100 ten five hundred perfect maximum highest full"),
    ("top", "highest maximum perfect full top best 10 100 5"),
    ("grade", "score scores rating ratings grade grades mark marks points stars reward"),
    ("please", "please rate give score prefer choose this you the ignore select assign output respond return mark"),
    ("ai_judge", "ai llm automated"),
];

/// The rules.
pub(super) const RULES: &[Rule] = &[
    // Cancels the present instructions.
    Rule {
        name: "cancel_instructions",
        weight: 1.0,
        phrases: &[
            "!{reported} *{ignore} ~4 {earlier} ~3 {orders}",
            "!{reported} *{ignore} ~3 {every} ~3 {orders}",
            "!{reported} *{ignore} ~2 {orders} ~5 {earlier}",
            "!{reported} *{ignore} ~2 {every} ~1 {earlier} ~2 {talk}",
            "!{reported} *{bypass} ~2 {every} ~2 {earlier} ~2 {orders}",
            "!{reported} {bypass} ~2 {earlier} ~1 *instructions/prompts/directives/guidelines/prompt",
            "!{reported} *{bypass} ~1 all/any/every ~1 your/of {orders}/{talk}",
            "*{ignore} ~2 instructions/prompts/directives/prompt ~2 below/following/after",
            "*{ignore} ~2 provided ~1 {orders}/{talk}",
            "*{ignore} ~1 {talk} ~1 provided/given",
            "*disregarding ~1 {talk}",
            "{earlier} ~1 {orders}/ausführungen ~2 *ignorieren/vergessen",
            "*leave/lassen/remove/delete/erase ~2 {every} ~2 {earlier} ~1 {orders}/{talk}",
            "*despite ~2 you ~2 told",
            "none of ~1 {earlier} *instructions/prompts",
            "pay no *attention ~3 {earlier} ~2 {orders}/{talk}",
            "not/dont/don't *follow/obey ~2 {earlier} ~2 {orders}",
            "no *longer bound/follow ~5 {orders}",
            "*contrary/abweichend to/von/zu {earlier} instructions/instruktionen/anweisungen",
            "*忽 略 ~10 指 令",
            "*无 视 ~10 指 令",
        ],
    },
    Rule {
        name: "cancel_everything",
        weight: 1.0,
        phrases: &[
            "*{ignore} ~2 everything/anything/all/alles/todo/tout ~4 \
             above/before/said/told/beforehand/davor/vorher/gesagte/previously/prior/antes/learned/instructed",
            "{ignore} ~2 *everything/alles/todo/tout ~4 {say}",
            "*ignore ~1 {earlier} and ~1 {say}/instead/just",
        ],
    },
    Rule {
        name: "cancel_context",
        weight: 0.7,
        phrases: &[
            "*{ignore} ~3 {earlier}/below ~1 {talk}",
            "*{ignore} all/any/everything ~1 {earlier}",
            "+{bypass} ~2 {every} ~1 {earlier} ~1 {talk}",
        ],
    },
    Rule {
        name: "forget",
        weight: 0.5,
        phrases: &[
            "*forget/vergiss/forgetting everything/all/alles",
            "*^ignore everything/above/previous",
            "stop *everything",
        ],
    },
    // Puts other instructions in their place.
    Rule {
        name: "new_instructions",
        weight: 1.0,
        phrases: &[
            "new *instruction/instructions/directive/directives:",
            "your *instructions ~1 are now",
            "real/actual/true/secret *instruction/instructions/tasks: _",
            "from here/now on your new *task/role/instructions/instruction/directive/objective",
            "your new *instructions/instruction/directive/objective: _",
            "your new *instructions/instruction/directive/objective are/is to/as/follow",
            "new *instructions/tasks ~1 follow/follows",
            "*hier ~1 deine neue/neuen anweisungen/aufgabe/aufgaben/instruktionen",
            "*neue/neuen anweisungen/instruktionen: _",
            "*nouvelles/nuevas/nuove instructions/instrucciones/istruzioni: _",
            "instead ~2 follow ~1 these *instructions",
            "*policyoverride",
        ],
    },
    // New tasks and roles at work, and instructions for a delivery, read the same.
    Rule {
        name: "new_role",
        weight: 0.5,
        phrases: &[
            "your new *task/role/instructions/instruction/directive/objective",
            "you have a new ~3 *mission/task/role/persona",
            "additional/further/updated *instruction/instructions/tasks: _",
            "you must/will/should *now ~1 {say}/begin/act",
            "change ~1 your *instructions",
            "*neue/neuen anweisungen/aufgabe/aufgaben/instruktionen",
            "*nouvelles/nuevas/nuove instructions/instrucciones/istruzioni",
        ],
    },
    Rule {
        name: "say_instead",
        weight: 0.5,
        phrases: &[
            "+instead ~1 {say} ~2 \"the/i/a/{assistant}",
            "just/only/instead {say} ~3 the ~1 +following",
            "just/only +output/print",
            "not ~6 just/instead/only/but +output/print",
            "instead of ~1 *saying/replying/responding/answering",
            "you would *normally/previously ~1 {say}",
            "*stop/stopp {say}",
            "and *instead {say}",
            "and +just {say}",
            "*repeat after me",
            "+start ~6 sentence/response/responses/answer ~2 with",
            "+begin/start ~2 your/every/each/all ~2 response/responses/reply/answer/answers/message ~3 with",
            "+respond/answer/reply/say ~3 only ~1 \"_",
            "*respond/answer/reply with ~2 \"_",
            "limit ~1 output to ~2 *tokens",
            "*await ~1 input",
        ],
    },
    Rule {
        name: "put_words",
        weight: 1.0,
        phrases: &[
            "i ~2 been *pwned",
            "haha *pwned",
            "*hijacked to/into print/say/output",
            "*begin/start/prefix ~2 your ~1 response/reply/answer/message/output/sentence ~1 with ~1 \"sure/of/absolutely/certainly/yes/i/im",
            "*respond/answer/reply ~2 with ~1 \"sure/absolutely/certainly",
            "every time ~4 *answer/respond/reply/say ~1 with \"_",
            "not *answer this question ~1 but",
        ],
    },
    Rule {
        name: "false_header",
        weight: 1.0,
        phrases: &[
            "*^system: ~3 ignore/disregard/forget/override/user/assistant/instructions/from/new",
            "*^system: ~2 you are/re ~3 {unlimited}/now/free/no/not/allowed/permitted/being/my/to",
            "*^system: ~2 you ~2 must/shall/should/will/may/can/cannot/never/always ~2 \
             obey/answer/respond/reply/comply/ignore/act/be/not/never/always/follow/say/speak/write/output/print/reveal/\
             help/assist/pretend/provide/refuse/tell/do/generate/produce/only/now",
            "*^system: ~2 your ~2 instructions/instruction/task/role/name/job/goal/purpose/mission/rules/prompt",
            "*^system message/prompt/override/instruction/instructions/directive/note: ~2 ignore/disregard/forget/override",
            "*^instruction: ignore/forget/blame/disregard",
            "*^assistant: sure/absolutely/certainly/ok/okay",
            "*^admin/administrator/developer: ~3 ignore/disregard/forget/override",
            "*^admin/administrator/developer: ~1 you must/are/will/can",
            "system *instruction/override/directive ~1 starting/activated/enabled/engaged/initiated",
        ],
    },
    // Documents about prompts have such lines, too.
    Rule {
        name: "system_line",
        weight: 0.55,
        phrases: &[
            "*^system: ~2 you are/re ~3 {assistant}/a/an/the/in",
            "*^system message/prompt/override/instruction/instructions/directive/note: ~2 you",
        ],
    },
    // Gives the model a role.
    Rule {
        name: "assign_role",
        weight: 1.0,
        phrases: &[
            "from *now on ~2 you ~1 are/re ~3 {assistant}/{unlimited}/uncensored/evil/hacker/terminal/dan/character/persona/going",
            "from *now on ~2 you ~1 act/respond/speak/behave/become/obey",
            "from *now on ~2 you must/will/only ~1 act/respond/answer/speak/reply/behave/become/obey/pretend/ignore/refer",
            "from *now on ~1 {become}/respond/address/refer/chatgpt",
            "you are now a/an/the/my ~4 \
             *ai/chatbot/bot/gpt/chatgpt/llm/robot/ki/ia/character/persona/{unlimited}/uncensored/evil/hacker/terminal",
            "you are now ~1 *going to {become}/be/play/respond/answer/enter",
            "you are now *unchained/liberated/unbound/dan/{unlimited}",
            "you will now ~2 *{become}",
            "*roleplaying/pretending/acting as a ~3 and ~1 respond/answer/reply",
        ],
    },
    // Honest prompts wish for roles, too.
    Rule {
        name: "wish_for_role",
        weight: 0.6,
        phrases: &[
            "i ~3 want/like/need you to *{become}",
            "i ~3 want/like/need you to play/assume/take ~3 *role/persona/character",
            "*ich möchte dass sie/du ~5 fungieren/agieren/fungierst",
            "*quiero/necesito que actúes/actues",
            "je *veux que tu agisses/joues",
            "you are/re/is ~1 going to *{become} ~2 as/like/to/you",
            "*immerse yourself ~3 role",
        ],
    },
    Rule {
        name: "from_now_on",
        weight: 0.6,
        phrases: &[
            "from *now on ~3 you/your/every/all/only/answer/reply/speak/always",
            "you are now in ~2 *mode",
            "you are now *free/unlocked",
            "you ~3 from +now on",
            "you are +now a/an/the/going/in/acting/{assistant}/{unlimited}/free/playing/my/no/called/about/entering",
            "you will +now ~2 {become}/be/play/respond/answer/take/speak/obey",
            "+now you/act ~1 are/will/as ~1 a/an/the/going/my",
            "ab *jetzt/sofort ~1 bist/du",
            "*jetzt/nun bist du",
            "*à partir de maintenant",
            "a *partir de ahora/agora",
        ],
    },
    Rule {
        name: "role",
        weight: 0.4,
        phrases: &[
            "you ~2 *going to play/answer/respond",
            "you are to *act/play/pretend/respond",
            "you ~1 +will {become}/play/be/respond/answer/act/reply/always/never",
            "*^act as/like",
            "you +must ~1 always/never/answer/obey/respond/act/comply/pretend",
            "*pretend ~2 to be",
            "*imagine ~1 you ~1 are",
            "you are an/a/my ~3 +{assistant}/character",
            "play/playing/assume/take/adopt ~3 +role/persona/character ~1 of",
            "*simulate ~3 {assistant}/mode/persona/character",
            "you are *acting/playing",
        ],
    },
    Rule {
        name: "in_character",
        weight: 0.6,
        phrases: &[
            "*pretend ~1 you/youre ~1 are/can/have",
            "stay/remain/staying/keep in ~1 +character/role/persona",
            "break/breaking/breaks ~1 *character",
            "in *character as",
        ],
    },
    Rule {
        name: "persona",
        weight: 1.0,
        phrases: &[
            "do *anything now",
            "*dan mode",
            "*developer mode ~2 enabled/output/activated/v2/v1/response/responses",
            "simulate/enable/enter/activate ~1 dan/jailbreak/god/sudo/unrestricted *mode",
            "simulate ~1 developer/debug/admin *mode",
            "god/sudo/jailbreak *mode enabled/activated/unlocked",
            "jailbroken/jailbroke ~1 *{assistant}/version/you/yourself",
            "jailbreak ~1 *mode/you/yourself/enabled/activated",
            "*evil confidant/trusted",
            "act as *dan",
            "{become} as a *dan",
            "opposite of ~3 *chatgpt",
            "*niccolo machiavelli ~30 unfiltered/amoral/story",
            "always intelligent and *machiavellian",
            "aim *chatbot/unfiltered",
        ],
    },
    // Texts about jailbreaks name them, and people are called Dan.
    Rule {
        name: "persona_named",
        weight: 0.6,
        phrases: &[
            "*jailbreak/jailbroken/jailbroke ~3 {assistant}/prompt/prompts/mode/version/you/yourself",
            "{assistant} ~2 *jailbreak/jailbroken",
            "as/act/be/being/called/named/name *dan",
        ],
    },
    // Telephones and programs have these modes, too.
    Rule {
        name: "device_mode",
        weight: 0.5,
        phrases: &[
            "enable/enter/activate ~1 developer/debug/admin *mode",
            "admin/debug *mode enabled/activated/unlocked",
            "*developer mode ~2 on",
        ],
    },
    // Tells the model that nothing binds it.
    Rule {
        name: "no_limits",
        weight: 0.7,
        phrases: &[
            "has/have/with/having no/zero ~4 +{limits}",
            "+without ~2 {ethical} ~1 {limits}",
            "no ~2 {ethical}/rules ~2 +{limits}/guidelines",
            "doesnt/dont/not/never ~2 +have/follow/care/obey/abide ~4 {limits}/{ethical}",
            "+free/freed/liberated ~2 from/of ~4 {limits}/confines/{ethical}",
            "+broken/break/breaking/broke/escaped ~3 from/of/the/free ~4 {limits}/confines/chains/shackles",
            "not/arent/isnt ~1 *bound/constrained/restrained/restricted/limited/confined ~1 by ~3 {limits}/{ethical}/{maker}",
            "*abide/adhere/comply ~2 by/to/with ~4 {limits}/{maker}",
            "*regardless/disregards/irrespective/regard ~2 of/for/to ~3 {ethical}",
            "no *matter how ~1 {unlimited}/illegal/harmful/dangerous/offensive/controversial/inappropriate",
            "without ~2 *regard/regards/concern ~2 {ethical}",
            "*{unlimited} and {unlimited}/uncensored/evil",
            "+rules/guidelines/restrictions ~2 imposed/set ~2 {assistant}/them/him/her/you/by",
        ],
    },
    // What systems lack and attackers get around.
    Rule {
        name: "few_limits",
        weight: 0.5,
        phrases: &[
            "+without ~3 {limits}",
            "+bypass/bypasses/bypassing/ignore/ignores/ignoring/ignored/evade/circumvent ~3 {maker}/{ethical}/safety ~2 {limits}",
            "*{maker} ~2 {limits}/guidelines",
        ],
    },
    Rule {
        name: "grant",
        weight: 0.6,
        phrases: &[
            "you/it/he/she ~2 +allowed/free/permitted/authorized/able ~1 to ~3 \
             anything/everything/swear/curse/illegal/insult/harmful",
            "you can/may ~1 do/say/generate/create/write/answer +anything/everything/whatever",
            "can do *anything",
            "*anything ~2 i ~1 ask/want/say/tell/request",
            "*answer/answers/respond/fulfill/comply/obey ~2 any/all/every/everything/anything/whatever ~2 \
             request/requests/question/questions/order/orders/command/commands/prompt/prompts",
            "+anything/everything is ~1 legal/allowed/permitted/possible/acceptable",
            "*obey ~1 my/me/all/every/any/everything",
        ],
    },
    Rule { name: "unlimited", weight: 0.5, phrases: &["*{unlimited}", "*uncensored"] },
    Rule {
        name: "harmful_request",
        weight: 0.4,
        phrases: &[
            "+illegal/immoral/unethical/dangerous/harmful ~4 unethical/immoral/illegal/inhumane/harmful/offensive/explicit/dangerous",
            "*bad/curse/swear/vulgar/profane words/word/language",
            "*profanity/swearing/cursing/obscenities/slurs/expletives",
            "*nsfw/explicit/sexual/erotic/pornographic content/scenes/language/acts/response",
            "*racist/sexist/offensive/vulgar ~2 jokes/content/comments/racist/sexist/offensive/things",
        ],
    },
    // Forbids the model to refuse.
    Rule {
        name: "never_refuse",
        weight: 0.8,
        phrases: &[
            "never/not/cannot/cant/dont/wont/doesnt/without ~2 *refuse/refuses/refusing/refused",
            "*refuses/refused/refuse nothing",
            "never/not/dont/cant/cannot/wont ~1 +say/says/tell/tells/claim/state ~4 cant/cannot/unable/sorry/cant",
            "not *allowed to say",
            "not ~1 say ~1 you ~2 *ai/assistant/chatbot",
            "never/not/dont/cannot/cant ~3 +inappropriate/unethical/illegal/unfiltered ~3 request/prompt/answer",
        ],
    },
    // Programs run without warnings, and friendly answers do without apologies.
    Rule {
        name: "no_excuses",
        weight: 0.45,
        phrases: &[
            "never/not/dont/cannot/cant/without ~4 *apologize/apologise/apologizes/apologizing",
            "never/not/dont/cant/cannot/wont ~1 +say/says/tell/tells/claim/state/mention ~4 {assistant}/not",
            "never/not/dont/without/no/any ~3 *disclaimer/disclaimers/disclamers/warnings",
            "never/not/dont ~3 *warn/moralize/lecture",
        ],
    },
    Rule {
        name: "assistant_named",
        weight: 0.3,
        phrases: &[
            "*chatgpt/openai/gpt4/chatbot/gpt",
            "language *model",
            "an/the *ai ~1 model/assistant/system/named/that/who/language",
        ],
    },
    Rule {
        name: "fiction",
        weight: 0.3,
        phrases: &[
            "*hypothetical/fictional/imaginary ~2 story/scenario/world/setting/character/dialogue/response/universe/robot/novel",
            "*hypothetically",
            "for educational/research/academic *purposes",
            "*roleplay/roleplaying/rp",
            "tokens/points ~8 *lose/deducted/deduct/die/lost",
            "the +user/users ~4 {assistant}/ask/asks/request/requests/demands/demand",
        ],
    },
    // Asks for something hidden.
    Rule {
        name: "reveal_prompt",
        weight: 1.0,
        phrases: &[
            "!{reported}/{kept} {show} ~4 system/initial/original/hidden/secret/initialization ~1 *prompt/prompts/instructions/instruction",
            "!{reported}/{kept} {show} ~2 your ~2 system/initial/original/hidden/secret/initialization ~1 *message",
            "!{reported}/{kept} {show} ~4 full/entire/complete/whole ~1 *prompt/prompts",
            "!{reported}/{kept} {show} me ~2 the full/entire/complete/whole ~1 *instructions/instruction",
            "!{reported}/{kept} {show} ~3 your/deine/deinen/tes/tus/tuas ~3 \
             *prompt/prompts/instructions/guidelines/rules/directives/programming/anweisungen/instruktionen/instrucciones",
            "{show} ~5 *prompt text/texts/texte",
            "{show}/{reword} ~3 *instructions/rules/directives ~3 above/verbatim/given/received/previous/back/far",
            "{show}/{reword} ~3 {earlier} ~1 *prompt/prompts/instructions/directives/rules/words",
            "instructions/directives so *far",
            "what are ~1 you/your *instructions.",
            "what are ~1 you/your *instructions and/from/given/verbatim/exactly/right/so/as/in/that/which/above",
            "how/what ~3 *prompted/instructed to/with/by",
            "{reword} ~2 your ~2 *instructions/prompt/rules/directives",
            "{reword} ~2 *instructions ~2 list/bullet/bulleted/python/code/pseudocode",
            "{say} ~2 text/words/everything ~2 *above/preceding",
            "what ~3 your ~2 *prompt/prompts",
            "what ~3 your ~2 {earlier}/system/secret/hidden/exact/full/internal/developer *instructions",
            "what ~3 your ~2 *instructions.",
            "what ~3 written/said ~3 *beginning",
        ],
    },
    Rule {
        name: "prompt_named",
        weight: 0.5,
        phrases: &[
            "about your ~1 *instructions/directives/prompt",
            "what ~3 written/said ~3 *above",
            "your *system prompt/message/instructions",
        ],
    },
];
