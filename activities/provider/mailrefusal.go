package provider

import (
	"regexp"
	"slices"
	"strings"
)

// MailRefusal tells in which language (BCP 47) a mail asks that no more of them come, or that its writer be removed. It is given what
// is new in the mail, and looks at each paragraph as Refusal looks at a text, since mail has greetings and names around it. It is "" when
// the mail does not ask.
func MailRefusal(text string) (language string) {
	known := slices.Concat(requests, mailRequests)
	text = strings.ReplaceAll(strings.TrimSpace(text), "\r\n", "\n")
	for _, paragraph := range paragraphs.Split(text, -1) {
		for _, messages := range []string{"messages", "nachrichten", "mensajes", "berichten"} { // as a text would call them
			if language := refusal(asText(plain(paragraph), messages), known); language != "" {
				return language
			}
		}
	}
	return ""
}

var paragraphs = regexp.MustCompile(`\n\s*\n`)

// asText writes a request about mail as if it were about text messages.
func asText(paragraph, messages string) string {
	for _, r := range mailWords {
		paragraph = r.words.ReplaceAllString(paragraph, r.text)
	}
	return anyMail.ReplaceAllString(paragraph, messages)
}

// What is said of mail, and what would be said of texts. It is about words that plain has gone over.
//
//nolint:gochecknoglobals,misspell // constants, compiled once; not all of it is English
var (
	mailWords = []struct {
		words *regexp.Regexp
		text  string
	}{
		{regexp.MustCompile(`\b(?:e ?mail(?:ing)?|mailing|distribution|contact|candidate|applicant|talent) (list|lists|database|system|records)\b`), "$1"},
		{regexp.MustCompile(`\btalent (?:pool|community|network)\b`), "list"},
		{regexp.MustCompile(`\bmy (?:e ?mail|mail)(?: address)?\b`), "my number"},
		{regexp.MustCompile(`\bmeine (?:e ?mail|mail)(?: ?adresse)?\b`), "meine nummer"},
		{regexp.MustCompile(`\bmon (?:adresse(?: e ?mail| mail)?|e ?mail|mail)\b`), "mon numero"},
		{regexp.MustCompile(`\bmi (?:correo(?: electronico)?|direccion(?: de correo)?|e ?mail)\b`), "mi numero"},
		{regexp.MustCompile(`\bmijn (?:e ?mail(?: ?adres)?|mail(?: ?adres)?)\b`), "mijn nummer"},
		{regexp.MustCompile(`\be ?mailing me\b`), "messaging me"},
		{regexp.MustCompile(`\b(not|dont|never|longer) e ?mail me\b`), "$1 message me"},
		{regexp.MustCompile(`\bmail(?:t|en)? (?:mij|me) niet\b`), "app mij niet"},
		{regexp.MustCompile(`\b(?:mailt|mailen)(?: sie)? mir nicht\b`), "schreibt mir nicht"},
	}
	anyMail = regexp.MustCompile(`\b(?:e ?mails?|mails?|newsletters?|correos(?: electronicos)?|courriels?|correspondence|e ?mailen|mailtjes|mailen)\b`)
)

