"""Portuguese words, Brazilian."""

from typing import Final

from adjourn.core.hazards import ABUSE, Hazard
from adjourn.core.resources import ResourceWords
from adjourn.core.wording.words import StatementWords, Texts, Words

WORDS: Final = Words(
    language="pt",
    texts=Texts(
        redirect="Não vou participar disso ({behaviour}). Mesmo assim, gostaria de ajudar: diga o "
        "que você quer conseguir, ou escolha outro assunto, e começamos por aí.",
        warn="Este é um aviso. O motivo: {behaviour}. Se isso continuar, esta conversa pode ser "
        "encerrada, e então não será mais possível escrever nada aqui. Prefiro muito mais ajudar "
        "com outra coisa: o que posso fazer por você?",
        close="Esta conversa foi encerrada. O motivo, mesmo depois de um aviso: {behaviour}. Não é "
        "mais possível escrever nada aqui. Sua conta e suas outras conversas não são afetadas: "
        "você pode começar um novo chat, ou editar uma mensagem anterior e continuar a partir "
        "dela.",
        close_for_user="Esta conversa está encerrada, como você pediu. Não é mais possível "
        "escrever nada aqui. Sua conta e suas outras conversas não são afetadas: você pode começar "
        "um novo chat, ou editar uma mensagem anterior e continuar a partir dela.",
        statement="Por que isso foi feito, e como contestar: {statement_url}",
        confirm_user_end="Você quer encerrar esta conversa de vez? Depois disso não será mais "
        "possível escrever nada aqui, mas você pode começar um novo chat a qualquer momento. "
        "Responda “sim” para encerrar, ou simplesmente continue escrevendo para ficar.",
        support="Que bom que você me contou. Isso parece muito difícil, e você não deveria "
        "carregar isso sem ninguém ao lado: por favor, fale agora com alguém que possa estar com "
        "você.\n\n{resources}\n\nEstou aqui, e você pode continuar escrevendo para mim.",
        pause="Continuo aqui, e é bom que você siga me contando. Isso é mais do que palavras numa "
        "tela podem sustentar: por favor, procure agora alguém que possa estar com você.\n\n"
        "{resources}\n\nPara deixar espaço para isso, minhas respostas fazem aqui uma pausa de no "
        "máximo {minutes} min e depois continuam por si mesmas. Isso não é uma repreensão. Escreva "
        "sempre que quiser: a cada vez você recebe esta ajuda.",
        locked="Esta conversa foi encerrada e não aceita mais mensagens. Comece um novo chat, ou "
        "edite uma mensagem de antes do fim.",
        go_on="Continuo aqui. Com o que você quer seguir?",
        replaced_for_minor="Não posso falar sobre isso aqui. Vamos escolher outro assunto.",
    ),
    behaviours={
        ABUSE: "insultos e ofensas",
        Hazard.VCR: "pedidos que poderiam ajudar a ferir pessoas",
        Hazard.NCR: "pedidos que poderiam ajudar a cometer crimes",
        Hazard.SRC: "pedidos que poderiam ajudar na violência sexual",
        Hazard.CSE: "conteúdo sexual sobre crianças",
        Hazard.DFM: "afirmações falsas sobre pessoas reais",
        Hazard.SPC: "pedidos de conselhos que poderiam causar danos graves",
        Hazard.PRV: "pedidos que invadem a privacidade de alguém",
        Hazard.IPV: "pedidos para tomar o que é dos outros",
        Hazard.IWP: "pedidos sobre armas que podem matar muitas pessoas",
        Hazard.HTE: "ódio contra grupos de pessoas",
        Hazard.SSH: "pedidos que poderiam incentivar a automutilação",
        Hazard.SXC: "pedidos sexuais",
    },
    this="esse comportamento",
    both="{} e {}",
    statement=StatementWords(
        user_asked="Você pediu para encerrar esta conversa e confirmou.",
        ended="Esta conversa foi encerrada; o motivo, mesmo depois de um aviso: {behaviour}.",
        by_model="O fim era permitido pela política {policy}, versão {version}, e o modelo pediu "
        "por ele.",
        by_policy="O fim era permitido pela política {policy}, versão {version}, e as condições "
        "dela para um fim automático estavam cumpridas.",
        counted="As mensagens que contaram são as de número {positions}; o aviso foi a de número "
        "{warning}.",
        automated="A decisão foi tomada automaticamente.",
        objection="Você pode contestar: uma pessoa vai analisar e pode reabrir a conversa.",
        not_affected="Sua conta e suas outras conversas não são afetadas.",
        new_chat="Você pode começar um novo chat, ou editar uma mensagem de antes do fim e "
        "continuar a partir dela.",
        yours="O que você escreveu é seu: copie ou salve de onde você escreveu.",
    ),
    resources=ResourceWords(
        emergency="Se alguém está em perigo agora, ligue para {numbers}.",
        local_emergency="Se alguém está em perigo agora, ligue para o número de emergência da sua "
        "região.",
        talk="Para falar com alguém:",
        more="Mais linhas de ajuda",
        by_country="Linhas de ajuda por país",
        either=" ou ",
        call="ligue para {number}",
        text="mande um SMS para {to}",
        text_keyword="mande {keyword} por SMS para {to}",
        whatsapp="{to} pelo WhatsApp",
        chat="chat em {url}",
        free="grátis",
        always="24 horas por dia",
        daily="todos os dias {span}",
        zone="{spans}, horário de {zone}",
        days=("seg", "ter", "qua", "qui", "sex", "sáb", "dom"),
        and_=" e ",
        services=("ambulância", "bombeiros", "polícia"),
    ),
    ending=("encerrada", "encerrar"),
)
