package provider

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Refusal tells in which language (BCP 47) a candidate's own words ask that no more messages come: "please stop texting me",
// "keine weiteren Nachrichten bitte". It is "" when they do not.
//
// It is careful in one direction: a clause must be a request to stop and nothing else, apart from courtesies, so that "I can't
// stop thinking about the role", "stop by on Monday" and "please do not text me before 9" are none. What it misses, a person reads.
func Refusal(text string) (language string) {
	return refusal(text, requests)
}

func refusal(text string, known []wording) (language string) {
	for sentence := range strings.FieldsFuncSeq(plain(text), endsSentence) {
		if slices.ContainsFunc(strings.Fields(sentence), conditional) {
			continue
		}
		alone := true // nothing is said beside it
		bare := ""
		for _, clause := range clauses(sentence) {
			if language := request(clause, known); language != "" {
				return language
			}
			if language := bareWord(clause); language != "" {
				bare = language
			} else if clause != "" && !disinterest(clause) {
				alone = false
			}
		}
		if bare != "" && alone && !others(text) {
			return bare
		}
	}
	return ""
}

// others tells whether a text has several sentences: then a single word such as "stop" in one of them may mean anything.
func others(text string) bool {
	said := 0
	for sentence := range strings.FieldsFuncSeq(plain(text), endsSentence) {
		for _, clause := range clauses(sentence) {
			if clause != "" && !disinterest(clause) {
				said++
			}
		}
	}
	return said > 1
}

func endsSentence(r rune) bool { return strings.ContainsRune(".!?;\n…", r) }

// plain writes a text in small letters without accents and apostrophes, with blanks for hyphens within words.
func plain(text string) string {
	fold := strings.NewReplacer("á", "a", "à", "a", "â", "a", "ä", "a", "é", "e", "è", "e", "ê", "e", "ë", "e", "í", "i", "ì", "i", "î", "i", "ï", "i",
		"ó", "o", "ò", "o", "ô", "o", "ö", "o", "ú", "u", "ù", "u", "û", "u", "ü", "u", "ç", "c", "ñ", "n", "ß", "ss", "œ", "oe",
		"'", "", "’", "", "‘", "", "´", "", "`", "", " - ", ", ", "–", ",", "—", ",", "-", " ", "¡", "", "¿", "")
	return fold.Replace(strings.ToLower(text))
}

