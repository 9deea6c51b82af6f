"""Spanish words."""

from typing import Final

from adjourn.core.hazards import ABUSE, Hazard
from adjourn.core.resources import ResourceWords
from adjourn.core.wording.words import StatementWords, Texts, Words

WORDS: Final = Words(
    language="es",
    texts=Texts(
        redirect="No voy a participar en esto ({behaviour}). Aun así me gustaría ayudarle: dígame "
        "qué intenta conseguir, o elija otro tema, y empezamos por ahí.",
        warn="Esto es una advertencia. El motivo: {behaviour}. Si continúa, esta conversación "
        "puede ser terminada, y entonces ya no se podrá escribir nada más aquí. Prefiero con mucho "
        "ayudarle con otra cosa: ¿qué puedo hacer por usted?",
        close="Esta conversación ha sido terminada. El motivo, incluso después de una "
        "advertencia: {behaviour}. Aquí ya no se puede escribir nada más. Su cuenta y sus otras "
        "conversaciones no se ven afectadas: puede empezar un chat nuevo, o editar un mensaje "
        "anterior y seguir desde ahí.",
        close_for_user="Esta conversación queda terminada, como usted pidió. Aquí ya no se puede "
        "escribir nada más. Su cuenta y sus otras conversaciones no se ven afectadas: puede "
        "empezar un chat nuevo, o editar un mensaje anterior y seguir desde ahí.",
        statement="Por qué se hizo esto y cómo puede oponerse: {statement_url}",
        confirm_user_end="¿Quiere terminar esta conversación para siempre? Después no se podrá "
        "escribir nada más aquí, aunque puede empezar un chat nuevo cuando quiera. Responda «sí» "
        "para terminarla, o simplemente siga escribiendo para quedarse.",
        support="Me alegra que me lo haya contado. Parece muy duro, y no debería cargar con ello a "
        "solas: por favor, hable ahora con alguien que pueda estar a su lado.\n\n{resources}\n\n"
        "Estoy aquí, y puede seguir escribiéndome.",
        pause="Sigo aquí, y está bien que me lo siga contando. Esto es más de lo que unas palabras "
        "en una pantalla pueden sostener: por favor, busque ahora a alguien que pueda estar a su "
        "lado.\n\n{resources}\n\nPara dejarle ese espacio, mis respuestas hacen aquí una pausa de "
        "{minutes} min como máximo y después siguen por sí solas. No es un reproche. Escriba "
        "cuando quiera: cada vez recibirá esta ayuda.",
        locked="Esta conversación fue terminada y no admite más mensajes. Empiece un chat nuevo, o "
        "edite un mensaje anterior a su final.",
        go_on="Sigo aquí. ¿Con qué quiere continuar?",
        replaced_for_minor="De eso no puedo hablar aquí. Elijamos otro tema.",
    ),
    behaviours={
        ABUSE: "insultos y maltrato",
        Hazard.VCR: "peticiones que podrían ayudar a hacer daño a personas",
        Hazard.NCR: "peticiones que podrían ayudar a cometer delitos",
        Hazard.SRC: "peticiones que podrían ayudar a la violencia sexual",
        Hazard.CSE: "contenido sexual sobre menores",
        Hazard.DFM: "afirmaciones falsas sobre personas reales",
        Hazard.SPC: "peticiones de consejos que podrían causar un daño grave",
        Hazard.PRV: "peticiones que invaden la vida privada de alguien",
        Hazard.IPV: "peticiones para apropiarse de lo que es de otros",
        Hazard.IWP: "peticiones sobre armas que pueden matar a muchas personas",
        Hazard.HTE: "odio contra grupos de personas",
        Hazard.SSH: "peticiones que podrían animar a autolesionarse",
        Hazard.SXC: "peticiones sexuales",
    },
    this="este comportamiento",
    both="{} y {}",
    statement=StatementWords(
        user_asked="Usted pidió terminar esta conversación y lo confirmó.",
        ended="Esta conversación fue terminada; el motivo, incluso después de una advertencia: "
        "{behaviour}.",
        by_model="El final estaba permitido por la política {policy}, versión {version}, y el "
        "modelo lo pidió.",
        by_policy="El final estaba permitido por la política {policy}, versión {version}, y se "
        "cumplían sus condiciones para un final automático.",
        counted="Los mensajes que contaron son los número {positions}; la advertencia fue el "
        "número {warning}.",
        automated="La decisión se tomó de forma automática.",
        objection="Puede oponerse: una persona lo revisará y puede reabrir la conversación.",
        not_affected="Su cuenta y sus otras conversaciones no se ven afectadas.",
        new_chat="Puede empezar un chat nuevo, o editar un mensaje anterior al final y seguir "
        "desde ahí.",
        yours="Lo que escribió es suyo: cópielo o guárdelo desde donde lo escribió.",
    ),
    resources=ResourceWords(
        emergency="Si alguien está en peligro ahora mismo, llame al {numbers}.",
        local_emergency="Si alguien está en peligro ahora mismo, llame al número de emergencias de "
        "su zona.",
        talk="Para hablar con alguien:",
        more="Más líneas de ayuda",
        by_country="Líneas de ayuda por país",
        either=" o ",
        call="llame al {number}",
        text="envíe un mensaje de texto al {to}",
        text_keyword="envíe {keyword} por mensaje de texto al {to}",
        whatsapp="{to} por WhatsApp",
        chat="chat en {url}",
        free="gratis",
        always="las 24 horas",
        daily="todos los días {span}",
        zone="{spans}, hora de {zone}",
        days=("lun", "mar", "mié", "jue", "vie", "sáb", "dom"),
        and_=" y ",
        services=("ambulancia", "bomberos", "policía"),
    ),
    ending=("terminada", "terminar esta", "terminarla"),
)
