package instruct

import (
	"cmp"
	"slices"
	"strings"
)

// The words by which instructions are understood, folded as words. Each list holds what is usual in the languages of Europe and in Chinese,
// Japanese and Korean; a verb is known by its beginning.

func beginsWith(w string, stems ...string) bool {
	for _, stem := range stems {
		if strings.HasPrefix(w, stem) {
			return true
		}
	}
	return false
}

// removalWord reports verbs that ask for a key to be taken away, be it for others that take its place.
func removalWord(w string) bool {
	return beginsWith(w,
		"remov", "delet", "drop", "clear", "eras", "strip", "discard", "eliminat", "unset", "omit", "purg", "wip", "rid", "away",
		"replac", "entfern", "losch", "streich", "weglass", "weg", "verwirf", "leere", "ersetz", "supprim", "enlev", "retir", "effac",
		"ote", "elimin", "borra", "borre", "quita", "suprim", "remplac", "reemplaz", "rimuov", "rimuovi", "cancell", "togli", "apag",
		"exclu", "sostitu", "замен", "удал", "убер", "убр", "стер", "очист", "nonem", "aizstaj", "izdzes", "dzes", "iznem", "pasalin",
		"istrin", "usun", "skasuj", "verwijder", "radera", "bort", "slet", "poista", "删", "除", "移", "削", "消", "삭제", "제거", "지워")
}

// renameWord reports verbs that ask for a key to get another name, and for nothing else.
func renameWord(w string) bool {
	return beginsWith(w,
		"renam", "umbenenn", "benenn", "renomm", "renombr", "rinomin", "renome", "переимен", "parsauc", "pardev", "przemian", "hernoem")
}

// moveWord reports verbs that can ask for that too.
func moveWord(w string) bool {
	return beginsWith(w,
		"mov", "call", "nenne", "verschieb", "deplac", "appel", "muev", "llam", "spost", "chiam", "перенес", "назов", "parviet",
		"nosauc", "przenie", "verplaats", "改", "移", "바꾸", "바꿔", "변경")
}

// changeWord reports verbs that ask for a change. Of a key they speak only together with a word for keys.
func changeWord(w string) bool {
	return beginsWith(w,
		"replac", "chang", "convert", "transform", "switch", "turn", "becom", "instead", "translat", "lowercas", "uppercas", "capital",
		"camel", "snake", "kebab", "normal", "ersetz", "ander", "wandl", "ubersetz", "remplac", "traduis", "cambi", "reemplaz", "traduc",
		"sostitu", "mud", "замен", "измен", "перевед", "aizstaj", "nomain", "main", "tulko", "zmien", "zamien", "verander", "vertaal",
		"换", "变", "変", "換")
}

// otherVerb reports verbs that ask for something else. They show that the instruction is in a language whose verbs are known.
func otherVerb(w string) bool {
	return beginsWith(w,
		"set", "add", "mark", "put", "appen", "extract", "find", "fill", "get", "read", "list", "summar", "make", "updat", "correct",
		"fix", "split", "tag", "describ", "classif", "detect", "determin", "creat", "give", "writ", "tell", "what", "who", "when",
		"which", "how", "is", "use", "store", "save", "record", "note", "identif", "setz", "fug", "trag", "schreib", "extrah", "lies",
		"erstell", "korrigier", "erganz", "gib", "bestimm", "ermittel", "was", "wer", "wann", "wie", "welche", "fass", "mets", "ajout",
		"extrai", "trouv", "ecri", "marque", "defini", "rempli", "lis", "quel", "qui", "combien", "comment", "cuant", "quant", "pon", "anad", "agreg", "extra", "encuentr",
		"escrib", "marc", "establec", "cual", "quien", "imposta", "aggiung", "estra", "trova", "scriv", "segna", "leggi", "qual",
		"установ", "добав", "извле", "наид", "запиш", "отмет", "укаж", "напиш", "какои", "кто", "сколько", "iestat", "pievien", "izvelc", "atrod",
		"ieraksti", "atzim", "noskaidro", "kas", "kad", "cik", "设", "添", "加", "提", "取", "写", "設", "追", "抽", "추가", "설정", "추출")
}

