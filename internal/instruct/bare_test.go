package instruct

import "testing"

func TestValuesLoseWhatWasNotAskedFor(t *testing.T) {
	const text = `Mme Odile Brachet, M. Gaspard Teyssier, Dr. Maja Imrie-Holt, 4 Quay Street, 12999 Wexley; Dipl.-Ing. (FH) Anton Reger
Herr Grau; St. Anna Hospital; Mill & Sons Ltd., Rope Walk 9, 12998 Hennay; sage, 5 kg, dried; Board of 3 May 2024, revised; M. Scott Holt
Eng.º Baltasar Noronha; dyr. mgr Anna Koliba, tel. 000 118 445; signed: D. Marlowe, for Mill & Sons: Dora Marlowe; A. Holt; Anna Holt; Arne Holt; L. Brown`
	for _, c := range []struct{ name, schema, set, want string }{
		{"a title", ``, `{"by":"Dr. Maja Imrie-Holt"}`, `{"by":"Maja Imrie-Holt"}`},
		{"a form of address", ``, `{"by":"Mme Odile Brachet"}`, `{"by":"Odile Brachet"}`},
		{"an initial in a text with such forms", ``, `{"by":"M. Gaspard Teyssier"}`, `{"by":"Gaspard Teyssier"}`},
		{"titles with their school", ``, `{"by":"Dipl.-Ing. (FH) Anton Reger"}`, `{"by":"Anton Reger"}`},
		{"a title with its ending", ``, `{"by":"Eng.º Baltasar Noronha"}`, `{"by":"Baltasar Noronha"}`},
		{"a title in small letters, and a telephone", ``, `{"by":"dyr. mgr Anna Koliba, tel. 000 118 445"}`, `{"by":"Anna Koliba"}`},
		{"in a list", ``, `{"by":["Mme Odile Brachet","Dr. Maja Imrie-Holt"]}`, `{"by":["Odile Brachet","Maja Imrie-Holt"]}`},
		{"half of a name", ``, `{"by":"Herr Grau"}`, `{"by":"Herr Grau"}`},
		{"no title", ``, `{"by":"St. Anna Hospital"}`, `{"by":"St. Anna Hospital"}`},
		{"a title that is asked for", `{"properties":{"by":{"type":"string","description":"name and title"}}}`, `{"by":"Dr. Maja Imrie-Holt"}`, `{"by":"Dr. Maja Imrie-Holt"}`},
		{"one that is not wanted", `{"properties":{"by":{"type":"string","description":"name without title"}}}`, `{"by":"Dr. Maja Imrie-Holt"}`, `{"by":"Maja Imrie-Holt"}`},
		{"an address", ``, `{"firm":"Mill & Sons Ltd., Rope Walk 9, 12998 Hennay"}`, `{"firm":"Mill & Sons Ltd."}`},
		{"both", ``, `{"by":"Dr. Maja Imrie-Holt, 4 Quay Street, 12999 Wexley"}`, `{"by":"Maja Imrie-Holt"}`},
		{"an address that is asked for", ``, `{"address":"Mill & Sons Ltd., Rope Walk 9, 12998 Hennay"}`, `{"address":"Mill & Sons Ltd., Rope Walk 9, 12998 Hennay"}`},
		{"a measure", ``, `{"goods":"sage, 5 kg, dried"}`, `{"goods":"sage, 5 kg, dried"}`},
		{"a date", ``, `{"rules":"Board of 3 May 2024, revised"}`, `{"rules":"Board of 3 May 2024, revised"}`},
		{"an initial", ``, `{"by":"D. Marlowe"}`, `{"by":"Dora Marlowe"}`},
		{"an initial of two", ``, `{"by":"A. Holt"}`, `{"by":"A. Holt"}`},
		{"an initial of nobody else", ``, `{"by":"L. Brown"}`, `{"by":"L. Brown"}`},
	} {
		if got := conformed(t, c.schema, text, "Find what is asked for.", c.set); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, got, c.want)
		}
	}
}
