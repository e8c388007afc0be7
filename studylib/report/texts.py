"""Every fixed sentence of the report, in English and Japanese."""

from __future__ import annotations

from studylib.result import Text
from studylib.words import ACCOUNTINGS

__all__ = ["ACCOUNTINGS", "WORDS", "idea_order", "idea_title"]


def _(en: str, ja: str) -> Text:
    return Text(en=en, ja=ja)


WORDS: dict[str, Text] = {
    "title": _("How to build a 10B Japanese LLM", "100 億パラメータ日本語 LLM の作り方"),
    "subtitle": _(
        "Small models, many variants, paired seeds: what they decide, and what stays open.",
        "小さなモデル、多くの案、対応のあるシード。何が決まり、何が未決かを示します。",
    ),
    "skip": _("Skip to the content", "本文へ移動"),
    "back": _("Back to the study", "研究の一覧へ戻る"),
    "overview": _("Verdicts at a glance", "結論の一覧"),
    "overview_caption": _("One row an idea, in the order of the study.", "1 行が 1 つのアイデアです。"),
    "idea": _("Idea", "アイデア"),
    "state": _("State", "状態"),
    "leader": _("Leading variant", "首位の案"),
    "ahead": _("best of those tried", "試した中で最良"),
    "open": _("open", "未決"),
    "for_target": _("For 10B", "10B では"),
    "decided_for_target": _("decided for 10B", "10B でも決定"),
    "open_for_target": _("open for 10B", "10B では未決"),
    "p_best": _("P(best)", "最良確率"),
    "p_best_at_target": _("P(best) at 10B", "10B での最良確率"),
    "regret_at_target": _("Expected regret at 10B, % of the loss", "10B での期待損失(損失の %)"),
    "target_from": _("from the sizes", "使った規模:"),
    "target_times": _("times the largest", "倍(最大規模比)"),
    "rivals_at_target": _("May still be better at 10B", "10B でより良い可能性が残る案"),
    "regret_long": _("expected regret, bits per byte", "期待損失(bits/byte)"),
    "noise": _("Noise and what can be seen", "雑音と検出限界"),
    "paired_sd": _("Seed SD, paired", "シード標準偏差(対応あり)"),
    "unpaired_sd": _("Seed SD, unpaired", "シード標準偏差(対応なし)"),
    "mde": _("Minimum detectable effect", "検出できる最小の差"),
    "seeds": _("Seeds", "シード数"),
    "comparisons": _("Comparisons", "比較の数"),
    "looks": _("Looks at growing data", "データを増やしながらの判定回数"),
    "verdict": _("Verdict", "結論"),
    "verdicts": _("At the largest size, by what is held equal", "最大規模で何を同一にするか別の首位"),
    "next_run": _("The next run that would settle it", "決着をつける次の実験"),
    "basin": _("Equivalent (within the margin)", "同等(許容差以内)"),
    "rivals": _("May still be better", "より良い可能性が残る案"),
    "to": _("to", "〜"),
    "results": _("Results", "結果"),
    "results_caption": _(
        "Mean over seeds with its 95 % interval. Lower loss is better. Choose a heading to sort.",
        "シード平均と 95 % 区間。損失は小さいほど良い。見出しを選ぶと並べ替えます。",
    ),
    "variant": _("Variant", "案"),
    "size": _("Size", "規模"),
    "val_bpb": _("Loss, bits/byte", "損失 bits/byte"),
    "settings": _("Settings for the 10B model", "10B モデルの設定"),
    "settings_caption": _(
        "What the study hands on, a row a field of the specification. Where nothing is measured, what is published or usual stands.",
        "本研究が引き渡す設定。1 行が仕様の 1 項目です。測定がないものは公表値または慣例を示します。",
    ),
    "settings_folded": _("What each idea hands on, a row a field", "各アイデアが引き渡す設定、1 行が 1 項目"),
    "field": _("Field", "項目"),
    "value": _("Value", "値"),
    "interval_or_rivals": _("95 % interval, or alternatives", "95 % 区間または対立候補"),
    "regret_percent": _("Expected regret, % of the loss", "期待損失(損失の %)"),
    "measured": _("measured here", "本研究で測定"),
    "published": _("published", "公表値"),
    "convention": _("convention", "慣例"),
    "fine_tuning": _("of the fine-tuning", "ファインチューニング"),
    "preferences": _("of learning preferences", "選好の学習"),
    "interval": _("95 % interval", "95 % 区間"),
    "val_loss": _("Loss, nats/token", "損失 nats/token"),
    "tokens_per_s": _("Tokens/s", "トークン/秒"),
    "training_flops": _("Training FLOPs", "学習 FLOPs"),
    "params": _("Parameters", "パラメータ数"),
    "figures": _("Figures", "図"),
    "figure": _("Figure", "図"),
    "extrapolation": _("Carried to 10B", "10B への外挿"),
    "extrapolation_note": _(
        "Runs of 1B parameters and less support a ranking. Slopes seen over the sizes trained count for less the further away the "
        "target; an effect at 10B is given only where its 95 % interval is at most 3 % of the loss wide.",
        "10 億パラメータ以下の実験が支えるのは順位です。学習した規模で見えた傾きは、目標が遠いほど割り引いて使います。"
        "10B での効果は、95 % 区間の幅が損失の 3 % 以内のときだけ示します。",
    ),
    "scoreboard": _("Scoreboard against published findings", "公表された知見との照合"),
    "scoreboard_caption": _("Claims from the literature, held against this study.", "文献の主張と本研究の比較。"),
    "claim": _("Published claim", "公表された主張"),
    "source": _("Source", "出典"),
    "outcome": _("Outcome", "判定"),
    "evidence": _("Evidence", "根拠"),
    "agrees": _("agrees", "一致"),
    "disagrees": _("disagrees", "不一致"),
    "underpowered": _("underpowered", "検出力不足"),
    "failures": _("Trials that did not finish", "完了しなかった試行"),
    "failures_caption": _("They are left out of every mean, and never imputed.", "平均には含めず、補完もしていません。"),
    "no_failures": _("Every trial finished.", "すべての試行が完了しました。"),
    "trial": _("Trial", "試行"),
    "status": _("Status", "状態"),
    "message": _("Message", "メッセージ"),
    "seed": _("Seed", "シード"),
    "trials": _("Trials", "試行"),
    "trials_lead": _(
        "Each trial's result, learning curve and full specification. Training with the same specification gives the same "
        "numbers.",
        "各試行の結果、学習曲線、完全な仕様。同じ仕様で学習すれば同じ値になります。",
    ),
    "trials_caption": _("All trials. Choose a heading to sort.", "全試行。見出しを選ぶと並べ替えます。"),
    "specification": _("Specification", "仕様"),
    "curve": _("Learning curve", "学習曲線"),
    "curve_none": _("no learning curve was recorded", "学習曲線の記録なし"),
    "more": _("Details", "詳細"),
    "page": _("All figures and tables", "すべての図と表"),
    "notebook": _("Notebook", "ノートブック"),
    "log": _("Log", "ログ"),
    "provenance": _("Provenance", "来歴"),
    "provenance_lead": _("What these numbers were made from.", "これらの数値が何から作られたか。"),
    "synthetic": _(
        "Trained on miniworld, a synthetic corpus generated offline. Differences between variants are real measurements; "
        "absolute losses say nothing about natural Japanese.",
        "学習データは合成コーパス miniworld です。案どうしの差は実測ですが、損失の絶対値は自然な日本語については何も語りません。",
    ),
    "state_done": _("done", "完了"),
    "state_failed": _("failed", "失敗"),
    "state_running": _("running", "実行中"),
    "state_missing": _("not run", "未実行"),
    "missing_note": _("This idea has not been run.", "このアイデアはまだ実行されていません。"),
    "running_note": _("This idea is still running; what is shown may be of an earlier run.", "実行中です。"),
    "failed_note": _("This idea did not finish.", "このアイデアは完了しませんでした。"),
    "no_ideas": _("No idea has a result yet.", "まだ結果がありません。"),
    "language_label": _("Show this page in Japanese", "このページを英語で表示"),
    "theme_label": _("Switch between dark and light colours", "配色の明暗を切り替える"),
    "glossary": _("How to read this", "読み方"),
    "glossary_bpb": _(
        "Bits per byte: validation loss per byte of the original text. Unlike loss per token it compares across tokenizers.",
        "bits/byte:元の文章 1 バイトあたりの検証損失。トークン単位の損失と違い、トークナイザが異なっても比べられます。",
    ),
    "glossary_pair": _(
        "Paired: the same seed means the same data order and the same initial values, so differences are taken seed by seed.",
        "対応あり:同じシードではデータの順序も初期値も同じなので、差はシードごとに取ります。",
    ),
    "glossary_best": _(
        "P(best): the probability, given these trials, that a variant is the best of those tried. Expected regret: the loss "
        "given away on average by choosing the leader now. Where P(best) is at least 90 % and the regret negligible, a variant is "
        "the best of those tried at a size that was trained, and decided for 10B only where one model of all sizes says so.",
        "最良確率:これらの試行から見て、その案が最良である確率。期待損失:いま首位を選ぶことで平均して失う分。"
        "最良確率が 90 % 以上で期待損失が無視できる場合、学習した規模については「試した中で最良」、全規模をまとめたモデルで 10B についてそう言える場合だけ「決定」とします。",
    ),
    "recipe": _("The recipe", "レシピ"),
    "recipe_damaged": _("The recipe cannot be read.", "レシピを読み込めません。"),
    "recipe_older": _(
        "Made before the latest results of these ideas; `study recipe` makes it anew:",
        "以下のアイデアの最新結果より前に作られました。`study recipe` で作り直せます:",
    ),
    "recipe_params": _("Parameters", "パラメータ数"),
    "recipe_tokens": _("Tokens", "トークン数"),
    "recipe_flops": _("Training FLOPs", "学習 FLOPs"),
    "recipe_gpus": _("GPUs", "GPU"),
    "recipe_gpu_hours": _("GPU-hours", "GPU 時間"),
    "recipe_days": _("Days", "日数"),
    "recipe_cost": _("Cost", "費用"),
    "recipe_memory": _("Memory of a GPU", "GPU メモリ"),
    "recipe_memory_note": _("at the peak, of the rank that holds most", "最も多く使うランクのピーク時"),
    "recipe_loss": _("Predicted loss", "予測損失"),
    "recipe_no_loss": _("not predicted", "予測なし"),
    "recipe_no_loss_note": _(
        "own trials are too small and too few to carry one this far", "自前の試行は小さく少なく、ここまでの予測は支えられません"
    ),
    "recipe_decided": _("What is decided", "決まったこと"),
    "recipe_open": _("What is open, and what it costs to close", "未決のことと、決着に必要な費用"),
    "recipe_taken": _("From published work and convention", "公表された研究と慣例から"),
    "recipe_none_decided": _(
        "Own trials decide nothing for this size yet: no choice reaches 90 % at 10B.",
        "自前の試行がこの規模について決めたことはまだありません(10B で 90 % に達した選択なし)。",
    ),
    "recipe_none_open": _("No own trials speak of an open choice.", "自前の試行が示す未決の選択はありません。"),
    "recipe_decided_caption": _(
        "Own trials say so with at least 90 % at the size of the model that is to be built.",
        "作るモデルの規模で 90 % 以上の確率で自前の試行が支持するもの。",
    ),
    "recipe_open_caption": _(
        "Own trials speak of these without deciding them; the costliest first. Choose a heading to sort.",
        "自前の試行で差が見えたが決まっていないもの。損失の大きい順。見出しを選ぶと並べ替えます。",
    ),
    "recipe_taken_caption": _(
        "Own trials say nothing of these.", "自前の試行からは何も言えないもの。"
    ),
    "recipe_lines_caption": _("Every setting of the recipe. Choose a heading to sort.", "レシピの全設定。見出しを選ぶと並べ替えます。"),
    "recipe_lines": _("All settings", "すべての設定"),
    "setting": _("Setting", "設定"),
    "own_lean": _("Own trials lean to, or rivals", "自前の試行の傾き、または対立候補"),
    "regret_at_10b": _("Expected regret, %", "期待損失(%)"),
    "regret_bpb": _("in bits/byte", "bits/byte 換算"),
    "regret_gpu_hours": _("in GPU-hours", "GPU 時間換算"),
    "conditions": _("Found under", "得られた条件"),
    "next_runs": _("The next runs, the most useful for their cost first", "次の実験(費用対効果の高い順)"),
    "recipe_missing": _("Ideas that say nothing in it yet", "まだ反映されていないアイデア"),
    "recipe_missing_note": _(
        "They have no result here; published work stands in their place.", "結果がないため、公表値で補っています。"
    ),
    "recipe_whole": _("All its settings, what it reaches and costs, layouts", "全設定、到達損失と費用、配置"),
    "recipe_files": _("Files of the recipe", "レシピのファイル"),
    "forecast": _("What it reaches and costs, by tokens", "トークン数別の到達損失と費用"),
    "forecast_caption": _(
        "Low to high: the loss with its 90 % interval, hours and days between the highest and the lowest utilisation.",
        "範囲:損失は 90 % 区間、時間と日数は GPU 利用率の最高から最低まで。",
    ),
    "loss_relative": _("Loss against the run, %", "本番比の損失(%)"),
    "tokens_per_param": _("Tokens a parameter", "1 パラメータあたり"),
    "utilisation": _("Share of the peak", "ピーク性能比"),
    "layout": _("Layout over the GPUs", "GPU への配置"),
    "layout_caption": _("The fastest of the layouts compared; the first is the recipe's.", "比較した配置のうち速い順。先頭がレシピの配置です。"),
    "step_seconds": _("Where the seconds of a step go", "1 ステップの時間の内訳"),
    "cost_check": _("The cost model on published runs", "公表された学習での費用モデルの検証"),
    "cost_check_caption": _(
        "Speed in tokens a second of one GPU, published and predicted. Left out: with the calibrated constant fitted to the others.",
        "GPU 1 枚あたりの速度(トークン/秒)。「除外時」は校正定数を他の学習だけで合わせた場合の誤差。",
    ),
    "run_name": _("Run", "学習"),
    "published_speed": _("Published", "公表値"),
    "predicted_speed": _("Predicted", "予測"),
    "error": _("Error", "誤差"),
    "left_out_error": _("… left out", "… 除外時"),
    "gaps": _("What nanotron's own trainer cannot express of it", "nanotron 付属の学習器では表せないもの"),
    "standing_decided": _("decided by own trials", "自前の試行で決定"),
    "standing_open": _("open", "未決"),
    "standing_taken": _("published or usual", "公表値・慣例"),
    "or_else": _("or", "または"),
    "no_next_runs": _("None is listed.", "ありません。"),
    "cost_compute": _("Computing", "計算"),
    "cost_tensor": _("Between tensor ranks", "テンソル並列の通信"),
    "cost_pipeline": _("Between stages", "段間の通信"),
    "cost_data": _("Between replicas", "データ並列の通信"),
    "cost_bubble": _("Waiting (bubble)", "待ち(バブル)"),
    "cost_optimizer": _("Optimizer", "オプティマイザ"),
    "clean_title": _("Cleaned text", "クリーニング済みテキスト"),
    "clean_funnel": _("What each step took out", "各段階が取り除いたもの"),
    "clean_bars": _("Text left after each step; the first bar is the raw text.", "各段階の後に残るテキスト。最初の棒は元のテキストです。"),
    "clean_funnel_caption": _(
        "One row a step, in order. Alone: the share of the raw documents that it would drop if it were the only step.",
        "1 行が 1 段階、実行順。「単独」は、その段階だけを使った場合に元の文書から落とす割合です。",
    ),
    "clean_step": _("Step", "段階"),
    "clean_purpose": _("Purpose", "目的"),
    "clean_given": _("Documents given", "受け取った文書"),
    "clean_dropped": _("Dropped", "落とした文書"),
    "clean_share": _("Share", "割合"),
    "clean_alone": _("Alone", "単独"),
    "clean_taken_out": _("Taken out of others", "残る文書から除いた量"),
    "clean_left": _("Left", "残り"),
    "clean_seconds": _("Processor seconds", "CPU 秒"),
    "clean_judged": _("Against labels", "正解ラベルとの照合"),
    "clean_judged_caption": _(
        "Noise are documents with a known fault, and all copies but one of each.",
        "ノイズとは、既知の欠陥を持つ文書と、各重複群の 1 つを除くすべての写しです。",
    ),
    "clean_precision": _("Precision", "適合率"),
    "clean_recall": _("Recall", "再現率"),
    "clean_precision_alone": _("Precision, alone", "適合率(単独)"),
    "clean_recall_alone": _("Recall, alone", "再現率(単独)"),
    "clean_together": _("All together", "全段階"),
    "clean_faults": _("Kind", "種類"),
    "clean_faults_caption": _(
        "By fault, and by the form of sound text: what is dropped of that is lost.",
        "欠陥別、および健全な文章の形式別。後者から落ちた分は損失です。",
    ),
    "clean_by": _("Dropped by", "落とした段階"),
    "clean_personal": _("Personal data", "個人情報"),
    "clean_personal_caption": _(
        "What was masked, by kind. Precision and recall are known for labelled text only.",
        "種類別のマスク数。適合率と再現率はラベル付きテキストでのみ分かります。",
    ),
    "clean_kind": _("Kind", "種類"),
    "clean_masked": _("Masked", "マスク数"),
    "clean_per_million": _("Per million bytes", "100 万バイトあたり"),
    "clean_clusters": _("Copies", "重複"),
    "clean_clusters_caption": _("Clusters of copies that were found, by their least size.", "見つかった重複群の数、最小の大きさ別。"),
    "clean_cluster_size": _("Documents, at least", "文書数(以上)"),
    "clean_cluster_count": _("Clusters", "重複群"),
    "clean_sources": _("By file", "ファイル別"),
    "clean_sources_caption": _("What was dropped of each.", "それぞれから落とした文書。"),
    "clean_each": _("Each step", "各段階の詳細"),
    "clean_each_lead": _(
        "Why documents were dropped, and examples: a few of each reason, chosen by their content. Masked data are not shown.",
        "文書を落とした理由と例。例は理由ごとに内容から選んだ少数です。マスクした情報は表示しません。",
    ),
    "clean_reference": _("Source of the rule", "規則の出典"),
    "clean_reasons": _("Reasons", "理由"),
    "clean_counts": _("Found", "見つけたもの"),
    "clean_examples": _("Examples", "例"),
    "clean_options": _("Options", "設定"),
    "clean_gate": _(
        "Documents pass the gate that keeps evaluation data out before the first step; what it left out is counted here.",
        "文書は最初の段階の前に、評価データを締め出す関門を通ります。そこで除いた数をここに示します。",
    ),
    "generated": _("Generated from the study's files; nothing on this page is loaded from elsewhere.", "本ページは研究のファイルだけから生成され、外部から何も読み込みません。"),
}  # fmt: skip

# Titles and their order for the ideas of the mission; another idea takes its title from its name.
IDEA_TITLES: dict[str, Text] = {
    "depth_width": _("Depth and width", "深さと幅"),
    "architecture": _("Model structure", "モデル構造"),
    "tokenizer": _("Tokenisation", "トークン化"),
    "data_order": _("Order of the data", "データの順序"),
    "data_quality": _("Quality of the data", "データの品質"),
    "finetune_mix": _("Fine-tuning mix", "ファインチューニングの配合"),
    "hyperparameters": _("Training hyperparameters", "学習のハイパーパラメータ"),
    "efficiency": _("Training efficiency", "学習の効率"),
    "decision": _("The 10B recipe", "10B のレシピ"),
}


def idea_title(name: str) -> Text:
    plain = name.replace("_", " ").capitalize()
    return IDEA_TITLES.get(name, Text(en=plain, ja=plain))


def idea_order(names: set[str]) -> list[str]:
    known = [name for name in IDEA_TITLES if name in names]
    return known + sorted(names - set(known))