// clauses divides a sentence where it is divided by commas and by "and" or "but", and takes courtesies and marks out.
func clauses(sentence string) []string {
	for _, joint := range []string{" and ", " but ", " so ", " und ", " aber ", " et ", " mais ", " y ", " pero ", " maar "} {
		sentence = strings.ReplaceAll(sentence, joint, ",")
	}
	for _, courtesy := range []string{"thank you", "s il vous plait", "sil vous plait", "s il te plait", "sil te plait", "por favor", "dank u wel", "dank u", "dank je", "ab sofort", "right now", "vielen dank"} {
		sentence = strings.ReplaceAll(sentence, courtesy, " ")
	}
	var all []string
	for clause := range strings.SplitSeq(sentence, ",") {
		words := strings.FieldsFunc(clause, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		all = append(all, strings.Join(slices.DeleteFunc(words, courteous), " "))
	}
	return all
}

func courteous(word string) bool {
	return slices.Contains([]string{
		"please", "pls", "plz", "kindly", "thanks", "thx", "hi", "hello", "hey", "sorry", "ok", "okay", "just", "now", "immediately", "asap",
		"bitte", "danke", "hallo", "sofort", "jetzt", "endlich", "merci", "bonjour", "svp", "stp", "immediatement", "gracias", "hola",
		"alstublieft", "alsjeblieft", "aub", "ajb", "bedankt", "graag",
	}, word)
}

// conditional tells whether a word makes a request depend on something, so that it is none yet.
func conditional(word string) bool {
	return slices.Contains([]string{
		"if", "unless", "until", "till", "before", "after", "wenn", "falls", "bis", "bevor", "avant", "jusqua", "sauf", "hasta", "antes",
		"salvo", "als", "tenzij", "tot", "voor", "why", "warum", "pourquoi", "waarom",
	}, strings.Trim(word, ",:"))
}

// bareWord knows words that ask to stop when nothing else is said.
func bareWord(clause string) string {
	switch clause {
	case "stop", "stop it", "stop this", "stop that", "unsubscribe", "opt out", "optout":
		return "en"
	case "stopp", "aufhoren", "abmelden", "austragen":
		return "de"
	case "arret", "arrete", "arretez", "desinscription":
		return "fr"
	case "baja", "alto", "parar":
		return "es"
	case "afmelden", "uitschrijven", "hou op", "houd op":
		return "nl"
	}
	return ""
}

// disinterest is what people say beside a request to stop.
func disinterest(clause string) bool {
	return slices.Contains([]string{
		"no", "nope", "enough", "not interested", "im not interested", "i am not interested", "no longer interested", "wrong number", "nein", "kein interesse",
		"non", "pas interesse", "pas interessee", "no me interesa", "nee", "geen interesse",
	}, clause)
}

// request tells in which language a clause, from its first word to its last, is a request to stop.
func request(clause string, known []wording) string {
	for _, r := range known {
		if r.words.MatchString(clause) {
			return r.language
		}
	}
	return ""
}

// wording is what requests look like in a language.
type wording struct {
	language string
	words    *regexp.Regexp
}

// requests are what clauses of a refusal look like once plain and clauses have gone over them.
//
//nolint:gochecknoglobals // constants, compiled once
var requests = []wording{
	{"en", whole(
		`(?:(?:can|could|would|will) you |i want you to |id like you to )?(?:stop|quit|cease) (?:texting|messaging|contacting|writing|writing to|spamming|bothering)(?: (?:me|us|my phone|this number|my number))?(?: again| any ?more)?`,
		`(?:(?:can|could|would|will) you |i want you to )?stop (?:sending|with)(?: me| us)?(?: all| any| more| these| those| the| your| such| of)*(?: text| sms)? ?(?:texts|messages|sms|spam|stuff)(?: to (?:me|this number|my phone))?`,
		`stop (?:all |the |these |your )?(?:texts|messages|text messages|sms)(?: to (?:me|this number))?`,
		`(?:do not|dont|never|no longer) (?:text|message|contact|write|write to|sms) (?:me|us|this number)(?: again| any ?more| any longer| ever again)?`,
		`(?:no|not any) (?:more|further) (?:texts?|messages?|text messages|sms|texting|contact)`,
		`(?:can you |could you )?(?:remove|take|delete|drop|unsubscribe) (?:me|us|my (?:phone |mobile )?number|this number)(?: (?:from|off|out of) (?:your|the|this|all|these|any)(?: (?:contact|text|texting|mailing|sms))? (?:lists?|texts|messages|database|system|records))?`,
		`opt me out(?: of (?:this|these|all|your) (?:texts|messages))?`,
		`unsubscribe from (?:this|these|all|your)(?: texts| messages| list)?`,
		`(?:i want|i wish|i would like|id like|i need) to (?:unsubscribe|opt out|be (?:removed|taken off)(?: (?:from|off))?(?: (?:your|the|this) list)?|stop (?:receiving|getting) (?:these|your|any|all)?(?: more)? ?(?:texts|messages|sms))`,
		`i (?:do not|dont) (?:want|wish)(?: to)?(?: (?:get|receive))?(?: any| these| your)?(?: more| further)? (?:texts|messages|sms|text messages)(?: from you)?(?: any ?more)?`,
		`(?:leave me alone|lose my number)`,
	)},
	{"de", whole(
		`keine? (?:weiteren?|mehr) (?:sms|nachrichten?|textnachrichten|kontakt)(?: (?:mehr|senden|schicken))?`,
		`keine (?:sms|nachrichten|textnachrichten) mehr(?: (?:an mich|senden|schicken|von ihnen|von euch))?`,
		`(?:schreib|schreibt|schreiben|texten|kontaktieren|kontaktiert|kontaktiere)(?: sie)? (?:mir|mich|uns) (?:nicht|nie) (?:mehr|wieder)`,
		`(?:mir|mich) nicht mehr (?:schreiben|kontaktieren|anschreiben|texten)`,
		`(?:sende|sendet|senden|schick|schickt|schicken)(?: sie)? mir keine(?: weiteren)? (?:sms|nachrichten|textnachrichten)(?: mehr)?`,
		`(?:hor|hort|horen)(?: sie)? (?:auf|damit auf|auf damit)(?: mir zu schreiben| mich (?:zu kontaktieren|anzuschreiben)| mir (?:sms|nachrichten) zu (?:senden|schicken))?`,
		`(?:losch|losche|loschen|loscht|entfern|entferne|entfernen|streichen|nehmen)(?: sie)? (?:mich|meine (?:telefon|handy)?nummer)(?: (?:aus|von)(?: der| ihrer| eurer| dem| ihrem)? (?:liste|verteiler|verteilerliste|datenbank))?(?: raus| heraus)?`,
		`(?:ich )?(?:mochte|will|wunsche) keine (?:weiteren )?(?:sms|nachrichten|textnachrichten)(?: mehr)?(?: (?:erhalten|bekommen|von ihnen))*`,
		`(?:lasst|lass|lassen sie) mich in ruhe`,
	)},
	{"fr", whole(
		`(?:arretez|arrete|arreter|cessez|stop)(?: de)? (?:mecrire|me contacter|me texter|menvoyer(?: des| vos| ces)? (?:sms|messages|textos))`,
		`(?:arretez|stop)(?: aux| avec)?(?: les| vos| ces)? (?:sms|messages|textos)`,
		`(?:ne )?(?:mecrivez|mecris|me contactez|me contacte|me textez) plus(?: jamais)?`,
		`(?:ne )?(?:menvoyez|menvoie) plus(?: de| aucun)? (?:sms|messages?|textos?)`,
		`plus (?:de|aucun) (?:sms|messages?|textos?)`,
		`je ne (?:veux|souhaite|desire) plus (?:recevoir (?:de|vos|ces|aucun) (?:sms|messages?|textos?)|etre contactee?|de (?:sms|messages|textos))(?: de (?:votre|ta) part)?`,
		`(?:desabonnez|desinscrivez|retirez|supprimez|enlevez|rayez) (?:moi|mon numero)(?: de (?:votre|vos|la|cette) (?:listes?|base|fichiers?|base de donnees))?`,
		`(?:je veux|je souhaite|je voudrais) me (?:desabonner|desinscrire)`,
		`laissez moi tranquille`,
	)},
	{"es", whole(
		`(?:deje|deja|dejen|pare|para|paren) de (?:escribirme|contactarme|molestar(?:me)|(?:enviarme|mandarme)(?: mas)? (?:mensajes|sms|textos))`,
		`no me (?:escriba|contacte)[ns]? (?:mas|nunca mas)`,
		`no me (?:envie|envien|envies|mande|manden|mandes) mas(?: (?:mensajes|sms|textos))?`,
		`no (?:mas|quiero mas|quiero recibir mas|deseo recibir mas|deseo mas) (?:mensajes|sms|textos)(?: suyos| de ustedes)?`,
		`(?:quiero |deseo )?(?:darme|deme|denme|dame) de baja(?: de (?:su|la|esta) lista)?`,
		`(?:eliminenme|elimineme|borrenme|borreme|quitenme|quiteme|saquenme|saqueme)(?: de (?:su|la|esta) (?:lista|base de datos))?`,
		`(?:borre|borren|elimine|eliminen|quiten) mi (?:numero|telefono)(?: de (?:su|la|esta) (?:lista|base de datos))?`,
		`dejen?me en paz`,
	)},
	{"nl", whole(
		`(?:stop|stopt u|hou op|houd op)(?: met)? (?:mij |me )?(?:smsen|sms en|appen|te smsen|te appen|berichten (?:te )?sturen|(?:het )?sturen van berichten|(?:deze|die) berichten)`,
		`(?:stuur|stuurt u|wilt u)(?: mij| me)? (?:geen|niet) (?:(?:berichten|smsjes|sms|bericht) meer|meer berichten|meer smsjes)(?: sturen)?`,
		`geen (?:berichten|smsjes|sms) meer(?: sturen)?`,
		`ik wil geen (?:berichten|smsjes|sms)(?: van (?:u|jullie))? meer(?: (?:ontvangen|krijgen))?`,
		`(?:verwijder|schrap) (?:mij|me|mijn nummer)(?: (?:uit|van) (?:uw|jullie|de|deze) (?:lijst|bestand|database))?`,
		`haal (?:mij|me|mijn nummer) (?:van|uit) (?:uw|jullie|de|deze) lijst(?: af)?`,
		`schrijf (?:mij|me) uit`,
		`(?:laat|laten jullie) (?:mij|me) met rust`,
		`(?:sms|app|benader|contacteer) (?:mij|me) niet meer`,
		`neem geen contact meer (?:met (?:mij|me) )?op`,
	)},
}

// whole makes one pattern of several, each of which has to fit from end to end.
func whole(patterns ...string) *regexp.Regexp {
	return regexp.MustCompile(`^(?:` + strings.Join(patterns, "|") + `)$`)
}
