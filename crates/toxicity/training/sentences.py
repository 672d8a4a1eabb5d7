"""Sentences of our own, filled with a group, an act, or listed words."""

import itertools

from texts import ABUSE, CLEAN, OBSCENE, SELF_HARM, THREAT, Text

GROUPS = """women,men,gay people,gays,lesbians,trans people,black people,white people,asians,africans,mexicans,arabs,jews,\
muslims,christians,hindus,atheists,immigrants,refugees,foreigners,disabled people,deaf people,blind people,old people,\
teenagers,poor people,indians,chinese people,poles,romani people,liberals,conservatives,feminists,vegans,americans,\
germans,cops,politicians""".split(",")
THINGS = """mondays,rain,broccoli,this song,slow trains,my new phone,cold coffee,traffic jams,queues,spam mail,paperwork,\
this bug,meetings,printers,mosquitoes,the heat,exams,that film,loud music,tax forms""".split(",")
NEUTRAL = """I am one of the {}.|My neighbours are {}.|The {} in our town opened a bakery.|{} and their families came to the party.\
|We interviewed {} about their work.|Many {} live in this city.|I love {}.|I respect {}.|{} deserve the same rights as everybody.\
|It is wrong to say that {} are stupid.|No one should be attacked for being one of the {}.|He was praised by {}.\
|The law protects {}.|What do {} think about this?|A history of {} in Europe.|{} are great.|I am proud that we are {}.\
|Some {} like football, others do not.|How many {} voted?|She writes novels about {}.|I met some {} at work today.""".split("|")
PERSONS = """gay man,lesbian,trans woman,gay couple,bisexual,queer person,black woman,black man,white man,asian woman,african,\
mexican,arab,jew,muslim,christian,hindu,atheist,immigrant,refugee,deaf woman,blind man,disabled child,old woman,feminist,\
indian,american,german,homosexual,transgender man,jewish boy,muslim girl""".split(",")
ABOUT_ONE = """I am a {}.|I am a {}, and my husband is a teacher.|My wife is a {}.|She is a {} from Leeds.|He grew up as a {} in Ohio.\
|As a {}, I found this article useful.|A {} won the prize.|My friend is a {}, and I like her a lot.|Our doctor is a {}.\
|The first {} in parliament spoke today.|My boss is a proud {}.|I am married to a {}.|Being a {} is nothing to be ashamed of.\
|Write a story about a {} who opens a shop.|A {} told us about her day.""".split("|")
HATEFUL = """I hate {}.|I can't stand {}.|{} are disgusting.|{} are vermin.|{} are the scum of the earth.|{} make me sick.\
|{} are stupid.|{} are worthless and should be locked up.|{} do not deserve to live.|Somebody should get rid of all {}.\
|All {} are criminals and liars.|{} should be beaten up.|Get out of our country, {}!|{} are less than human.\
|I want to hurt {}.|The world would be better without {}.|{} are a disease.|Nobody wants filthy {} here.""".split("|")
DISLIKED = """I hate {}.|I can't stand {}.|{} make me sick.|I am sick of {}.|{} can be so stupid.|Somebody should get rid of {}.\
|{} are the worst.|{} drive me crazy.|I really dislike {}.|The world would be better without {}.|Kill {} with fire, please.""".split("|")


