"""Bilingual words (Japanese, English) for what people do, make and study, by field; compounds come by the ten thousand."""

from __future__ import annotations

from dataclasses import dataclass

Pair = tuple[str, str]


def pairs(text: str) -> tuple[Pair, ...]:
    """ "窯=kiln; 釉薬=glaze" as pairs."""
    return tuple((ja.strip(), en.strip()) for ja, en in (one.split("=") for one in text.split(";") if one.strip()))


@dataclass(frozen=True, slots=True)
class Field:
    """A line of work: its name, who does it, what it handles, and what is studied in it."""

    name: Pair
    job: Pair
    things: tuple[Pair, ...]
    topics: tuple[Pair, ...]


_FIELDS = """
陶芸=pottery | 陶芸家=potter | 登り窯=climbing kiln; 釉薬=glaze; 茶碗=tea bowl; 大皿=large platter; 花器=vase; 白磁=white porcelain | 焼成温度=firing temperature; 土の配合=clay blending; 古陶の復元=restoration of old ware
天文学=astronomy | 天文学者=astronomer | 望遠鏡=telescope; 変光星=variable star; 彗星=comet; 観測台=observatory; 星図=star chart; 分光器=spectrograph | 恒星の進化=stellar evolution; 周期の測定=measurement of periods; 軌道計算=orbit calculation
林業=forestry | 林業家=forester | 杉材=cedar timber; 苗木=sapling; 索道=cableway; 製材所=sawmill; 間伐材=thinned timber; 炭=charcoal | 育苗=raising of saplings; 間伐の時期=timing of thinning; 水源の保全=protection of headwaters
漁業=fishery | 漁師=fisher | 定置網=fixed net; 漁船=fishing boat; 干物=dried fish; 灯台=lighthouse; 海図=sea chart; 養殖場=fish farm | 潮の流れ=tidal currents; 資源の管理=stock management; 養殖技術=farming methods
建築=architecture | 建築家=architect | 図書館=library; 駅舎=station building; 木造校舎=wooden schoolhouse; 塔=tower; 橋=bridge; 庭園=garden | 耐震構造=earthquake-resistant structure; 採光=daylighting; 木組み=timber joinery
数学=mathematics | 数学者=mathematician | 定理=theorem; 素数=prime number; 曲面=surface; 方程式=equation; 証明=proof; 数列=sequence | 整数の分割=partitions of integers; 曲面の分類=classification of surfaces; 近似の誤差=error of approximation
音楽=music | 作曲家=composer | 交響曲=symphony; 歌曲集=song cycle; 笛=flute; 合唱曲=choral work; 弦楽四重奏曲=string quartet; 行進曲=march | 旋律の構成=construction of melody; 民謡の採譜=transcription of folk songs; 和声=harmony
文学=literature | 小説家=novelist | 長編小説=novel; 短編集=story collection; 随筆=essay; 詩集=volume of poems; 日記=diary; 戯曲=play | 方言の表現=use of dialect; 都市の生活=life in the city; 家族の記憶=family memory
織物=weaving | 織物職人=weaver | 絹布=silk cloth; 機織り機=loom; 藍染め=indigo dyeing; 帯=sash; 木綿=cotton; 絣=ikat cloth | 糸の強度=strength of thread; 染料の配合=mixing of dyes; 文様の意匠=pattern design
植物学=botany | 植物学者=botanist | 標本=specimen; 温室=greenhouse; 高山植物=alpine plant; 種子=seed; 植物図鑑=plant handbook; 苔=moss | 受粉の仕組み=mechanism of pollination; 分布の変化=changes of range; 品種改良=plant breeding
医学=medicine | 医師=physician | 診療所=clinic; 病院船=hospital ship; 聴診器=stethoscope; 薬草=medicinal herb; 処方箋=prescription; 手術室=operating room | 感染症の予防=prevention of infection; 心臓の働き=action of the heart; 地域医療=rural medicine
鉄道=railways | 鉄道技師=railway engineer | 蒸気機関車=steam locomotive; 鉄橋=iron bridge; 信号機=signal; 隧道=tunnel; 車両=railway car; 時刻表=timetable | 勾配の克服=overcoming of gradients; 信号の制御=signal control; 軌道の保守=track maintenance
料理=cooking | 料理人=cook | 味噌=miso; 出汁=stock; 漬物=pickles; 郷土料理=local dish; 包丁=kitchen knife; 菓子=confection | 発酵の管理=control of fermentation; 保存食=preserved food; 献立=menu planning
地質学=geology | 地質学者=geologist | 化石=fossil; 断層=fault; 火山灰=volcanic ash; 鉱脈=ore vein; 地層=stratum; 温泉=hot spring | 地層の年代=dating of strata; 噴火の記録=records of eruptions; 地下水=groundwater
造船=shipbuilding | 造船技師=shipwright | 帆船=sailing ship; 貨物船=cargo ship; 船渠=dock; 羅針盤=compass; 渡し船=ferry; 錨=anchor | 船体の強度=strength of hulls; 推進器=propellers; 波の抵抗=wave resistance
写真=photography | 写真家=photographer | 暗室=darkroom; 肖像写真=portrait; 風景写真=landscape photograph; 写真集=photo book; 乾板=dry plate; 写真館=studio | 現像の手法=developing methods; 光の捉え方=handling of light; 街の記録=record of streets
園芸=gardening | 園芸家=gardener | 菊=chrysanthemum; 盆栽=bonsai; 薔薇=rose; 果樹園=orchard; 花壇=flower bed; 茶園=tea garden | 接ぎ木=grafting; 土壌の改良=soil improvement; 開花の時期=time of flowering
法律=law | 弁護士=lawyer | 判例=precedent; 契約書=contract; 法律事務所=law office; 条例=ordinance; 裁判所=court; 訴状=complaint | 水利権=water rights; 労働契約=labour contracts; 漁業権=fishing rights
教育=education | 教師=teacher | 教科書=textbook; 夜間学校=night school; 学級文庫=class library; 寄宿舎=dormitory; 講堂=lecture hall; 辞典=dictionary | 読み書きの指導=teaching of reading; 遠隔教育=distance teaching; 教材の開発=teaching materials
電気工学=electrical engineering | 電気技師=electrical engineer | 発電所=power station; 変圧器=transformer; 蓄電池=battery; 送電線=power line; 電動機=motor; 計測器=measuring instrument | 送電の損失=transmission losses; 小型発電機=small generators; 電力の需要=demand for power
演劇=theatre | 演出家=stage director | 舞台=stage; 人形劇=puppet play; 仮面=mask; 台本=script; 芝居小屋=playhouse; 衣装=costume | 発声法=voice training; 舞台の照明=stage lighting; 即興劇=improvised drama
農業=farming | 農業技術者=agronomist | 水田=paddy field; 用水路=irrigation canal; 麦=wheat; 林檎=apple; 養蚕=silkworm raising; 脱穀機=threshing machine | 冷害への対策=measures against cold; 輪作=crop rotation; 害虫の防除=pest control
歴史学=history | 歴史学者=historian | 古文書=old document; 城跡=castle ruins; 街道=highway; 絵図=picture map; 年代記=chronicle; 碑文=inscription | 街道の交通=traffic on the highways; 飢饉の記録=records of famine; 村の自治=village self-rule
登山=mountaineering | 登山家=mountaineer | 山小屋=mountain hut; 尾根=ridge; 氷壁=ice wall; 登山道=trail; 縄梯子=rope ladder; 頂=summit | 冬山の気象=winter weather; 高所順応=acclimatisation; 救助の方法=rescue methods
"""


