"""English sentences about species and events, and asides that fit any page."""

SPECIES = """
@lead
habitat latin : The {name} ({latin}) is a {kind} of {habitat}.
region size : The {name} is a {kind} found in {region}, {low} to {high} centimetres in {size_name}.
colour : The {name} is a {kind} with a {colour} {part}.
@form
size : It is {low} to {high} centimetres in {size_name}, {middle} on average.
colour : The {part} is {colour}, [with an edge|with a tip|shading below into parts] of {second_colour}.
relative : It [resembles|is easily mistaken for] the related {relative} but can be told by its {colour} {part}.
relative size : It grows to {high} centimetres, {size_diff} {larger} than the related {relative} ({relative_high} centimetres).
@ecology
food : {food_text}.
month : The {activity} lasts {months} months, from {month} to {last_month}.
habitat : It keeps mainly to {habitat}, but [in winter|in dry months|after storms] it [is seen|appears] near {town} too.
count : It leaves {eggs} {egg_name} at a time, of which about {grown} survive.
@human
described finder : It was described in {described} by {finder}, who had [collected|found] it near {town}.
finder described : {finder}, who described it, was then a {finder_job} of {finder_age}.
endangered count : Only about {count} are thought to remain, and in {region} it is [protected|listed as rare].
endangered : A survey in {survey} found {count2}, against {count1} in {survey0}: {count_change}.
common : The {common} is common, and well known to the [children|farmers|fishers] of {town}.
work : It appears in "{work}" by {author}.
"""

EVENT = """
@lead
town year : The {name} [{happened}|{happened2}] in {town} on {day} {month} {year}.
year month : In {month} {year} the {name} [{happened}|{happened2}] in {town}.
@course
expo days visitors : It lasted {days} days and had {visitors} visitors, {per_day} a day.
expo firm : {firm} showed its {product} and won [a gold|a silver|an honourable] medal.
expo firm2 : The {product} and the {product2} stood side by side and [divided|drew] the attention of the crowd.
flood days : It [rained|had rained] for {days} days, and {houses} houses were flooded.
flood feature : The banks of {feature} broke in {breaks} places, and {evacuated} people fled to {other}.
flood houses : Of the {houses} flooded houses {rebuilt} had been rebuilt by {rebuild_year}; the people of the other {left} left.
match score : {winner} won {high} to {low}, by {score_diff}.
match half : At half time it stood {half_high} to {half_low}; in the second half {winner} scored {second_high} and {loser} {second_low}.
match person : {person} scored {goals} for {winner} and was named player of the match.
opening km cost : The line is {km} kilometres long and cost {cost} million yen, about {cost_km} million a kilometre.
opening time : It takes {minutes} minutes from {town} to {other}, {saved} fewer than the {before_minutes} of before.
opening stations : Its {stations} intermediate stations are {spacing} kilometres apart on average.
@people
person : {person}, a {person_job} aged {person_age}, was the {role}.
person : "{quote}," {person} [said|wrote in a diary].
firm : {firm} gave {donation_yen} yen.
town : {town} had about {then_population} inhabitants at the time.
@after
year : In {anniversary} the {anniversary_years}th anniversary was [marked|celebrated] at {place}.
work : "{work}" by {author} [describes|recalls] it.
year : [Records|Photographs] are kept at {school}.
"""

ASIDE = """
@aside
 : In {field}, {topic} [has long been|is still] a problem, and [better ways|new ways] of working with the {thing} are [sought|being tried].
 : [In general|As a rule], whoever [makes|uses|chooses] a {thing} must think of {topic}.
 : In {season}, people [carrying|mending|washing|selling] the {thing} were [often seen|never far] at {place}.
 : The {product} [spread|came into use] around {year} and changed the [use|price|quality] of the {thing} [greatly|little by little].
 : From {town} to {town2} it is {town_km} kilometres, about {hours} hours [on foot|by cart].
 : [At the time|In those days] a {product} cost {price} yen, and {count} of them {total} yen.
 : On {topic} there is [a study|a report|a paper] by {person}.
 : {person} [put it|wrote] this way: "{quote}."
 : {person}, born in {person_born}, [was active|is known] as a {person_job}.
 : On a [windy|rainy|clear|snowy] [morning|evening] in {season}, [only the {thing} was left|the {thing} could be seen] at {place}.
 : {field_cap} and {field2} seem to have nothing in common, but they [meet|are joined] in {topic}.
 : Without the {thing}, the {product} would never have [been invented|caught on].
 : According to a survey [made|published] in {town} in {year}, {part} households out of {households} [used|owned] a {product}; the other {rest} did not.
"""
