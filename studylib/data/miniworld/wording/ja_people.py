"""Japanese sentences about people and their works."""

PERSON = """
@lead
born town job : {name}（{kana}、{born}年{month}{day}日[{until}]）は、{region}{town}出身の[{job}|日本の{job}|{trait}{job}として知られる人物]である。
born job : {name}（{kana}）は、{born}年生まれの{job}。
job thing : {name}（{kana}）は、{thing}の[仕事|研究|制作]で知られる{job}である。
job town field : {name}は{town}に生まれ、[のちに|やがて]{field}の世界で名を成した{job}である。
job mentor : {name}は、{mentor}に師事した{job}である。
job school : {name}（{kana}）は{school}で学んだ{job}で、{thing}に関する[業績|仕事]が多い。
born job region : {region}が生んだ{job}の一人に、{born}年生まれの{name}がいる。
@early
born town : {born}年{month}{day}日、{town}に生まれた。
town siblings child_rank : {town}の{parent}の家に、{siblings}人きょうだいの{child_rank}番目として[生まれた|生まれ育った]。
town : 生家は{town}の[旧街道沿い|港の近く|駅前|川べり|山すそ]にあり、[幼いころ|子どものころ]は{play}。
siblings : きょうだいは全部で{siblings}人おり、{S}[上から|年長順に]数えて{child_rank}番目にあたる。
hobby : [少年時代|幼少期|十代のころ]から{hobby}を好み、[学校から帰ると|休みの日には]{place_of_play}ですごすことが多かったという。
mother_age : {S}母が{mother_age}歳のときの子で、父は{father_age}歳[だった|であった]。
town moved : {age_moved}歳のとき、一家は{town}から{km}キロメートル離れた{home}に[移った|引っ越した|移り住んだ]。[これは{year_moved}年のことである。|]
trait : 家族の[話|記憶|証言]によると、{trait}子どもだった[という|そうだ]。
@study
school : {year_school}年、{age_school}歳で{school}に[入学した|進んだ|入った]。
school topic : {school}では{topic}を[専攻し|学び]、{year_grad}年に[卒業した|課程を終えた]。
school mentor : 在学中に{mentor}の[講義|仕事|著作]に[触れ|接し]、{field}の道に進むことを[決めた|決意した|心に決めた]。
mentor gap : 師の{mentor}は{S0}より{gap}歳年上で、当時{mentor_age}歳だった。
school : 学費を[補う|まかなう]ため、[夜は|週末には]{firm_town}の{shop}で働きながら{school}に[通った|四年間通った]。
topic : 卒業論文は「{topic_title}」と題され、のちの仕事の[出発点|土台|原型]となった。
school : {school}のある{school_town}までは{town}から{school_km}キロメートルあり、[汽車|列車|乗合馬車]と徒歩で通った[という|と伝えられる]。
@career
firm joined : {joined}年、{age_joined}歳のときに{firm}に[入社した|入った|勤めはじめた]。
firm product : {firm}では{product}の[開発|製造|改良|販売]を[担当した|任された|手がけた]。
thing years : {S}それから{years}年のあいだ、[もっぱら|主に|一貫して]{thing}に[取り組んだ|打ち込んだ]。
firm joined : {firm}は{S0}の入社した{joined}年には創業{firm_age}年目[であり|で]、{firm_product}で知られていた。
home : {year_home}年、活動の拠点を{home}に[移した|置いた]。{home}は生地の{town}から{km}キロメートルのところにある。
thing : {thing}を[扱う|とりあげる]手つきは[慎重で|大胆で|丁寧で]、[同業者|仲間|後進]からは「{quote}」と[評された|言われた]。
topic : なかでも{topic}をめぐる[仕事|研究|試み]は[評価が高く|広く知られ]、{near}や{home}からも[見学者|弟子入りを望む者|依頼]が[絶えなかった|相次いだ]。
award award_year : {award_year}年、{award}を[受けた|受賞した]。{age_award}歳のときのことである。
award award_year : {joined}年に働きはじめてから{award_years}年後の{award_year}年、{award}を[贈られた|受賞した]。
pupil : 門下には{pupil}（{pupil_born}年生まれ）らがいる。{pupil}は{S0}より{pupil_gap}歳年下である。
pupil : 弟子の{pupil}は、{S0}から「{quote}」と教えられたと[回想している|書き残している]。
@works
work work_year : {work_year}年、{work_genre}『{work}』を[著した|発表した|刊行した]。
work theme : 『{work}』は{theme}を[主題とした|描いた|扱った]{work_genre}で、全{pages}ページからなる。
work work_year : 『{work}』が[世に出た|刊行された]とき、{S}{age_work}歳だった。
work work_firm : 代表作の『{work}』は{work_firm}から[出版され|刊行され]、初版は{copies}部だった。
works_count : 生涯に残した著作は{works_count}点、[合わせて|総計]{total_pages}ページに[のぼる|及ぶ]。
work work_town : 『{work}』の舞台は{work_town}である。{S}執筆の前年、{work_town}に{stay}か月滞在した。
@life
hobby : 趣味は{hobby}で、[毎年のように|休暇のたびに]{home}の[仲間|友人]と出かけた。
hobby trait : {trait}人柄で、{hobby}を[愛した|何よりの楽しみとした]。
home : 晩年は{home}で[静かに|家族と]暮らし、{garden}を[育てる|眺める]のを日課とした。
spouse_year : {spouse_year}年に結婚し、{children}人の子を[もうけた|育てた]。結婚したとき{S}{age_spouse}歳だった。
mentor : 師の{mentor}が[亡くなる|世を去る]まで、手紙のやりとりは{letters}通を[数えた|超えた]。
@end
died : {died}年に{home}で[死去した|亡くなった|没した]。{age_died}歳没。
died thing : {died}年、{age_died}歳で[世を去った|亡くなった]。遺された{thing}は{school}に[寄贈されている|収められている]。
alive : {now}年[現在|の時点で]、{age_now}歳である。
town : {town}には[その名を冠した|業績を伝える]{memorial}がある。
award : [没後|引退後]、{award}の受賞を記念した展示が{town}で開かれた。
"""