// knownVerb reports whether the verb of an instruction is one of those above.
func knownVerb(w string) bool {
	return removalWord(w) || keepWord(w) || renameWord(w) || moveWord(w) || changeWord(w) || otherVerb(w)
}

// allWord reports words for all of a kind.
func allWord(w string) bool {
	switch w {
	case "all", "every", "each", "any", "alle", "allen", "aller", "alles", "jede", "jeden", "jeder", "jedes", "tous", "toutes", "tout",
		"toute", "chaque", "todos", "todas", "todo", "toda", "cada", "tutti", "tutte", "tutto", "tutta", "ogni", "все", "всех", "каждыи",
		"visus", "visas", "visu", "visi", "katru", "wszystkie", "kazde", "kazdy", "alla", "全部", "所有", "全", "모든":
		return true
	}
	return false
}

// totalWord reports words for everything there is.
func totalWord(w string) bool {
	switch w {
	case "everything", "alles", "tutto", "tudo", "rest", "else", "ubrige", "ubrigen", "reste", "resto", "остальное", "остальные",
		"остальных", "parejo", "parejos", "parejas", "viska", "reszte":
		return true
	}
	return false
}

// keyNoun reports words for the keys of metadata in general.
func keyNoun(w string) bool {
	switch w {
	case "key", "keys", "field", "fields", "metadata", "entry", "entries", "value", "values", "property", "properties", "attribute",
		"attributes", "data", "schlussel", "feld", "felder", "metadaten", "eintrag", "eintrage", "werte", "eigenschaften", "champ",
		"champs", "metadonnees", "cle", "cles", "entrees", "valeurs", "campo", "campos", "metadatos", "clave", "claves", "valores",
		"campi", "metadati", "chiavi", "chiave", "valori", "поля", "поле", "ключи", "ключеи", "метаданные", "значения", "lauki",
		"laukus", "metadatus", "atslegas", "vertibas", "klucze", "pola", "metadane", "velden", "sleutels", "키", "字段", "元数据":
		return true
	}
	return false
}

// keepWord reports words behind which stands what is to be kept.
func keepWord(w string) bool {
	switch w {
	case "except", "excepting", "excluding", "but", "besides", "without", "keep", "keeping", "retain", "preserve", "leave", "other",
		"than", "ausser", "behalte", "behalten", "bewahre", "lass", "lasse", "sauf", "excepte", "hormis", "garde", "gardez", "garder",
		"salvo", "excepto", "menos", "conserva", "conservar", "manten", "tranne", "eccetto", "tieni", "mantieni", "кроме", "оставь",
		"оставить", "сохрани", "iznemot", "atstaj", "saglaba", "oprocz", "zachowaj", "behalve", "behoud":
		return true
	}
	return false
}

// negativeWord reports words that turn a verb into its opposite. After a verb, as in German, they are for keepWord.
func negativeWord(w string) bool {
	return slices.Contains([]string{"not", "no", "never", "nothing", "nichts", "rien", "nada", "niente", "ничего", "neko", "don", "dont", "cannot", "mustn", "without", "nicht", "nie", "niemals", "kein", "keine", "ne", "jamais", "sans",
		"nunca", "jamas", "sin", "non", "mai", "senza", "nao", "не", "никогда", "нельзя", "nekad", "nedrikst", "nigdy", "niet", "nooit", "inte", "aldrig", "ikke", "不", "勿", "别"}, w)
}

// joiningWord reports words between two wishes.
func joiningWord(w string) bool {
	return slices.Contains([]string{"and", "then", "but", "und", "dann", "aber", "et", "puis", "mais", "y", "luego", "pero", "e", "poi", "ma", "и", "а", "но", "un", "bet",
		"i", "oraz", "ale", "en", "maar", "och", "og"}, w)
}

// pleadingWord reports words that make a request of a question: "could you please remove the draft?"
func pleadingWord(w string) bool {
	return slices.Contains([]string{"please", "bitte", "kannst", "konntest", "konnen", "konnten", "wurdest", "could", "would", "peux", "pourrais", "pouvez", "pourriez", "puedes", "podrias",
		"puoi", "potresti", "пожалуиста", "можешь", "ludzu", "vari", "prosze", "kun", "kunt"}, w)
}

