"""English sentences about people and their works."""

PERSON = """
@lead
born town job : {name} (born {day} {month} {born} in {town}, {region}) [is|was] a {trait} [{job}|Japanese {job}].
born job : {name}, a {job}, was born in {born}.
job thing : {name} is a {job} known for [work on the {thing}|the study of the {thing}|a lifelong interest in the {thing}].
job town field : Born in {town}, {name} [later|in time] made a name in the world of {field}.
job mentor : {name} is a {job} who trained under {mentor}.
job school : {name} is a {job} who studied at {school} and whose work [deals mainly with|centres on] the {thing}.
job region : Among the people of {field} who came from {region} is {name}, born in {born}.
@early
born town : {S} was born in {town} on {day} {month} {born}.
town siblings child_rank : {S} was child number {child_rank} of {siblings} in the family of a {parent} in {town}.
town : The family house in {town} stood [on the old highway|near the harbour|beside the station|by the river|at the foot of a hill], and as a child {he} {play}.
siblings : There were {siblings} children in all, and counting from the oldest {he} was number {child_rank}.
hobby : From an early age {he} [enjoyed|was fond of] {hobby}, and [after school|on holidays] {he} could be found at {place_of_play}.
mother_age : When {he} was born, {his} mother was {mother_age} years old and {his} father {father_age}.
town moved : When {S0} was {age_moved}, the family moved from {town} to {home}, {km} kilometres away. [This was in {year_moved}.|]
trait : [Relatives|Neighbours|Family letters] describe a {trait} child.
@study
school : In {year_school}, at the age of {age_school}, {he} entered {school}.
school topic : At {school} {he} [studied|took up] {topic}, and {he} [graduated|finished the course] in {year_grad}.
school mentor : It was there that {he} first met the [teaching|work|writings] of {mentor} and [decided|resolved] to devote {his} life to {field}.
mentor gap : {mentor}, {his} teacher, was {gap} years older than {S0} and {mentor_age} at the time.
school : To pay the fees {he} worked [at night|at weekends] in a {shop} in {firm_town} while attending {school}.
topic : {S} wrote a thesis titled "{topic_title}", which became the [starting point|foundation|model] of all {his} later work.
school : It was {school_km} kilometres from {town} to {school_town}, the seat of {school}, and {he} travelled [by train|by coach] and on foot.
@career
firm joined : {S} joined {firm} in {joined}, at the age of {age_joined}.
firm product : At {firm} {he} was [put in charge of|responsible for] the [design|manufacture|sale|improvement] of the {product}.
thing years : For the next {years} years {he} [worked on hardly anything but|devoted every effort to] the {thing}.
firm joined : When {S0} arrived in {joined}, {firm} was in business year {firm_age} and known for its {firm_product}.
home : In {year_home} {he} moved {his} work to {home}, {km} kilometres from {town}, where {he} was born.
thing : Of {his} way with the {thing}, colleagues liked to say: "{quote}."
topic : {S} became best known for {his} work on {topic}; [visitors|would-be pupils|orders] came from as far as {near} and {home}.
award award_year : In {award_year} {he} [received|was awarded] the {award}, at the age of {age_award}.
award award_year : The {award} followed in {award_year}, {award_years} years after {he} had begun work in {joined}.
pupil : {his_cap} pupils include {pupil} (born {pupil_born}), who is {pupil_gap} years younger.
pupil : {pupil}, a pupil, recalls being taught: "{quote}."
@works
work work_year : In {work_year} {he} [published|brought out] the {work_genre} "{work}".
work theme : "{work}" is a {work_genre} of {pages} pages about {theme}.
work work_year : {S} was {age_work} when "{work}" [appeared|came out].
work work_firm : "{work}", {his} best-known book, was published by {work_firm} in a first edition of {copies} copies.
works_count : {his_cap} published works number {works_count} and run to {total_pages} pages [in all|altogether].
work work_town : "{work}" is set in {work_town}, where {he} had spent {stay} months the year before.
@life
hobby : [In {his} free time|Away from work] {he} enjoyed {hobby}, [usually|every year] in the company of friends from {home}.
hobby trait : A {trait} person, {he} loved {hobby} above all else.
home : In later years {he} lived quietly in {home}, looking after {garden}.
spouse_year : {S} married in {spouse_year}, aged {age_spouse}, and had {children} [children|children, counting an adopted one].
mentor : Until {mentor} died, the two exchanged more than {letters} letters.
@end
died : {S} died in {home} in {died}, aged {age_died}.
died thing : In {died} {he} died at the age of {age_died}; the {thing} {he} left is kept at {school}.
alive : As of {now}, {he} is {age_now} years old.
town : A {memorial} in {town} [bears {his} name|recalls {his} work].
award : An exhibition in {town} later marked {his} winning of the {award}.
"""

WORK = """
@lead
author year genre : "{name}" is a {genre} by {author}, published in {year}.
author theme : "{name}" is {author}'s {genre} about {theme}.
firm year pages : "{name}", a {genre} of {pages} pages by {author}, was published by {firm} in {year}.
author town : "{name}" by {author} is [known as|remembered as] a {genre} set in {town}.
@about
theme hero : The main character is a {hero} called {hero_name}, and the story turns on {theme}.
town : {town}, where it is set, is a {town_rank} of {population} people in {region}.
hero : {hero_name}, a {hero}, is {hero_age} at the start and {hero_end} at the end: {hero_span} years [pass|go by] in the story.
pages chapters : The text has {chapters} chapters, about {per_chapter} pages each.
theme : The [opening|final|much quoted] scene at {place}, in {season}, [announces|stands for] the theme of the book: {theme}.
hero : The scene in which {hero_name} [gives up|mends|finds|hides] the {thing} is the [turning point|climax] of the book.
hero : {hero_name} says "{quote}" and [leaves|goes to] {place}.
@making
author year : {author} was {author_age} when the book was written.
author job : {author}, a {author_job}, came from {author_town}.
author : The idea is said to have come from a {event} that {author} [witnessed|heard of] in {author_town}.
firm copies : The first edition of {copies} copies sold out in {months} months.
reprint copies : A further {reprint_copies} copies were printed in {reprint}, {total_copies} in all with the first edition.
reprint : A [revised|new|paperback] edition came out in {reprint}, {reprint_years} years after the first.
award : The book won {author} the {award}.
author other : {author} also wrote "{other}" ({other_year}); the present book is {other_gap} years {before_after}.
@reception
theme : The critic {critic} summed it up: "{quote}."
critic : {critic} has said that its effect on [readers|young people] in {critic_town} was [great|not small].
theme : Others found the treatment of its theme, {theme}, [flat|sentimental|hard to follow].
town : In {town} a [stone|signboard] marks one of its scenes.
adapted : In {adapted} a company from {adapted_town} [turned it into a play|gave it as a reading], which had {shows} performances.
"""
