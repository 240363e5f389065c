package instruct

import (
	"encoding/json"
	"testing"
)

func TestNotFound(t *testing.T) {
	for _, value := range []any{
		nil, "", "  ", "-", "—", "N/A", "n.a.", "NA", "null", "None", "unknown", "Unknown.", "(unknown)", "Not found", "not specified", "?", "...", "TBD",
		"unbekannt", "Nicht angegeben", "keine Angabe", "k. A.", "non trouvé", "Inconnue", "desconocido", "No especificado", "non trovato", "неизвестно",
		"Не указано", "не найдено", "nav norādīts", "Nav atrasta", "nezināms", "未知", "不明", "なし", "없음", "YYYY-MM-DD", "<string>",
		"The document does not mention a due date", "not mentioned in the document", "No information found", "Im Dokument nicht angegeben",
	} {
		if !notFound(value) {
			t.Errorf("%q is a value", value)
		}
	}
	for _, value := range []any{
		"0", "no", "Nav Canada", "Nan Goldin", "Noname GmbH", "The Unknown Soldier", "found", "€", "C", "nein", "Not only", "Missing Link Ltd",
		"We do not accept liability for information found on other sites, including those which are linked from this document by its authors.",
		json.Number("0"), false, []any{}, "No. 5",
	} {
		if notFound(value) {
			t.Errorf("%q is none", value)
		}
	}
}
