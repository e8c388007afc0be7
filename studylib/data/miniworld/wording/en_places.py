"""English sentences about towns, landscapes and firms."""

TOWN = """
@lead
region population : {name} is a {rank} in {region} with a population of {population}.
region founded : {name} is a {rank} in {region}, established in {founded}.
region field : {name} is a {rank} in {region} known for {field}.
region height : {name} is a {rank} in the [interior|north|south|east|west] of {region}, {height} metres above sea level.
@place
near_km : {near} is {near_km} kilometres away, {near2} {near2_km} kilometres.
near_km : A round trip to {near} ({near_km} kilometres away) and another to {near2} ({near2_km} kilometres) [add up to|make] {trip} kilometres.
height : The centre lies {height} metres above the sea, {height_diff} metres {higher} than {near}.
feature : {feature} takes up {town_side} of the municipality and draws [walkers|anglers|photographers] in [spring|summer|autumn].
climate : The [winters are cold|summers are wet], and about {rain} millimetres of rain fall in a year.
@history
founded : It was established in {founded} when {village} and {village2} merged.
founded : In {founded} it had {first_population} inhabitants; in the {age} years to {now} their number has {population_change}.
founded festival_since : The {festival} is said to go back to {festival_since}, {festival_before} years before the municipality itself.
person : {person}, a {person_job} born in {person_born}, comes from {name}.
person : Among those born in {name} are {person} and {person2}; {person} is {person_gap} years {person_older} than {person2}.
school : {school} opened in {name} in {school_founded} and has {pupils} students.
@economy
field : The main trade is {field}, and the [making|selling] of the {thing} [is important|employs many].
product : Local products include the {product} and the {product2}.
product : The {product} is shipped mostly in {season}: {shipment} tonnes a year, much of it to {near}.
firm : {firm} has its head office here and employs {staff} people, about {share} percent of the population.
topic : [Of late|For ten years] the {rank} has [promoted|invested in] {topic}, [together|by agreement] with {school}.
@culture
festival : The {festival} is held every {festival_month} and draws {visitors} visitors.
festival visitors : The {festival} has {visitors} visitors, about {ratio} times the population.
festival : On the night of the {festival}, people carrying [the {thing}|lanterns|drums] walk to {place}.
food : The local dish, {food}, is served [near the station|at the market|at the inns].
work : "{work}" by {work_author} ({work_year}) is set in {name}.
"""

FEATURE = """
@lead
measure region : {name} is a {kind} in {region}, {measure_text}.
region town : {name} is a {kind} shared by {town} and {second_town} in {region}.
measure : {name} is a {kind}, {measure_text}: {rank_text}.
@about
towns : {from_to}. The two places are {towns_km} kilometres apart.
area : Its {area_name} measures {area} square kilometres, {area_diff} {larger} than the {other_area} of {other}.
measure : Against {other} ({other_measure_text}) that is {measure_diff} metres {bigger}.
season : In [spring|summer|autumn|winter] it is loved for its [mist|snow|young leaves|sunsets] and has often been [painted|photographed|sung about].
species : The {species} [lives here|is found here] and is most often seen in {species_month}.
species : The {species} ({latin}) was [discovered|recorded] here in {described}.
@history
explored : {explorer} was the first to [survey|describe] it, in {explored}, at the age of {explorer_age}.
explorer : {explorer}, a {explorer_job} from {explorer_town}, spent {survey} years [mapping|surveying] it.
name : The name is said to come from [an old legend|a nearby shrine|the shape of the land], but [nothing is certain|other accounts exist].
flood : In {flood} [heavy rain|heavy snow|an earthquake] destroyed [the road|the slope|the bank] on the {town} side; repairs took {repair} months.
use : It has [long|always] been used for {use} and [supports|supported] life in {town}.
"""

FIRM = """
@lead
town product : {name} is a maker based in {town}, known for its {product}.
founded founder : {name} is a company founded by {founder} in {founded}.
town founded : {name} is a company founded in {founded}, with its head office in {town}.
@history
founded founder : {founder}, a {founder_job}, founded it in {town} in {founded} at the age of {founder_age}.
first_staff : It began with {first_staff} employees in [the founder's house|a small warehouse|a rented house].
founder family : {founder}, the founder, was born in {founder_town} and studied at {founder_school}.
moved : In {moved}, {moved_years} years after its founding, it moved {km} kilometres from {second_town} to {town}.
crisis : In the [slump|fire|flood] of {crisis} it lost {lost} tenths of its [sales|machines], and it took {recover} years to recover.
partner : In {partner_year} it [joined forces|built a factory] with {partner}, a company from {partner_town}.
@business
products : Its three main products are the {product}, the {product2} and the {product3}.
product : The {product} was at first [made|devised] as a part for the {thing} and later sold by itself.
staff : It has {staff} employees, {staff_ratio} times as many as at its founding.
staff partner : With {staff} employees it has {staff_diff} {staff_more} than {partner}, which has {partner_staff}.
revenue : Sales in {last_year} were {revenue} million yen, {growth_text} on the {last_revenue} million of the year before.
revenue : Sales per employee come to about {per_head_yen} yen.
split : The {product} brings {share1} percent of sales, the {product2} {share2} percent and the {product3} the remaining {share3} percent.
town : It is the [largest|second largest] employer in {town} and [sponsors|helps to run] the {festival}.
person : {employee}, who joined in {joined}, [improved|designed] the {product2} with {his_or_her} knowledge of {field}.
motto : The company's motto is "{quote}."
"""