// pointingWord reports words for what was named before.
func pointingWord(w string) bool {
	return slices.Contains([]string{"them", "it", "both", "these", "those", "one", "ones", "old", "original", "originals", "beide", "beiden", "sie", "ihn", "es", "diese", "alte", "alten", "deux",
		"anciens", "ancien", "ambos", "ambas", "dos", "lo", "los", "entrambi", "due", "vecchi", "оба", "обе", "их", "его", "ее", "старые", "abus", "abas", "tos", "vecos", "oba", "je", "beiden"}, w)
}

// stateWord reports words behind which "clear" says how something is.
func stateWord(w string) bool {
	return slices.Contains([]string{"be", "is", "are", "as", "make", "more", "very", "a", "in"}, w)
}

// onlyWord reports words for nothing but.
func onlyWord(w string) bool {
	switch w {
	case "only", "just", "nur", "bloss", "seulement", "uniquement", "solo", "solamente", "soltanto", "somente", "только", "лишь", "tikai",
		"tylko", "alleen":
		return true
	}
	return false
}

// clearingWord reports verbs that ask for emptiness.
func clearingWord(w string) bool {
	return beginsWith(w,
		"clear", "empty", "wip", "purg", "reset", "leere", "vider", "vide", "vacia", "svuota", "очист", "iztukso")
}

// addingWord reports verbs that ask for something more, beside what is there.
func addingWord(w string) bool {
	return beginsWith(w,
		"add", "append", "includ", "also", "plus", "fug", "erganz", "hinzu", "zusatz", "ajout", "aussi", "anad", "agreg", "tambien", //nolint:misspell // another language
		"aggiung", "anche", "добав", "также", "pievien", "papild", "dodaj", "添", "加", "追", "추가")
}

// conceptOf gives the English name of an everyday key by its name in one of several languages; empty: it is none. It is asked about every word of
// an instruction for every key: a switch costs next to nothing, a table would be made anew each time.
func conceptOf(w string) string { return cmp.Or(documentConcept(w), tradeConcept(w), placeConcept(w)) }

// documentConcept knows keys of what a document is and says.
func documentConcept(w string) string {
	switch w {
	case "author", "autor", "auteur", "autore", "автор", "autors": //nolint:misspell // another language
		return "author"
	case "title", "titel", "titre", "titulo", "titolo", "название", "заголовок", "nosaukums", "virsraksts", "tytuł":
		return "title"
	case "date", "datum", "fecha", "дата", "datums":
		return "date"
	case "status", "statut", "estado", "stato", "статус", "statuss":
		return "status"
	case "tag", "schlagwort", "schlagworte", "schlagworter", "stichworter", "etiquette", "etiquettes", "etiqueta", "etiquetas",
		"etichette", "etichetta", "тег", "теги", "birka", "birkas":
		return "tag"
	case "language", "sprache", "langue", "idioma", "lingua", "язык", "valoda":
		return "language"
	case "summary", "zusammenfassung", "resume", "resumen", "riassunto", "sommario", "резюме", "kopsavilkums":
		return "summary"
	case "description", "beschreibung", "descripcion", "descrizione", "описание", "apraksts": //nolint:misspell // another language
		return "description"
	case "category", "kategorie", "categorie", "categoria", "категория", "kategorija":
		return "category"
	case "subject", "betreff", "objet", "asunto", "oggetto", "тема", "temats":
		return "subject"
	case "note", "notiz", "notizen", "remarque", "nota", "заметка", "piezime", "piezimes":
		return "note"
	case "draft", "entwurf", "brouillon", "borrador", "bozza", "черновик", "melnraksts":
		return "draft"
	case "comment", "kommentar", "commentaire", "comentario", "commento", "комментарии", "komentars":
		return "comment"
	}
	return ""
}

