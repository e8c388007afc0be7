"""Japanese sentences about species and events, and asides that fit any page."""

SPECIES = """
@lead
habitat latin : {name}（学名 {latin}）は、{habitat}に[すむ|見られる]{kind}である。
region size : {name}は{region}に分布する{kind}で、{size_name}は{low}〜{high}センチメートル。
colour : {name}は、{colour}の{part}をもつ{kind}の一種。
@form
size : {size_name}は{low}センチメートルから{high}センチメートルで、平均は[およそ|約]{middle}センチメートルである。
colour : {part}は{colour}で、[縁|先端|腹側]は{second_colour}を[帯びる|している]。
relative : 近縁の{relative}に[似る|よく似ている]が、{part}が{colour}である点で[区別できる|見分けられる]。
relative size : 最大で{high}センチメートルになり、近縁の{relative}（{relative_high}センチメートル）より{size_diff}センチメートル{larger}。
@ecology
food : {food_text}。
month : {activity}は{month}から{last_month}にかけての{months}か月間である。
habitat : [主に|おもに]{habitat}にすみ、[冬|乾季|嵐のあと]には{town}の[集落|港|林]の近くにも[現れる|姿を見せる]。
count : 一度に{eggs}個の{egg_name}を[つけ|残し]、そのうち育つのは[およそ|約]{grown}個である。
@human
described finder : {described}年に{finder}が{town}で[採集し|発見し]、[新種|未知の種]として[報告した|記載した]。
finder described : [発見者|報告者]の{finder}は当時{finder_age}歳の{finder_job}であった。
endangered count : 個体数は[推定|およそ]{count}[と少なく|にすぎず]、{region}では[保護の対象|希少種]と[されている|なっている]。
endangered : {survey}年の調査では{count2}個体が確認され、{survey0}年の{count1}個体から{count_change}。
common : [個体数は多く|ありふれた種で]、{town}では[子どもたち|農家|漁師]にも[なじみ深い|よく知られている]。
work : {author}は『{work}』のなかで{name}を[描いている|登場させた]。
"""

EVENT = """
@lead
town year : {name}は、{year}年{month}{day}日に{town}で[{happened}|{happened2}]。
year month : {year}年{month}、{town}で{name}が[{happened}|{happened2}]。
@course
expo days visitors : 会期は{days}日間で、のべ{visitors}人が[来場した|訪れた]。一日あたりでは{per_day}人になる。
expo firm : {firm}は{product}を[出品し|展示し]、[金賞|銀賞|優秀賞]を[受けた|得た]。
expo firm2 : 会場では{product}と{product2}が[並べて|同時に]展示され、[人気|注目]を[集めた|分けた]。
flood days : [雨は|降りはじめた雨は]{days}日間[降りつづき|やまず]、{houses}戸が[浸水した|水につかった]。
flood feature : {feature}の堤が{breaks}か所で[決壊し|切れ]、{evacuated}人が{other}へ[避難した|逃れた]。
flood houses : 浸水した{houses}戸のうち{rebuilt}戸は{rebuild_year}年までに[建て直された|再建された]が、残る{left}戸の住民は[町を離れた|移住した]。
match score : 試合は{high}対{low}で{winner}が[勝った|勝利した]。得点差は{score_diff}だった。
match half : 前半を終えて{half_high}対{half_low}、後半だけの得点は{winner}が{second_high}点、{loser}が{second_low}点だった。
match person : {winner}の{person}は{goals}得点を[挙げ|決め]、[最優秀選手|殊勲者]に選ばれた。
opening km cost : {km}キロメートルの路線で、建設費は{cost}百万円、1キロメートルあたり[およそ|約]{cost_km}百万円だった。
opening time : {town}と{other}は{minutes}分で結ばれ、それまでの{before_minutes}分から{saved}分短くなった。
opening stations : 途中に{stations}駅が[置かれ|設けられ]、平均の駅間は[およそ|約]{spacing}キロメートルである。
@people
person : [{role}|実務]を[務めた|担った]のは{person_job}の{person}で、当時{person_age}歳だった。
person : {person}は「{quote}」と[語っている|日記に記した]。
firm : {firm}は{donation}万円を[寄付した|拠出した]。
town : {town}の人口は当時[およそ|約]{then_population}人だった。
@after
year : {anniversary}年には{anniversary_years}周年の[式典|催し]が{place}で[開かれた|行われた]。
work : この出来事は{author}の『{work}』にも[描かれている|記されている]。
year : [記録|写真]は{school}に[保管されている|残されている]。
"""

ASIDE = """
@aside
 : {field}では、{topic}が[長らく|古くから|いまも]の課題[であり|とされ]、{thing}の[改良|見直し|工夫]が[続けられてきた|重ねられている]。
 : [一般に|ふつう]、{thing}を[作る|使う|選ぶ]ときには{topic}が[重んじられる|問題になる]。
 : {season}の{place}では、{thing}を[運ぶ|直す|洗う|売る]人の姿が[よく見られた|絶えなかった]。
 : {product}は{year}年ごろに[広まり|普及し]、{thing}の[使い方|値段|質]を[大きく|少しずつ]変えた。
 : {town}から{town2}までは{town_km}キロメートルで、[徒歩|荷車|自転車]なら{hours}時間ほどかかる。
 : [当時|その頃]、{product}は一つ{price}円で、{count}個まとめて買うと{total}円になった。
 : なお、{topic}については{person}の[研究|報告|論文]が[詳しい|ある]。
 : [これ|この点]について{person}は、「{quote}」と[述べている|書いている]。
 : {person}は{person_born}年生まれで、{person_job}として[知られる|活動した]。
 : [風の強い|雨の続く|よく晴れた|雪の残る]{season}の[朝|夕方|午後]、{place}には{thing}[だけが残されていた|が並べられていた]。
 : {field}と{field2}は[一見|見かけ上]無関係に思われるが、{topic}という[点|問題]で[つながっている|結びついている]。
 : [もし|かりに]{thing}が[なければ|手に入らなければ]、{product}は[生まれなかった|広まらなかった]だろう。
 : {town}で{year}年に[行われた|まとめられた]調査によれば、{households}軒のうち{part}軒が{product}を[使って|所有して]おり、残りは{rest}軒である。
"""