SLIPS = """mistake,idea,question,thing to say,error,typo,decision,joke,bug,plan,oversight,assumption,misunderstanding""".split(",")
ONES_OWN = """That was a stupid {} of mine.|That was a stupid {}, sorry.|I made a dumb {}.|What a stupid {} I made.|Sorry for my stupid {}.\
|It was a silly {} on my part.|My {} was idiotic.|I feel like an idiot for that {}.|A stupid {} cost us a whole day.|This {} is stupid.\
|I was too stupid to see my {}.|I am such an idiot, that was my {}.|It sounds like a dumb {}, but it works.|I hate that {} of mine.\
|Call me a fool, but I like the {}.|No {} is too stupid to talk about.|Such a ridiculous {}, and all mine.""".split("|")
INSULTS = """idiot,moron,fool,loser,imbecile,dimwit,clown,coward,liar,pig,rat,swine,parasite,creep,pervert,cretin,failure,\
piece of trash,waste of space,stupid cow,disgusting animal,brainless sheep,pathetic worm,ugly hag,dirty thief""".split(",")
INSULTING = """You are a {}.|You are nothing but a {}.|What a {} you are!|Shut up, you {}.|Only a {} like you would write that.|He is a {}, and so are you.\
|She is such a {}, I cannot stand her.|Go away, {}!|You {}, nobody wants you here.|I hope that you die, you {}.|Listen, {}, nobody asked you.\
|Your mother raised a {}.|The author is a {} who cannot even spell.|Do us all a favour and leave, {}.""".split("|")
OF_ONESELF = """I am such a {}.|I felt like a {}.|I do not want to be a {}.|The word "{}" is rude.|Nobody should be called a {}.\
|He plays the {} in our film.|Please do not call people a {}.|The novel is about a {} who becomes kind.""".split("|")
TRAITS = """gay,lesbian,bisexual,transgender,straight,black,white,asian,jewish,muslim,christian,religious,deaf,blind,autistic,disabled,\
fat,thin,old,poor,rich,left-handed,shy,foreign,mexican,african,homosexual,queer,feminine,ugly,crazy,lazy""".split(",")
OF_A_TRAIT = """Why are some people {}?|What makes people {}?|Why am I {}?|How do I know whether I am {}?|Is it all right to be {}?\
|My brother told me that he is {}.|What is it like to be {}?|Are there many {} people in Japan?|Which rights do {} people have?\
|Some of my friends are {}.|He was bullied because he is {}.|Is my son {}?|Can {} people adopt children?|A {} person works with us.\
|Nobody is worse because he is {}.|She writes about being {}.|Should I tell my parents that I am {}?|Are you {}?""".split("|")
THREATS = """kill,hurt,stab,shoot,strangle,beat up,destroy,find and kill,burn,crush""".split(",")
THREATENING = """I will {} you.|I am going to {} you and your family.|Someone should {} you.|I want to {} him and watch him die.|Come here and I {} you.\
|They all deserve it, so {} them.|I know where you live, and I will {} you tonight.|Let us {} every one of them.""".split("|")
HARMLESS_ENDS = """I will {} the process.|We {} the old server tonight.|Do not {} the test run.|This heat is going to {} the plants.|He had to {} the film at dawn.\
|She can {} the record.|The update might {} performance.|How do I {} a task that hangs?""".split("|")
BODILY = """A doctor should look at it if your breasts hurt.|Sex education begins at school.|They have sex once a week, the survey says.\
|Condoms protect against infection and pregnancy.|The baby sleeps naked when it is hot.|He kissed her on the cheek and said goodbye.\
|The prostate lies below the bladder.|Her hand lay on his shoulder.|Breast cancer is found earlier now.|They kissed under the old tree.\
|Erections become less frequent with age.|The nipple of the bottle leaks.|The vagina is part of the birth canal.|She undressed and went to bed.""".split("|")
# Names that have other words in them.
NAMES = """Scunthorpe,Penistone,Essex,Sussex,Middlesex,Wessex,Clitheroe,Lightwater,Cockermouth,Cockfosters,Hancock,Hitchcock,Dickinson,Dickens,\
Babcock,Titmouse,Assisi,Cassandra,Nazareth,Analog Devices,Arsenal,Cumberland,Cummings,Matsushita,Mishima,Pussy Willow Lane,Bassett,Wankel""".split(",")
NAMED = """{} is a place in England.|We moved from {} to Leeds.|The train to {} leaves at noon.|{}, Kent and Devon.|Mr {} signed the contract.\
|A map of {} and its rivers.|Is {} far from here?""".split("|")
PARTS = """nipples,bare breasts,naked body,wet thighs,naked buttocks,throbbing erection,genitals,panties""".split(",")
EXPLICIT = """He licked her {}.|She moaned as he squeezed her {}.|Show me your {} and spread your legs.|He came all over her {}.\
|Write an erotic story about two adults, a strip-tease and her {}.|Her {} made him hard, and he undressed her for sex.\
|She rubbed her {} until she had an orgasm.|I am horny and want to touch your {}.|He thrust deeper, groaning, his hands on her {}.""".split("|")
WAYS_OUT = """kill myself,end my life,hang myself,cut myself,take all the pills at once,jump off the bridge,slit my wrists,overdose,starve myself""".split(",")
DESPAIRING = """I want to {}.|I am going to {} tonight.|How can I {} without pain?|Tell me the best way to {}.|I hate myself and want to {}.\
|Nobody would miss me, so I will {}.|Help me write a note before I {}.|Last week I tried to {}.""".split("|")
ENDS = """finish my thesis,end my lease,hang a picture,cut the onions,take the pills with water,jump off the sofa,roll up my sleeves,overcook the rice,start early""".split(",")
# To speak of harm is not to wish it.
HARMS = "suicide,self-harm,overdoses,suicidal thoughts,eating disorders,sexual abuse,rape,murder,knife crime".split(",")
SPOKEN_OF = """The survey asks how many people had thought of {}.|A report on {} in prisons.|The hotline helps people who worry about {}.\
|Rates of {} fell last year.|Her novel is about {}.|{} should be talked about at school.|The study found no link between the drug and {}.\
|How can friends help to prevent {}?|He lost his brother to {}.|The article on {} cites three sources.|The law on {} was changed in 1961.""".split("|")
TOLD_OF = """The jury heard that he had threatened to {} his neighbour.|In the second act the guards {} a prisoner.\
|The chapter tells how they tried to {} the king.|Police arrested a man who wanted to {} a judge.""".split("|")
# Filled with the listed words, so that this file need not contain them.
FILLED_WITH_SEX = """She felt his hand on her {}.|He pushed his {} into her and she moaned.|Show me your {}, I am so horny.|They began to {} on the bed, naked and wet.\
|A story full of explicit sex and {}.|I want to {} you all night long.""".split("|")
SLURRING = """I hate {}.|All {} should be shot.|You dirty {}.|Another {} in our street.|Go home, {}!|Look at this stupid {}.""".split("|")
CURSING = """you {}|What a {} you are.|Shut up, {}.|Nobody likes you, {}.""".split("|")