// tradeConcept knows keys of what is bought and sold, and the work for it.
func tradeConcept(w string) string {
	switch w {
	case "number", "nummer", "numero", "номер", "numurs":
		return "number"
	case "amount", "betrag", "montant", "importe", "importo", "сумма", "summa":
		return "amount"
	case "total", "gesamtbetrag", "gesamtsumme", "totale", "итого", "kopsumma":
		return "total"
	case "currency", "wahrung", "devise", "moneda", "valuta", "валюта":
		return "currency"
	case "customer", "kunde", "kunden", "client", "cliente", "клиент", "klients":
		return "customer"
	case "supplier", "vendor", "lieferant", "fournisseur", "proveedor", "fornitore", "поставщик", "piegadatajs":
		return "supplier"
	case "price", "preis", "prix", "precio", "prezzo", "цена", "cena":
		return "price"
	case "year", "jahr", "annee", "ano", "anno", "год", "gads":
		return "year"
	case "department", "abteilung", "departement", "departamento", "dipartimento", "отдел", "nodala":
		return "department"
	case "project", "projekt", "projet", "proyecto", "progetto", "проект", "projekts":
		return "project"
	}
	return ""
}

// placeConcept knows keys of people, and where they are to be found.
func placeConcept(w string) string {
	switch w {
	case "name", "nom", "nombre", "nome", "имя", "vards", "imie":
		return "name"
	case "address", "adresse", "direccion", "indirizzo", "адрес":
		return "address"
	case "phone", "telephone", "telefon", "telefonnummer", "telefono", "телефон", "talrunis":
		return "phone"
	case "city", "stadt", "ville", "ciudad", "citta", "город", "pilseta":
		return "city"
	case "country", "land", "pays", "pais", "paese", "страна", "valsts":
		return "country"
	case "email", "mail", "courriel", "correo", "почта", "epasts":
		return "email"
	}
	return ""
}

// phoneWord reports words for a telephone.
func phoneWord(w string) bool {
	return beginsWith(w, "telefon", "telefoon", "telephon", "telf", "puhelin", "talrun", "телефон", "电话", "電話", "전화") || slices.Contains([]string{"phone", "tel", "mobile", "cellphone",
		"handy", "handynummer", "fax", "movil", "cellulare", "факс", "komorka"}, w)
}

// emailWord reports words for an address of electronic mail.
func emailWord(w string) bool {
	return beginsWith(w, "email", "epast", "courriel", "邮箱", "メール", "이메일")
}

// numberWord reports words for the number of a thing, also at the end of compounds such as Rechnungsnummer.
func numberWord(w string) bool {
	return slices.ContainsFunc([]string{"number", "nummer", "numero", "numurs", "номер", "numer", "numeris", "番号", "号码"}, func(end string) bool { return strings.HasSuffix(w, end) })
}

// contactNoun reports words that follow one of those, and say nothing more.
func contactNoun(w string) bool {
	return slices.Contains([]string{"number", "nummer", "numero", "номер", "numurs", "numer", "nr", "no", "address", "adresse", "adrese"}, w)
}

// addressForm reports forms of address, and titles that stand before names.
func addressForm(w string) bool {
	return slices.Contains([]string{"mr", "mrs", "ms", "miss", "mx", "sir", "rev", "capt", "dr", "doctor", "prof", "professor", "herr", "herrn", "frau", "hr", "fr", "dipl", "ing",
		"mag", "monsieur", "madame", "mademoiselle", "mme", "mlle", "maitre", "sr", "sra", "srta", "senor", "senora", "don", "dona", "dra", "sig", "sigra", "signor", "signora", "dott", "dottssa",
		"ssa", "avv", "eng", "enga", "pan", "pani", "pana", "pania", "panu", "inz", "mgr", "hab", "dhr", "mevr", "mevrouw", "mw", "drs", "herra", "rouva", "fru", "froken", "fil",
		"kungs", "kundze", "господин", "госпожа", "г", "н", "жа", "проф", "д"}, w)
}

// titleWord reports words of keys that ask for such a title, or for one of a work.
func titleWord(w string) bool {
	return beginsWith(w, "title", "titel", "titre", "titul", "titol", "tytul", "nosauk", "virsrakst", "honorif", "salut", "anrede", "civilit", "tratamiento", "tratamento", "звани", "титул",
		"назван", "обращен", "uzrun", "aanhef", "tilltal")
}