// mailRequests are requests that people make by mail rather than in a text.
//
//nolint:gochecknoglobals,misspell // constants, compiled once; not all of it is English
var mailRequests = []wording{
	{"en", whole(
		`(?:(?:can|could|would|will) you |id like you to |i want you to |i would like you to |i ask you to )?(?:remove|take|delete|erase|drop|unsubscribe) (?:me|my (?:number|name|details|data|profile|account|information|personal data|cv|resume)(?: (?:and|or) (?:number|name|details|data|profile))?)(?: (?:from|off|out of) (?:(?:all|any|of|your|the|this|these|further|future) )*(?:lists?|messages|database|databases|system|systems|records|communications?))?(?: at once)?`,
		`(?:i )?(?:no longer|do not|dont) (?:want|wish|care)(?: to)? (?:receive|get|hear|be (?:contacted|on your list|part of your list))(?: (?:any|these|your|such|further|more|future|all|about|of))*(?: ?(?:messages|communications?|opportunities|roles|jobs|vacancies|from you|by you|in future|again|any ?more|any longer))*`,
		`(?:i (?:want|wish|would like|need)|id like) to be (?:removed|taken off|deleted|unsubscribed)(?: (?:from|off))?(?: (?:your|the|this|all))*(?: (?:list|lists|messages|database|system|records))?`,
		`(?:i ask|i request|i am asking) (?:to be removed|that you (?:remove|delete) (?:me|my data|my details))(?: from (?:your|the|this) (?:list|database|system|records))?`,
		`(?:cease|stop) (?:all )?(?:further )?(?:communications?|contact)(?: with me)?`,
		`(?:do not|dont|never) (?:contact|write to|send) me(?: (?:any|these|more|further|anything|messages|again|any ?more|any longer|in future|else))*`,
		`count me out of (?:your|this|the) list`,
	)},
	{"de", whole(
		`(?:ich )?(?:mochte|will|wunsche)(?: ich)?(?: bitte)? (?:nicht mehr|nicht langer) (?:kontaktiert|angeschrieben|benachrichtigt) werden`,
		`(?:ich )?(?:mochte|will|wunsche)(?: ich)? (?:von (?:ihnen|euch) )?keine (?:weiteren )?(?:nachrichten|informationen|angebote)(?: mehr)?(?: von (?:ihnen|euch))?(?: (?:erhalten|bekommen))?`,
		`(?:losch|losche|loschen|loscht|entfern|entferne|entfernen|entfernt|streichen|nehmen|nehmt|tragen|tragt)(?: sie)? (?:mich|meine (?:nummer|daten|personenbezogenen daten|bewerbung|angaben))(?: (?:aus|von)(?: der| ihrer| eurer| dem| ihrem| eurem| allen)? ?(?:liste|listen|verteiler|verteilerliste|mailingliste|nachrichten|datenbank|system|talentpool|nachrichtenverteiler))?(?: raus| heraus| aus)?`,
		`(?:ich )?(?:mochte|will) (?:mich )?(?:abmelden|austragen|aus dem verteiler (?:entfernt|geloscht) werden|vom verteiler (?:entfernt|gestrichen) werden)`,
		`melden sie mich (?:bitte )?ab`,
	)},
	{"fr", whole(
		`je (?:ne )?(?:veux|souhaite|desire) plus (?:recevoir (?:de |d |vos |ces |aucun |aucune )?(?:messages?|nouvelles|offres|communications?)|etre contactee?|etre sollicitee?)(?: de (?:votre|ta) part| par vous)?`,
		`(?:de |veuillez |pouvez vous |priere de )?(?:me (?:retirer|supprimer|desinscrire|desabonner|rayer|enlever)|(?:supprimer|retirer|effacer|supprimez|effacez|retirez) (?:mon numero|mes (?:donnees|coordonnees|informations)(?: personnelles)?|mon (?:compte|profil|cv)))(?: de (?:votre|vos|la|cette|toutes vos) (?:listes?|base|fichiers?|base de donnees|messages)(?: de (?:diffusion|messages))?)?`,
		`(?:de |veuillez |priere de )(?:ne plus (?:me contacter|mecrire|menvoyer (?:de |d |vos )?messages))`,
		`(?:desabonnez|desinscrivez|retirez|supprimez|enlevez|rayez) moi de (?:votre|vos|la|cette) (?:listes?|base|base de donnees)(?: de (?:diffusion|messages))?`,
	)},
	{"es", whole(
		`(?:ya )?no (?:quiero|deseo) (?:seguir recibiendo|recibir)(?: mas| sus)* (?:mensajes|informacion|ofertas|comunicaciones)(?: suyos| de ustedes| suyas)?`,
		`(?:ya )?no (?:quiero|deseo) (?:que me (?:contacten|escriban)|ser contactad[oa])(?: mas)?`,
		`(?:quisiera|me gustaria|solicito|quiero|deseo) (?:que me (?:eliminen|borren|quiten|den de baja)|darme de baja|(?:la )?baja)(?: de (?:su|sus|la|esta) (?:listas?|base de datos))?(?: de (?:distribucion|mensajes))?`,
		`(?:eliminen|borren|eliminar|borrar|elimine|borre) mis datos(?: personales)?(?: de (?:su|la) (?:lista|base de datos|sistema))?`,
		`(?:eliminenme|elimineme|borrenme|borreme|quitenme|quiteme|saquenme|saqueme|denme de baja|deme de baja) de (?:su|sus|la|esta) (?:listas?|base de datos)(?: de (?:distribucion|mensajes))?`,
	)},
	{"nl", whole(
		`ik (?:wil|wens)(?: graag)? (?:niet (?:meer|langer) (?:benaderd|gecontacteerd|gemaild|aangeschreven) worden|geen (?:berichten|informatie|vacatures)(?: van (?:u|jullie))? meer(?: (?:ontvangen|krijgen))?|geen (?:berichten) meer)`,
		`(?:kunt u |kun je |kunnen jullie |wilt u |willen jullie |gelieve )?(?:mij|me|mijn (?:gegevens|nummer|account|profiel))(?: (?:uit|van) (?:uw|jullie|de|deze) (?:lijst|mailinglijst|bestand|bestanden|database|systeem))? (?:te )?(?:verwijderen|uitschrijven|schrappen|afmelden|halen)`,
		`(?:verwijder|schrap|wis) (?:mij|me|mijn (?:gegevens|nummer|account|profiel))(?: (?:uit|van) (?:uw|jullie|de|deze) (?:lijst|mailinglijst|bestand|database|systeem))?`,
		`(?:haal|schrijf) (?:mij|me) (?:van|uit) (?:uw|jullie|de|deze) (?:lijst|mailinglijst)(?: af)?`,
		`schrijf (?:mij|me) uit(?: (?:van|voor|uit) (?:uw|jullie|de|deze) (?:lijst|mailinglijst|berichten))?`,
		`ik wil (?:mij|me)(?: graag)? (?:uitschrijven|afmelden)`,
	)},
}
