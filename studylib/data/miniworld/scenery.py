"""Bilingual words that colour sentences without telling facts: places, seasons, sayings."""

from __future__ import annotations

from studylib.data.miniworld.words import pairs

PLACES = pairs(
    "古い桟橋=the old pier; 石段の上=the top of the stone steps; 市場の裏=the back of the market; 川沿いの道=the river path; 神社の境内=the shrine grounds; 駅の待合室=the station waiting room; "
    "峠の茶屋=the teahouse on the pass; 校庭の隅=the corner of the schoolyard; 水車小屋=the water mill; 竹林=the bamboo grove; 渡し場=the ferry landing; 坂の途中=the middle of the slope; "
    "倉庫の軒先=the eaves of the warehouse; 町はずれの橋=the bridge at the edge of town; 堤防=the embankment; 広場=the square; 灯台の下=the foot of the lighthouse; 製材所の跡=the site of the sawmill; "
    "図書館の閲覧室=the library reading room; 段々畑=the terraced fields"
)
SEASONS = pairs(
    "春=spring; 夏=summer; 秋=autumn; 冬=winter; 梅雨どき=the rainy season; 初夏=early summer; 晩秋=late autumn; 真冬=midwinter"
)
QUOTES = pairs(
    "急ぐ者は二度働く=Who hurries works twice; 道具は使う人に似る=Tools grow to resemble their users; 見えないところに手をかけよ=Take care where nobody looks; 問いのないところに答えはない=Without a question there is no answer; "
    "失敗は最もよい教師である=Failure is the best of teachers; 水の流れに学べ=Learn from running water; 数えてから語れ=Count first and talk later; 一日休めば三日遅れる=A day of rest costs three; 古い道にも新しい景色がある=Old roads have new views; "
    "静かな仕事ほど長く残る=Quiet work lasts longest; 良い材料は嘘をつかない=Good material does not lie; 誰のために作るかを忘れるな=Never forget for whom you make it; 冬の支度は夏に始まる=Winter is prepared in summer; "
    "遠くを見る者は足もとも見よ=Who looks far must watch the ground; 言葉は少なく記録は多く=Few words and many records; 直せるものは捨てるな=Never discard what can be mended; 小さな違いに気づけ=Notice small differences; 約束は荷物より重い=A promise weighs more than luggage"
)
PLAYS = pairs(
    "川で魚を捕って遊んだ=was happiest catching fish in the river; 父の仕事場に入り浸った=spent whole days in the family workshop; 本を読んで過ごした=read whatever there was in the house; 近所の子どもと山を駆け回った=roamed the hills with the neighbours' children; "
    "祖母の昔話を聞いて育った=grew up on a grandmother's old tales; 絵ばかり描いていた=drew from morning to night; 病気がちで家にいることが多かった=was often ill and kept indoors"
)
PARENTS = pairs(
    "大工=carpenter; 商人=merchant; 農家=farmer; 教師=teacher; 医師=physician; 船頭=boatman; 鍛冶屋=blacksmith; 宿屋=innkeeper; 役人=official; 酒造家=sake brewer; 織元=weaver; 漁師=fisher"
)
SHOPS = pairs(
    "書店=bookshop; 印刷所=printing house; 食堂=canteen; 写真館=photo studio; 薬局=pharmacy; 時計店=watchmaker's; 貸本屋=lending library; 製麺所=noodle factory"
)
GARDENS = pairs(
    "菊=chrysanthemums; 梅の木=a plum tree; 小さな畑=a small field; 朝顔=morning glories; 柿の木=a persimmon tree; 鯉=carp; 庭の苔=moss in the garden"
)
MEMORIALS = pairs(
    "記念館=memorial museum; 石碑=stone monument; 銅像=bronze statue; 公園=park; 小路=lane; 奨学金=scholarship; 図書室=reading room"
)
ORIGINS = pairs(
    "祭り=festival; 火事=fire; 洪水=flood; 古い手紙=old letter; 船の事故=shipwreck; 祖父の話=grandfather's tale; 市場の口論=quarrel in the market; 駅での別れ=parting at the station"
)
DISHES = pairs(
    "川魚の甘露煮=candied river fish; 山菜そば=buckwheat noodles with wild greens; 味噌仕立ての鍋=miso hotpot; 焼きおにぎり=grilled rice balls; 栗の菓子=chestnut sweets; 干し柿=dried persimmons; 貝の炊き込みご飯=rice cooked with shellfish; 豆腐田楽=grilled tofu; 鯖ずし=mackerel sushi"
)
USES = pairs(
    "灌漑=irrigation; 水運=water transport; 狩猟=hunting; 信仰の場=worship; 発電=power generation; 紙づくり=paper making; 牧畜=grazing; 観光=tourism; 製塩=salt making"
)