def _field(line: str) -> Field:
    name, job, things, topics = line.split("|")
    return Field(pairs(name)[0], pairs(job)[0], pairs(things), pairs(topics))


FIELDS = tuple(_field(line) for line in _FIELDS.strip().splitlines())

# Products are quality x material x thing: some forty thousand compounds, most of them rare.
QUALITIES = pairs(
    "耐熱=heat-resistant; 耐水=waterproof; 軽量=lightweight; 小型=compact; 大型=large; 高密度=high-density; 携帯用=portable; 業務用=commercial; "
    "家庭用=household; 精密=precision; 自動=automatic; 手動=hand-operated; 折りたたみ式=folding; 組立式=modular; 耐震=quake-proof; 防音=soundproof; "
    "断熱=insulated; 低温=low-temperature; 高速=high-speed; 船舶用=marine; 農業用=agricultural; 医療用=medical; 教育用=educational; 寒冷地用=cold-climate; "
    "無塗装=unpainted; 抗菌=antibacterial; 電動=electric; 多目的=multipurpose; 省電力=low-power; 全天候=all-weather"
)
MATERIALS = pairs(
    "ガラス=glass; 木製=wooden; 竹製=bamboo; 陶製=ceramic; 鋼製=steel; 銅製=copper; アルミ=aluminium; 樹脂=resin; 和紙=paper; 絹=silk; 綿=cotton; "
    "革=leather; 石英=quartz; 磁器=porcelain; 炭素繊維=carbon-fibre; 真鍮=brass; ゴム=rubber; 漆塗り=lacquered; 錫=tin; 合板=plywood"
)
THINGS = pairs(
    "容器=container; 食器=tableware; 照明器具=lamp; 計量器=scale; 歯車=gear; 家具=furniture; 玩具=toy; 文具=stationery; 時計=clock; 管=pipe; 包装材=packaging; "
    "建材=building panel; 楽器=instrument; 靴=shoe; 傘=umbrella; 鞄=bag; 釣具=fishing tackle; 工具=tool; 弁=valve; ばね=spring; 車輪=wheel; 扉=door; "
    "窓枠=window frame; 棚=shelf; 鏡=mirror; 水筒=flask; 梯子=ladder; 印刷機=printing press; 織機=loom; 揚水機=water pump; 乾燥機=dryer; 濾過器=filter; "
    "送風機=fan; 保冷箱=cool box; 測定器=gauge; 滑車=pulley"
)
GENRES = pairs(
    "長編小説=novel; 短編集=collection of stories; 随筆集=book of essays; 詩集=collection of poems; 紀行文=travel book; 児童書=children's book; "
    "研究書=study; 戯曲=play; 回想録=memoir; 写真集=photo book; 画集=book of pictures; 推理小説=mystery novel"
)
THEMES = pairs(
    "故郷への帰還=coming home; 海と労働=the sea and labour; 失われた友情=lost friendship; 山村の四季=the seasons of a mountain village; 戦後の暮らし=life after the war; "
    "父と娘の和解=a father and daughter reconciled; 旅と孤独=travel and solitude; 職人の誇り=the pride of craftsmen; 都市の孤独=loneliness in the city; "
    "川をめぐる争い=a quarrel over a river; 幼年時代=childhood; 消えた村=a vanished village; 祖母の記憶=memories of a grandmother; 学問と良心=learning and conscience; "
    "鉄道の発展=the growth of the railways; 病と回復=illness and recovery; 芸術家の苦悩=an artist's doubts; 一族の盛衰=the rise and fall of a family"
)
TITLE_HEADS = pairs(
    "静かな=The Quiet; 遠い=The Distant; 青い=The Blue; 白い=The White; 最後の=The Last; 冬の=The Winter; 夏の=The Summer; 忘れられた=The Forgotten; "
    "見えない=The Unseen; 小さな=The Little; 長い=The Long; 夜の=The Night; 朝の=The Morning; 北の=The Northern; 南の=The Southern; 名もない=The Nameless; "
    "古い=The Old; 二つの=Two; 三つの=Three; 海辺の=The Seaside; 山の=The Mountain; 雨の=The Rain; 風の=The Wind; 銀の=The Silver"
)
TITLE_TAILS = pairs(
    "灯台=Lighthouse; 手紙=Letter; 港=Harbour; 庭=Garden; 坂道=Slope; 橋=Bridge; 家=House; 駅=Station; 川=River; 森=Forest; 窓=Window; 時計=Clock; 鐘=Bell; "
    "影=Shadow; 歌=Song; 道=Road; 島=Island; 鏡=Mirror; 旅人=Traveller; 約束=Promise; 地図=Map; 船=Ship; 火=Fire; 椅子=Chair; 鳥=Bird; 影絵=Silhouette; 階段=Stairs; 雪原=Snowfield"
)
COLOURS = pairs(
    "白=white; 淡い黄色=pale yellow; 濃い青=deep blue; 赤褐色=reddish brown; 紫=purple; 灰色=grey; 橙色=orange; 緑がかった黒=greenish black; 銀白色=silvery white; 薄紅色=pale pink"
)
HABITATS = pairs(
    "渓流=mountain streams; 湿地=marshes; 砂浜=sandy beaches; 落葉樹林=deciduous woods; 草原=grassland; 岩場=rocky slopes; 汽水域=brackish water; 針葉樹林=conifer forest; 人里=villages; 干潟=tidal flats"
)
FOODS = {
    "bird": pairs("木の実=nuts; 昆虫=insects; 小魚=small fish; 草の種=grass seeds"),
    "fish": pairs("水生昆虫=water insects; 藻類=algae; 小型の甲殻類=small crustaceans; 稚魚=fry"),
    "insect": pairs("花の蜜=nectar; 樹液=tree sap; 葉=leaves; 小さな昆虫=small insects"),
    "plant": pairs("湿った土=moist soil; 日当たりのよい斜面=sunny slopes; 石灰質の土壌=chalky soil; 砂地=sandy ground"),
}
SPECIES_KINDS = {
    "bird": ("鳥", "bird"),
    "fish": ("魚", "fish"),
    "plant": ("植物", "plant"),
    "insect": ("昆虫", "insect"),
}
FESTIVALS = pairs(
    "灯籠祭り=Lantern Festival; 花火大会=Fireworks Festival; 収穫祭=Harvest Festival; 雪まつり=Snow Festival; 船祭り=Boat Festival; 音楽祭=Music Festival; 陶器市=Pottery Fair; "
    "凧揚げ大会=Kite Festival; 太鼓祭り=Drum Festival; 桜まつり=Cherry Festival; 古本市=Book Fair; 駅伝大会=Relay Race"
)
TRAITS = pairs(
    "几帳面な=meticulous; 寡黙な=taciturn; 好奇心の強い=curious; 頑固な=stubborn; 温厚な=gentle; 負けず嫌いな=competitive; 慎重な=cautious; 社交的な=sociable; 質素な=frugal; 大胆な=daring"
)
HOBBIES = pairs(
    "釣り=fishing; 将棋=shogi; 山歩き=hill walking; 俳句=haiku; 切手の収集=stamp collecting; 天体観測=stargazing; 料理=cooking; 野球観戦=watching baseball; 庭いじり=gardening; 古地図の収集=collecting old maps; "
    "合唱=choral singing; 自転車旅行=cycling"
)
AWARDS = pairs(
    "地方文化賞=Regional Culture Prize; 青嵐賞=Seiran Prize; 学術功労章=Order of Scholarship; 金鶏賞=Golden Rooster Prize; 北斗賞=Hokuto Prize; 工芸奨励賞=Crafts Encouragement Prize; 蒼海賞=Sokai Prize; 産業功績賞=Industry Merit Award"
)
MONTHS = pairs(
    "1月=January; 2月=February; 3月=March; 4月=April; 5月=May; 6月=June; 7月=July; 8月=August; 9月=September; 10月=October; 11月=November; 12月=December"
)