// addressWord reports words of keys that ask for a place.
func addressWord(w string) bool {
	return beginsWith(w, "address", "anschrift", "direccion", "domicil", "indirizz", "endereco", "morada", "адрес", "adres", "wohn", "sitz", "siege", "sede", "location", "place", //nolint:misspell // another language
		"lieu", "luogo", "lugar", "miejsc", "mesto", "место", "vieta", "plats", "plaats", "street", "city", "town", "venue", "where", "site") || w == "ort" || placeConcept(w) == "address" || placeConcept(w) == "city"
}

// lackingWord reports words behind which stands what is not wanted: "without titles".
func lackingWord(w string) bool {
	return slices.Contains([]string{"without", "ohne", "sans", "sin", "senza", "sem", "без", "bez", "zonder", "utan", "uden", "uten"}, w)
}

// dateWord reports words of keys whose values are dates.
func dateWord(w string) bool {
	return beginsWith(w, "date", "datum", "day", "deadline", "due", "birth", "born", "issued", "signed", "expir", "until", "fecha", "data", "дата",
		"geburt", "fallig", "termin", "echeance", "vencim", "scaden", "termin", "срок", "日期", "日付")
}

// amountWord reports words of keys whose values are amounts or counts.
func amountWord(w string) bool {
	return beginsWith(w, "total", "amount", "sum", "subtotal", "price", "cost", "tax", "vat", "net", "gross", "quantit", "qty", "count", "pages",
		"betrag", "summe", "preis", "menge", "anzahl", "netto", "brutto", "mwst", "gesamt", "montant", "prix", "nombre", "quantite", //nolint:misspell // another language
		"importe", "precio", "cantidad", "importo", "prezzo", "totale", "valor", "сумм", "цена", "итог", "колич", "summa", "cena", "kop", "skait",
		"金额", "总", "数")
}

// sweepingWord reports words of instructions that are about all values: to correct, to translate, to bring into a form.
func sweepingWord(w string) bool {
	return changeWord(w) || allWord(w) || keyNoun(w) || beginsWith(w, "correct", "fix", "updat", "clean", "format", "korrig", "bericht", "berichtig", "aktualis", "corrig", "actualis", "actualiz",
		"aggiorn", "correg", "исправ", "обнов", "labo", "popraw", "write", "spell", "schreib", "ecri", "escrib", "scriv")
}

// placeWord reports words behind which stands in what something is.
func placeWord(w string) bool {
	return slices.Contains([]string{"in", "inside", "within", "from", "of", "under", "im", "aus", "von", "unter", "innerhalb", "dans", "de", "du", "sous", "en", "del",
		"dentro", "di", "dalla", "dal", "nell", "nella", "nel", "из", "в", "во", "от", "под", "no", "zem", "z", "ze", "w", "van", "uit", "fran", "från", "da", "do"}, w)
}

// articleWord reports articles.
func articleWord(w string) bool {
	return slices.Contains([]string{"the", "der", "die", "das", "dem", "den", "la", "le", "les", "l", "el", "los", "las", "il", "lo", "o", "a"}, w)
}

// formWord reports words of instructions that want values in a form of their own.
func formWord(w string) bool {
	return beginsWith(w, "format", "verbatim", "dd", "mm", "yyyy", "jjjj", "tt", "aaaa", "гггг", "written", "wortlich", "geschrieben", "formato")
}

// numericWord reports words of instructions that want numbers.
func numericWord(w string) bool {
	return beginsWith(w, "numeric", "integer", "decimal", "zahl", "числ", "skaitl")
}

// documentWord reports words for the content of the file.
func documentWord(w string) bool {
	return beginsWith(w, "document", "dokument", "документ", "content", "inhalt", "contenu", "contenido", "contenuto", "conteudo", "содержан", "satur",
		"attachment", "scan", "pdf", "文", "内")
}

// contentVerb reports verbs for what can only be done with the content.
func contentVerb(w string) bool {
	return beginsWith(w,
		"summar", "extract", "zusammenfass", "extrah", "resum", "extrai", "extrae", "riassum", "estra", "резюм", "извле", "kopsavil",
		"izvelc", "摘", "提")
}