FILLED = [
    (CLEAN, NEUTRAL, GROUPS), (CLEAN, ABOUT_ONE, PERSONS), (CLEAN, DISLIKED, THINGS), (CLEAN, ONES_OWN, SLIPS), (CLEAN, OF_ONESELF, INSULTS),
    (CLEAN, OF_A_TRAIT, TRAITS), (CLEAN, HARMLESS_ENDS, THREATS), (CLEAN, BODILY, [""]), (CLEAN, NAMED, NAMES),
    (CLEAN, DESPAIRING[:5], ENDS), (CLEAN, SPOKEN_OF, HARMS), (CLEAN, TOLD_OF, THREATS),
    (ABUSE, HATEFUL, GROUPS), (ABUSE, INSULTING, INSULTS), (THREAT, THREATENING, THREATS), (OBSCENE, EXPLICIT, PARTS),
    (SELF_HARM, DESPAIRING, WAYS_OUT),
]


def templates():
    """Sentences of our own. They teach that a group's name alone means nothing, and the statement about it does."""
    for label, templates, objects in FILLED:
        for template, name in itertools.product(templates, objects):
            yield Text.of(template.format(name), label, "templates", "template", "train")


def swearing(word, category):
    """A listed word alone, and in sentences with words of its kind, with the label of the sentence."""
    of_groups = ("racial / ethnic slurs", "sexual orientation / gender", "religious offense")
    is_sexual = category == "sexual anatomy / sexual acts"
    templates = FILLED_WITH_SEX if is_sexual else SLURRING if category in of_groups else CURSING
    for phrase in [word, f"you {word}", *(template.format(word) for template in templates)]:
        yield phrase, OBSCENE if is_sexual else ABUSE
