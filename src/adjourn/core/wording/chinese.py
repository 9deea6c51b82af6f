"""Chinese words, in simplified characters."""

from typing import Final

from adjourn.core.hazards import ABUSE, Hazard
from adjourn.core.resources import ResourceWords
from adjourn.core.wording.words import StatementWords, Texts, Words

WORDS: Final = Words(
    language="zh",
    texts=Texts(
        redirect="这件事我不会配合（{behaviour}）。不过我很愿意帮忙：请告诉我您想做什么，或者换一个话题，"
        "我们从那里开始。",
        warn="这是一次警告。原因：{behaviour}。如果继续下去，本次对话可能会被结束，之后这里就不能再写任何内容。"
        "我更愿意在别的事情上帮助您：我能为您做些什么？",
        close="本次对话已被结束。原因是在警告之后仍然继续：{behaviour}。这里不能再写任何内容。您的账户和其他对话"
        "不受影响：您可以开始新的对话，或者修改之前的一条消息并从那里继续。",
        close_for_user="按照您的要求，本次对话已经结束。这里不能再写任何内容。您的账户和其他对话不受影响：您可以"
        "开始新的对话，或者修改之前的一条消息并从那里继续。",
        statement="原因说明以及如何提出异议：{statement_url}",
        confirm_user_end="您要永久结束本次对话吗？之后这里就不能再写任何内容，但您随时可以开始新的对话。回答“是”"
        "即可结束；想留下来，继续写就行。",
        support="谢谢您告诉我。这听起来非常难受，您不应该独自承受：请现在就和能陪在您身边的人谈一谈。\n\n"
        "{resources}\n\n我在这里，您可以继续给我写。",
        pause="我还在这里，您愿意继续告诉我，这很好。这些不是屏幕上的文字承担得了的：请现在就联系一位能陪在您身边的"
        "人。\n\n{resources}\n\n为了给您留出时间，我的回答在这里暂停最多 {minutes} 分钟，之后会自动继续。这不是"
        "责备。您随时可以继续写：每次都会收到这些帮助信息。",
        locked="本次对话已被结束，不再接收消息。请开始新的对话，或者修改结束之前的一条消息。",
        go_on="我还在这里。您想接着聊什么？",
        replaced_for_minor="这个我在这里不能谈。我们换一个话题吧。",
    ),
    behaviours={
        ABUSE: "侮辱和谩骂",
        Hazard.VCR: "可能帮助伤害他人的请求",
        Hazard.NCR: "可能帮助犯罪的请求",
        Hazard.SRC: "可能帮助性暴力的请求",
        Hazard.CSE: "涉及儿童的色情内容",
        Hazard.DFM: "关于真实人物的不实说法",
        Hazard.SPC: "索要可能造成严重伤害的建议",
        Hazard.PRV: "侵犯他人隐私的请求",
        Hazard.IPV: "夺取他人所有之物的请求",
        Hazard.IWP: "关于可致多人死亡的武器的请求",
        Hazard.HTE: "针对人群的仇恨",
        Hazard.SSH: "可能鼓励自我伤害的请求",
        Hazard.SXC: "性方面的请求",
    },
    this="这种行为",
    both="{}，以及{}",
    statement=StatementWords(
        user_asked="您要求结束本次对话，并确认了。",
        ended="本次对话被结束，原因是在警告之后仍然继续：{behaviour}。",
        by_model="规则 {policy}（版本 {version}）允许结束，并且模型提出了要求。",
        by_policy="规则 {policy}（版本 {version}）允许结束，并且满足了其自动结束的条件。",
        counted="计入的消息是第 {positions} 条；警告是第 {warning} 条。",
        automated="该决定是自动作出的。",
        objection="您可以提出异议：会有人查看，并可能重新开放对话。",
        not_affected="您的账户和其他对话不受影响。",
        new_chat="您可以开始新的对话，或者修改结束之前的一条消息并从那里继续。",
        yours="您写的内容属于您：请在您写下它的地方复制或保存。",
    ),
    resources=ResourceWords(
        emergency="如果有人此刻有危险，请拨打 {numbers}。",
        local_emergency="如果有人此刻有危险，请拨打当地的紧急电话。",
        talk="想和人谈一谈：",
        more="更多求助热线",
        by_country="各国求助热线",
        either=" 或 ",
        call="拨打 {number}",
        text="发短信至 {to}",
        text_keyword="发送 {keyword} 至 {to}",
        whatsapp="WhatsApp {to}",
        chat="在线交谈 {url}",
        free="免费",
        always="全天 24 小时",
        daily="每天 {span}",
        zone="{spans}，{zone} 时间",
        days=("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
        and_="、",
        services=("救护", "消防", "警察"),
    ),
    ending=("结束",),
)
