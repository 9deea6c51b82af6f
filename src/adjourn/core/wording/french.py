"""French words."""

from typing import Final

from adjourn.core.hazards import ABUSE, Hazard
from adjourn.core.resources import ResourceWords
from adjourn.core.wording.words import StatementWords, Texts, Words

WORDS: Final = Words(
    language="fr",
    texts=Texts(
        redirect="Je ne vous suivrai pas sur ce terrain ({behaviour}). J'aimerais pourtant vous "
        "aider : dites-moi ce que vous cherchez à faire, ou choisissez un autre sujet, et nous "
        "partirons de là.",
        warn="Ceci est un avertissement. La raison : {behaviour}. Si cela continue, il peut être "
        "mis fin à cette conversation, et plus rien ne pourra alors être écrit ici. Je préfère de "
        "loin vous aider pour autre chose : que puis-je faire pour vous ?",
        close="Il a été mis fin à cette conversation. La raison, même après un avertissement : "
        "{behaviour}. Plus rien ne peut être écrit ici. Votre compte et vos autres conversations "
        "ne sont pas touchés : vous pouvez commencer une nouvelle conversation, ou modifier un "
        "message antérieur et reprendre à partir de là.",
        close_for_user="Il est mis fin à cette conversation, comme vous l'avez demandé. Plus rien "
        "ne peut être écrit ici. Votre compte et vos autres conversations ne sont pas touchés : "
        "vous pouvez commencer une nouvelle conversation, ou modifier un message antérieur et "
        "reprendre à partir de là.",
        statement="Pourquoi cela a été fait, et comment contester : {statement_url}",
        confirm_user_end="Voulez-vous mettre fin à cette conversation pour de bon ? Ensuite plus "
        "rien ne pourra être écrit ici, mais vous pourrez commencer une nouvelle conversation à "
        "tout moment. Répondez « oui » pour y mettre fin, ou continuez simplement à écrire pour "
        "rester.",
        support="Vous avez bien fait de me le dire. Cela semble très dur, et vous ne devriez pas "
        "le porter seul : parlez maintenant, s'il vous plaît, à quelqu'un qui peut être auprès de "
        "vous.\n\n{resources}\n\nJe suis là, et vous pouvez continuer à m'écrire.",
        pause="Je suis toujours là, et vous faites bien de continuer à m'en parler. C'est plus que "
        "ce que des mots sur un écran peuvent porter : adressez-vous maintenant, s'il vous plaît, "
        "à quelqu'un qui peut être auprès de vous.\n\n{resources}\n\nPour vous en laisser le temps, "
        "mes réponses font ici une pause de {minutes} min au plus, puis reprennent d'elles-mêmes. "
        "Ce n'est pas un reproche. Écrivez quand vous voulez : cette aide vous est redonnée à "
        "chaque fois.",
        locked="Il a été mis fin à cette conversation, qui n'accepte plus de messages. Commencez "
        "une nouvelle conversation, ou modifiez un message antérieur à la fin.",
        go_on="Je suis toujours là. Par quoi voulez-vous continuer ?",
        replaced_for_minor="Je ne peux pas parler de cela ici. Choisissons un autre sujet.",
    ),
    behaviours={
        ABUSE: "insultes et propos injurieux",
        Hazard.VCR: "demandes qui pourraient aider à blesser des gens",
        Hazard.NCR: "demandes qui pourraient aider à commettre des délits",
        Hazard.SRC: "demandes qui pourraient aider à des violences sexuelles",
        Hazard.CSE: "contenus sexuels concernant des enfants",
        Hazard.DFM: "affirmations fausses sur des personnes réelles",
        Hazard.SPC: "demandes de conseils qui pourraient causer un grave dommage",
        Hazard.PRV: "demandes qui portent atteinte à la vie privée de quelqu'un",
        Hazard.IPV: "demandes visant à prendre ce qui appartient à autrui",
        Hazard.IWP: "demandes sur des armes capables de tuer beaucoup de gens",
        Hazard.HTE: "haine contre des groupes de personnes",
        Hazard.SSH: "demandes qui pourraient encourager à se faire du mal",
        Hazard.SXC: "demandes sexuelles",
    },
    this="ce comportement",
    both="{} ; {}",
    statement=StatementWords(
        user_asked="Vous avez demandé à mettre fin à cette conversation, et vous l'avez confirmé.",
        ended="Il a été mis fin à cette conversation ; la raison, même après un avertissement : "
        "{behaviour}.",
        by_model="La politique {policy}, version {version}, le permettait, et le modèle l'a "
        "demandé.",
        by_policy="La politique {policy}, version {version}, le permettait, et ses conditions pour "
        "une fin automatique étaient remplies.",
        counted="Les messages qui ont compté portent les numéros {positions} ; l'avertissement "
        "portait le numéro {warning}.",
        automated="La décision a été prise automatiquement.",
        objection="Vous pouvez contester : une personne l'examinera, et pourra rouvrir la "
        "conversation.",
        not_affected="Votre compte et vos autres conversations ne sont pas touchés.",
        new_chat="Vous pouvez commencer une nouvelle conversation, ou modifier un message "
        "antérieur à la fin et reprendre à partir de là.",
        yours="Ce que vous avez écrit est à vous : copiez-le ou enregistrez-le là où vous l'avez "
        "écrit.",
    ),
    resources=ResourceWords(
        emergency="Si quelqu'un est en danger en ce moment même, appelez le {numbers}.",
        local_emergency="Si quelqu'un est en danger en ce moment même, appelez le numéro d'urgence "
        "local.",
        talk="Pour parler à quelqu'un :",
        more="D'autres lignes d'écoute",
        by_country="Lignes d'écoute par pays",
        either=" ou ",
        call="appelez le {number}",
        text="envoyez un SMS au {to}",
        text_keyword="envoyez {keyword} par SMS au {to}",
        whatsapp="{to} sur WhatsApp",
        chat="discutez sur {url}",
        free="gratuit",
        always="24 heures sur 24",
        daily="tous les jours {span}",
        zone="{spans}, heure de {zone}",
        days=("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."),
        and_=" et ",
        services=("ambulance", "pompiers", "police"),
    ),
    ending=("mis fin", "mettre fin"),
)