WORK = """
@lead
author year genre : 『{name}』は、{author}が{year}年に発表した{genre}。
author theme : 『{name}』は、{theme}を主題とする{author}の{genre}である。
firm year pages : 『{name}』は{year}年に{firm}から刊行された{genre}で、全{pages}ページ。著者は{author}。
author town : {author}の『{name}』は、{town}を舞台にした{genre}として知られる。
@about
theme hero : 主人公は{hero}の{hero_name}で、物語は{theme}をめぐって[進む|展開する]。
town : 舞台となる{town}は、{region}にある人口{population}人の{town_rank}である。
hero : 作中の{hero_name}は{hero_age}歳の{hero}として登場し、結末では{hero_end}歳になっている。物語の中では{hero_span}年が[過ぎる|経過する]。
pages chapters : 本文は{chapters}章に分かれ、1章あたり[平均|およそ]{per_chapter}ページである。
theme : [冒頭|第1章|終章]で語られる{season}の{place}の[情景|場面]は、{theme}という主題を[象徴する|予告する]ものとして[しばしば引用される|よく知られている]。
hero : {hero_name}が{thing}を[手放す|修理する|見つける|隠す]場面は、作品[全体|後半]の[転換点|山場]とされる。
hero : {hero_name}は「{quote}」と[つぶやき|言い]、{place}を[あとにする|去る|訪れる]。
@making
author year : 執筆当時、{author}は{author_age}歳[だった|であった]。
author job : {author}は{author_job}で、{author_town}の出身である。
author : 着想は{author}が{author_town}で[見聞きした|経験した]{event}から[得られた|生まれた]という。
firm copies : 初版の{copies}部は{months}か月で[売り切れた|完売した]。
reprint copies : {reprint}年に{reprint_copies}部が増刷され、初版と合わせると{total_copies}部になった。
reprint : 刊行から{reprint_years}年後の{reprint}年に[改訂版|新装版|文庫版]が出た。
award : この作品で{author}は{award}を受賞した。
author other : {author}にはほかに『{other}』（{other_year}年）があり、本作はその{other_gap}年{before_after}にあたる。
@reception
theme : [評者|批評家]の{critic}は「{quote}」と[評した|書いた]。
critic : {critic}は、本作が{critic_town}の[読者|若者]に与えた影響は[大きい|小さくない]と[述べている|指摘している]。
theme : 一方で、{theme}の[扱い|描き方]が[平板|感傷的|難解]だとする[批判|意見]もあった。
town : {town}には作中の場面を記念した[石碑|案内板]が[ある|建てられている]。
adapted : {adapted}年には{adapted_town}の劇団によって[舞台化|朗読劇に]され、{shows}回[上演された|の公演が行われた]。
"""
