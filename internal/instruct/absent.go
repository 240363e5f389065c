package instruct

import "strings"

// notFound reports values by which a model says that there is none: nothing, dashes, and the words for it in the usual languages.
func notFound(value any) bool {
	text, ok := value.(string)
	return value == nil || ok && (blankValue(text) || missingWord(text) || missingSentence(text) || placeholder(text))
}

// blankValue reports text without a letter or digit, and what programs write for nothing. No instruction makes a value of these.
func blankValue(text string) bool {
	switch foldText(text, asCode) {
	case "":
		return !strings.ContainsFunc(text, symbol)
	case "null", "nil", "undefined", "na":
		return true
	}
	return false
}

// symbol reports characters that can be a value of their own, such as a currency.
func symbol(r rune) bool { return strings.ContainsRune("€$£¥₽%+#&@", r) || r > 0x2100 }

// missingWord reports the words for something that is not known.
func missingWord(text string) bool {
	switch foldText(text, asWords) {
	case "none", "unknown", "not found", "not available", "not specified", "not mentioned", "not provided", "not stated", "not given",
		"not applicable", "not present", "unspecified", "no data", "no value", "no information", "tbd",
		"unbekannt", "nicht gefunden", "nicht angegeben", "nicht vorhanden", "nicht verfugbar", "nicht bekannt", "nicht genannt",
		"keine angabe", "keine angaben", "k a", "entfallt",
		"inconnu", "inconnue", "non trouve", "non trouvee", "non specifie", "non specifiee", "non indique", "non indiquee", "non disponible",
		"non precise", "non renseigne", "aucun", "aucune", "neant",
		"desconocido", "desconocida", "no encontrado", "no encontrada", "no especificado", "no especificada", "no disponible", "ninguno",
		"ninguna", "no indicado", "no consta",
		"sconosciuto", "sconosciuta", "non trovato", "non trovata", "non specificato", "non specificata", "non indicato", //nolint:misspell // another language
		"nessuno", "nessuna", "desconhecido", "nao encontrado", "nao especificado", "nao informado",
		"неизвестно", "неизвестен", "не наидено", "не указано", "не указана", "не указан", "нет данных", "отсутствует",
		"nezinams", "nav zinams", "nav noradits", "nav noradita", "nav atrasts", "nav atrasta", "nav pieejams", "nav datu", "nav",
		"onbekend", "niet gevonden", "niet vermeld", "nieznany", "nie znaleziono", "brak", "brak danych", "okand", "ukendt", "ukjent",
		"未知", "无", "無", "不明", "未提及", "未找到", "未提供", "没有", "なし", "該当なし", "\u110b\u1165\u11b9\u110b\u1173\u11b7":
		return true
	}
	return false
}

const maxMissing = 90 // bytes of a sentence that says that something is missing

// missingSentence reports short sentences such as "The document does not mention a due date".
func missingSentence(text string) bool {
	words := strings.Fields(foldText(text, asWords))
	if len(text) > maxMissing || len(words) < 3 {
		return false
	}
	negative, verb := -1, -1
	for i, w := range words {
		switch w {
		case "not", "no", "nicht", "keine", "kein", "non", "pas", "не", "нет", "nav", "nie", "niet":
			negative = i
		case "mention", "mentioned", "specified", "provided", "stated", "found", "given", "available", "contain", "contains", "information",
			"angegeben", "gefunden", "genannt", "erwahnt", "enthalt", "vorhanden", "specifie", "mentionne", "trouve", "indique",
			"especificado", "encontrado", "mencionado", "specificato", "trovato", "indicato", "указано", "указана", "наидено", "noradits", //nolint:misspell // another language
			"noradita", "minets", "atrasts":
			verb = i
		}
	}
	about := words[0] == "not" || words[0] == "no" || words[0] == "nav" || words[0] == "keine" || strings.Contains(strings.Join(words, " "), "document") ||
		strings.Contains(strings.Join(words, " "), "dokument") || words[0] == "nicht"
	return negative >= 0 && verb >= 0 && about
}

// placeholder reports patterns that a model copied out of what it was told, in the place of values.
func placeholder(text string) bool {
	switch strings.ToLower(strings.Trim(strings.TrimSpace(text), "<>[]{}")) {
	case "yyyy-mm-dd", "yyyy-mm", "dd.mm.yyyy", "0000-00-00", "string", "value", "number", "date", "...", "…", "key":
		return true
	}
	return false
}
