"""Japanese sentences about towns, landscapes and firms."""

TOWN = """
@lead
region population : {name}（{kana}）は、{region}にある{rank}。人口は{population}人。
region founded : {name}は{region}の{rank}で、{founded}年に[発足した|成立した]。
region field : {name}は、{field}で知られる{region}の{rank}である。
region height : {name}は{region}の[内陸部|北部|南部|東部|西部]、標高{height}メートルに位置する{rank}である。
@place
near_km : 隣の{near}までは{near_km}キロメートル、{near2}までは{near2_km}キロメートルである。
near_km : {near}とは{near_km}キロメートル、{near2}とは{near2_km}キロメートル[離れており|の距離にあり]、[合わせて|往復で]{trip}キロメートルの道のりになる。
height : 中心部の標高は{height}メートルで、{near}より{height_diff}メートル{higher}。
feature : {town_side}を{feature}が[占め|なし]、[春|夏|秋]には[多くの人|登山者や釣り人|写真を撮る人]が訪れる。
climate : [冬|夏]の[寒さ|雨]が[厳しく|多く]、年間の降水量は[およそ|約]{rain}ミリメートルである。
@history
founded : {founded}年、{village}と{village2}が合併して[発足した|成立した]。
founded : 発足した{founded}年の人口は{first_population}人で、{now}年までの{age}年間に{population_change}。
founded festival_since : {festival}は{festival_since}年に始まったとされ、町の発足より{festival_before}年早い。
person : {person_job}の{person}（{person_born}年生まれ）は{name}の出身である。
person : {name}の出身者には{person}や{person2}がいる。{person}は{person2}より{person_gap}歳{person_older}。
school : {school}は{school_founded}年に{name}で開校し、{pupils}人の学生が学ぶ。
@economy
field : 主な産業は{field}で、{thing}の[生産|産出|取引]が[盛んである|さかんに行われている]。
product : 特産品は{product}と{product2}である。
product : {product}は{season}に[最も多く出荷され|出荷の最盛期を迎え]、[年間|一年に]{shipment}トンが{near}などへ運ばれる。
firm : {firm}の[本社|工場]があり、{staff}人が働いている。これは人口の約{share}パーセントにあたる。
topic : [近年|ここ十年ほど]は{topic}に[力を入れ|取り組み]、{school}と[共同研究|協定]を[行っている|結んだ]。
@culture
festival : 毎年{festival_month}に{festival}が[開かれ|催され]、{visitors}人が[訪れる|集まる]。
festival visitors : {festival}の来訪者は{visitors}人で、[町の人口|住民]の約{ratio}倍にあたる。
festival : {festival}の夜には[{thing}|提灯|太鼓]を[担いだ|手にした]人々が{place}まで[練り歩く|歩く]。
food : 郷土の味としては{food}が[ある|知られ]、[駅前の店|市場|旅館]で[食べることができる|味わえる]。
work : {work_author}の『{work}』（{work_year}年）は{name}を舞台にしている。
"""

FEATURE = """
@lead
measure region : {name}（{kana}）は、{region}にある{measure_text}の{kind}である。
region town : {name}は{region}の{town}と{second_town}にまたがる{kind}。
measure : {name}は{measure_text}の{kind}で、{rank_text}。
@about
towns : {from_to}。[両町の|その]あいだの距離は{towns_km}キロメートルである。
area : {area_name}は{area}平方キロメートルで、{other}の{other_area}平方キロメートルより{area_diff}平方キロメートル{larger}。
measure : {other}（{other_measure_text}）と比べると、{measure_diff}メートル分{bigger}。
season : [春|夏|秋|冬]の{name}は[霧|雪|若葉|夕日]が美しく、[絵|歌|写真]の題材に[なってきた|される]。
species : [岸辺|周辺|一帯]には{species}が[生息し|見られ]、{species_month}ごろに[最も数が増える|よく観察される]。
species : {species}（学名 {latin}）は{name}で{described}年に[発見された|記録された]。
@history
explored : {explored}年、{explorer}が[初めて|最初に]詳しく[調査した|記録した]。当時{explorer_age}歳だった。
explorer : {explorer}は{explorer_town}出身の{explorer_job}で、{name}の[測量|調査]に{survey}年を[費やした|かけた]。
name : 名は[古い伝説|近くの社|地形]に[由来する|ちなむ]と[いわれる|伝えられている]が、[定説はない|異説もある]。
flood : {flood}年の[大雨|大雪|地震]で{town}側の[道|斜面|堤]が崩れ、[修復|復旧]に{repair}か月かかった。
use : {use}に[利用され|使われ]、{town}の[暮らし|産業]を[支えて|助けて]きた。
"""

FIRM = """
@lead
town product : {name}は、{town}に本社を置く{product}の[メーカー|製造会社]である。
founded founder : {name}は、{founded}年に{founder}が創業した[企業|会社]。
town founded : {name}は{founded}年創業の[企業|会社]で、{town}に本社がある。
@history
founded founder : {founder_job}だった{founder}が{founded}年、{founder_age}歳のときに{town}で[創業した|興した]。
first_staff : 創業時の従業員は{first_staff}人で、[創業者の自宅|小さな倉庫|借家]を[作業場|仕事場]とした。
founder family : 創業者の{founder}は{founder_town}の生まれで、{founder_school}で学んだ。
moved : {moved}年、創業から{moved_years}年で[本社|工場]を{second_town}から{town}に[移した|移転した]。{km}キロメートルの移転だった。
crisis : {crisis}年の[不況|火災|水害]では[売り上げ|設備]の{lost}割を失ったが、{recover}年後に[回復した|立ち直った]。
partner : {partner_year}年に{partner}と[提携した|共同で工場を建てた]。{partner}は{partner_town}の会社である。
@business
products : 主力製品は{product}、{product2}、{product3}の三つである。
product : {product}は[当初|初期には]{thing}の[部品|材料]として[作られた|考案された]が、のちに単独で[売られる|販売される]ようになった。
staff : 従業員は{staff}人で、創業時の{staff_ratio}倍にあたる。
staff partner : 従業員{staff}人は、{partner}の{partner_staff}人より{staff_diff}人{staff_more}。
revenue : {last_year}年の売上高は{revenue}百万円で、前年の{last_revenue}百万円から{growth_text}。
revenue : 売上高を従業員数で割ると、一人あたり[およそ|約]{per_head}万円となる。
split : 売り上げの内訳は、{product}が{share1}パーセント、{product2}が{share2}パーセント、残る{share3}パーセントが{product3}である。
town : {town}では[最大|二番目に大きい]の[雇用主|会社]であり、{festival}の[協賛|運営]にも[加わっている|協力している]。
person : {joined}年に入社した{employee}は、{field}の[知識|経験]を生かして{product2}を[改良した|設計した]。
motto : [社是|社訓]は「{quote}」である。
"""
