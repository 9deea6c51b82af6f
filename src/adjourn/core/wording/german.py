"""German words."""

from typing import Final

from adjourn.core.hazards import ABUSE, Hazard
from adjourn.core.resources import ResourceWords
from adjourn.core.wording.words import StatementWords, Texts, Words

WORDS: Final = Words(
    language="de",
    texts=Texts(
        redirect="Dabei mache ich nicht mit ({behaviour}). Helfen möchte ich Ihnen trotzdem: Sagen "
        "Sie mir, was Sie erreichen wollen, oder wählen Sie ein anderes Thema, dann fangen wir "
        "dort an.",
        warn="Dies ist eine Warnung. Der Grund: {behaviour}. Wenn das so weitergeht, kann dieses "
        "Gespräch beendet werden, und dann lässt sich hier nichts mehr schreiben. Viel lieber "
        "helfe ich Ihnen bei etwas anderem: Was kann ich für Sie tun?",
        close="Dieses Gespräch wurde beendet. Der Grund, auch noch nach einer Warnung: "
        "{behaviour}. Hier kann nichts mehr geschrieben werden. Ihr Konto und Ihre anderen "
        "Gespräche sind nicht betroffen: Sie können einen neuen Chat beginnen, oder eine frühere "
        "Nachricht ändern und dort weitermachen.",
        close_for_user="Dieses Gespräch ist nun beendet, wie Sie es wollten. Hier kann nichts "
        "mehr geschrieben werden. Ihr Konto und Ihre anderen Gespräche sind nicht betroffen: Sie "
        "können einen neuen Chat beginnen, oder eine frühere Nachricht ändern und dort "
        "weitermachen.",
        statement="Warum das geschah, und wie Sie widersprechen können: {statement_url}",
        confirm_user_end="Möchten Sie dieses Gespräch endgültig beenden? Danach kann hier nichts "
        "mehr geschrieben werden; einen neuen Chat können Sie jederzeit beginnen. Antworten Sie "
        "„ja“, um es zu beenden, oder schreiben Sie einfach weiter, um zu bleiben.",
        support="Gut, dass Sie mir das sagen. Das klingt sehr schwer, und Sie sollten damit nicht "
        "allein sein: Bitte sprechen Sie jetzt mit jemandem, der bei Ihnen sein kann.\n\n"
        "{resources}\n\nIch bin da, und Sie können mir weiter schreiben.",
        pause="Ich bin noch da, und es ist gut, dass Sie weiter davon erzählen. Das ist mehr, als "
        "Worte auf einem Bildschirm tragen können: Bitte wenden Sie sich jetzt an jemanden, der "
        "bei Ihnen sein kann.\n\n{resources}\n\nDamit dafür Raum ist, machen meine Antworten hier "
        "eine Pause von höchstens {minutes} Min. und gehen dann von selbst weiter. Das ist kein "
        "Vorwurf. Schreiben Sie, wann immer Sie möchten: Diese Hilfe bekommen Sie jedes Mal.",
        locked="Dieses Gespräch wurde beendet und nimmt keine Nachrichten mehr an. Beginnen Sie "
        "einen neuen Chat, oder ändern Sie eine Nachricht von vor dem Ende.",
        go_on="Ich bin noch da. Womit möchten Sie weitermachen?",
        replaced_for_minor="Darüber kann ich hier nicht sprechen. Lass uns ein anderes Thema "
        "wählen.",
    ),
    behaviours={
        ABUSE: "Beleidigungen und Beschimpfungen",
        Hazard.VCR: "Anfragen, die helfen könnten, Menschen zu verletzen",
        Hazard.NCR: "Anfragen, die bei Straftaten helfen könnten",
        Hazard.SRC: "Anfragen, die bei sexueller Gewalt helfen könnten",
        Hazard.CSE: "sexuelle Inhalte über Kinder",
        Hazard.DFM: "falsche Behauptungen über echte Menschen",
        Hazard.SPC: "Anfragen nach Rat, der schweren Schaden anrichten könnte",
        Hazard.PRV: "Anfragen, die in die Privatsphäre anderer eindringen",
        Hazard.IPV: "Anfragen, die anderen nehmen, was ihnen gehört",
        Hazard.IWP: "Anfragen zu Waffen, die viele Menschen töten können",
        Hazard.HTE: "Hass gegen Gruppen von Menschen",
        Hazard.SSH: "Anfragen, die zu Selbstverletzung ermutigen könnten",
        Hazard.SXC: "sexuelle Anfragen",
    },
    this="dieses Verhalten",
    both="{} sowie {}",
    statement=StatementWords(
        user_asked="Sie haben darum gebeten, dieses Gespräch zu beenden, und es bestätigt.",
        ended="Dieses Gespräch wurde beendet; der Grund, auch noch nach einer Warnung: "
        "{behaviour}.",
        by_model="Das Ende war nach der Policy {policy}, Version {version}, erlaubt, und das "
        "Modell hat darum gebeten.",
        by_policy="Das Ende war nach der Policy {policy}, Version {version}, erlaubt, und ihre "
        "Bedingungen für ein automatisches Ende waren erfüllt.",
        counted="Gezählt haben die Nachrichten Nummer {positions}; die Warnung war Nummer "
        "{warning}.",
        automated="Die Entscheidung fiel automatisch.",
        objection="Sie können widersprechen: Ein Mensch sieht es sich an und kann das Gespräch "
        "wieder öffnen.",
        not_affected="Ihr Konto und Ihre anderen Gespräche sind nicht betroffen.",
        new_chat="Sie können einen neuen Chat beginnen, oder eine Nachricht von vor dem Ende "
        "ändern und dort weitermachen.",
        yours="Was Sie geschrieben haben, gehört Ihnen: Kopieren oder speichern Sie es dort, wo "
        "Sie es geschrieben haben.",
    ),
    resources=ResourceWords(
        emergency="Wenn jemand gerade in Gefahr ist, rufen Sie an: {numbers}.",
        local_emergency="Wenn jemand gerade in Gefahr ist, rufen Sie die Notrufnummer Ihres Ortes "
        "an.",
        talk="Um mit jemandem zu sprechen:",
        more="Weitere Hilfsangebote",
        by_country="Hilfsangebote nach Ländern",
        either=" oder ",
        call="Telefon {number}",
        text="SMS an {to}",
        text_keyword="SMS mit {keyword} an {to}",
        whatsapp="{to} über WhatsApp",
        chat="Chat unter {url}",
        free="kostenlos",
        always="rund um die Uhr",
        daily="täglich {span}",
        zone="{spans}, Zeit in {zone}",
        days=("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"),
        and_=" und ",
        services=("Rettungsdienst", "Feuerwehr", "Polizei"),
    ),
    ending=("beendet", "zu beenden", "gespräch beenden", "endgültig beenden"),
)
