package instruct

import (
	"strings"
	"testing"

	"github.com/satchel-files/satchel"
)

// conformed gives a set, as JSON, in its proper form.
func conformed(t testing.TB, schema, document, instruction, set string) string {
	t.Helper()
	task := Task{Kind: Process, Instruction: instruction, Schema: schema, Text: text(document)}
	j, err := New(newScript()).job(&task, State{})
	if err != nil {
		t.Fatal(err)
	}
	object, err := satchel.ParseJSONObject("set", []byte(set))
	if err != nil {
		t.Fatal(err)
	}
	w := &window{}
	if document != "" {
		w.passages = []*passage{newPassage(1, document)}
	}
	edit := j.wants(&answer{set: object}, w)
	return satchel.CanonicalJSON(edit.Set)
}

func TestConformToSchema(t *testing.T) {
	const one = `{"properties":{"v":%s}}`
	for _, c := range []struct{ name, schema, document, value, want string }{
		{"a number as text", `{"type":"number"}`, "Summe 1.234,50 EUR", `"1.234,50 EUR"`, `{"v":1234.5}`},
		{"a number misread", `{"type":"number"}`, "Kaution: 2.226,00 EUR", `2.226`, `{"v":2226}`},
		{"a number without its point", `{"type":"number"}`, "Summe 1.234,50 EUR", `123450`, `{"v":1234.5}`},
		{"a number that is right", `{"type":"number"}`, "1,234.50", `1234.50`, `{"v":1234.50}`},
		{"a number that was computed", `{"type":"number"}`, "3 and 4", `7`, `{"v":7}`},
		{"a thousand or a fraction", `{"type":"number"}`, "Preis 1.234, Rabatt 0,50", `1.234`, `{"v":1234}`},
		{"a number of millions", `{"type":"number"}`, "rose to 2.4 million euros", `2.4`, `{"v":2400000}`},
		{"a number beside millions", `{"type":"number"}`, "2.4 million, at a rate of 2.4", `2.4`, `{"v":2.4}`},
		{"an integer", `{"type":"integer"}`, "12", `12.0`, `{"v":12}`},
		{"a truth as text", `{"type":"boolean"}`, "", `"yes"`, `{"v":true}`},
		{"a word of an enum", `{"enum":["in-progress","Done"]}`, "", `"In progress"`, `{"v":"in-progress"}`},
		{"unknown is in the enum", `{"enum":["unknown","known"]}`, "", `"Unknown"`, `{"v":"unknown"}`},
		{"not found", `{"type":"string"}`, "", `"N/A"`, `{}`},
		{"one for a list", `{"type":"array","items":{"type":"string"}}`, "", `"a"`, `{"v":["a"]}`},
		{"a list for one", `{"type":"string"}`, "", `["a"]`, `{"v":"a"}`},
		{"a list with gaps", `{"type":"array","items":{"type":"string"}}`, "", `["a",null,"","A","b"]`, `{"v":["a","b"]}`},
		{"an empty list", `{"type":"array"}`, "", `[]`, `{}`},
		{"a number for text", `{"type":"string"}`, "", `17`, `{"v":"17"}`},
		{"a date", `{"type":"string","format":"date"}`, "am 5. März 2026", `"5. März 2026"`, `{"v":"2026-03-05"}`},
		{"a date with a weekday and a time", `{"type":"string","format":"date"}`, "Date: Mon, 3 Nov 2025 16:42", `"Mon, 3 Nov 2025 16:42"`, `{"v":"2025-11-03"}`},
		{"a date with a time", `{"type":"string","format":"date"}`, "Date: Mon, 3 Nov 2025 16:42", `"2025-11-03 16:42"`, `{"v":"2025-11-03"}`},
		{"two dates", `{"type":"string","format":"date"}`, "3 Nov 2025 to 5 Nov 2025", `"3 Nov 2025 to 5 Nov 2025"`, `{"v":"3 Nov 2025 to 5 Nov 2025"}`},
		{"a day of the text's habit", `{"type":"string","format":"date"}`, "from 03/05/2026 to 12/25/2026", `"03/05/2026"`, `{"v":"2026-03-05"}`},
		{"a day in dollars", `{"type":"string","format":"date"}`, "$5 on 03/05/2026", `"03/05/2026"`, `{"v":"2026-03-05"}`},
		{"a day without a habit", `{"type":"string","format":"date"}`, "on 03/05/2026", `"03/05/2026"`, `{"v":"2026-05-03"}`},
		{"day and month swapped", `{"type":"string","format":"date"}`, "am 05.03.2026", `"2026-05-03"`, `{"v":"2026-03-05"}`},
		{"swapped against the habit", `{"type":"string","format":"date"}`, "03/05/2026 and 25/12/2026", `"2026-03-05"`, `{"v":"2026-05-03"}`},
		{"both ways are there", `{"type":"string","format":"date"}`, "5.3.2026 and 3.5.2026", `"2026-05-03"`, `{"v":"2026-05-03"}`},
		{"a day without its year", `{"type":"string","format":"date"}`, "2025. gada 4. marts, līdz 25. martam", `"25. martam."`, `{"v":"2025-03-25"}`},
		{"no day", `{"type":"string","format":"date"}`, "until one of the parties ends it", `"one of the parties ends it"`, `{}`},
		{"unknown, by its name", `{"type":"string","description":"nom du photographe"}`, "", `"Photographe inconnu"`, `{}`},
		{"unknown, by another name", `{"type":"string","description":"title of the record"}`, "", `"Unknown Pleasures"`, `{"v":"Unknown Pleasures"}`},
		{"from nowhere", `{"type":"string","format":"date"}`, "on 5 March 2026", `"2026-03-31"`, `{}`},
		{"a number from nowhere", `{"type":"number"}`, "3 of 4", `1993`, `{}`},
		{"a number for a list, from nowhere", `{"type":"array","items":{"type":"number"}}`, "3 of 4", `1993`, `{}`},
		{"a number for a list", `{"type":"array","items":{"type":"number"}}`, "3 of 4", `3`, `{"v":[3]}`},
		{"a code from nowhere", `{"type":"string"}`, "No. 17", `"INV-0042"`, `{}`},
		{"an address from nowhere", `{"type":"string"}`, "Mail me", `"me@example.com"`, `{}`},
		{"a text in other words", `{"type":"string"}`, "Riga", `"Latvia"`, `{"v":"Latvia"}`},
		{"a word of the question", `{"type":"string","description":"who writes the bill"}`, "BILL no. 1", `"the bill"`, `{}`},
		{"a moment for a day", `{"type":"string","format":"date"}`, "", `"2026-03-05T00:00:00Z"`, `{"v":"2026-03-05"}`},
		{"a moment", `{"type":"string","format":"date-time"}`, "", `"2026-03-05 14:30"`, `{"v":"2026-03-05T14:30:00Z"}`},
		{"a moment with its zone", `{"type":"string","format":"date-time"}`, "", `"2026-03-05T14:30:15+02:00"`, `{"v":"2026-03-05T14:30:15+02:00"}`},
		{"a day for a moment", `{"type":"string","format":"date-time"}`, "", `"5 March 2026"`, `{"v":"2026-03-05T00:00:00Z"}`},
		{"a time", `{"type":"string","format":"time"}`, "", `"14:30"`, `{"v":"14:30:00Z"}`},
		{"inside of objects", `{"type":"object","properties":{"n":{"type":"number"},"s":{"type":"string"}}}`, "", `{"n":"5","s":null}`, `{"v":{"n":5}}`},
		{"an object of nothing", `{"type":"object","properties":{"n":{"type":"number"}}}`, "", `{"n":null}`, `{}`},
		{"a null that a list's object needs", `{"type":"array","items":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":["string","null"]}},"required":["a","b"]}}`,
			"", `[{"a":"x","b":null}]`, `{"v":[{"a":"x","b":null}]}`},
		{"through a reference", `{"$ref":"#/properties/n"}`, "", `"7"`, `{"v":7}`},
		{"one of several", `{"anyOf":[{"type":"number"},{"type":"null"}]}`, "", `"1 234,5"`, `{"v":1234.5}`},
		{"what cannot be read stays for the check", `{"type":"number"}`, "", `"many"`, `{"v":"many"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			schema := strings.Replace(one, "%s", c.schema+`,"n":{"type":"number"}`, 1)
			if got := conformed(t, schema, c.document, "find it", `{"v":`+c.value+`}`); got != c.want {
				t.Errorf("%s became %s, want %s", c.value, got, c.want)
			}
		})
	}
}

func TestConformWithoutSchema(t *testing.T) {
	for _, c := range []struct{ name, instruction, document, set, want string }{
		{"an amount", "get the total", "Total 1,234.50", `{"total":"1,234.50"}`, `{"total":1234.5}`},
		{"an amount with its currency", "get the total", "", `{"total":"1,234.50 EUR"}`, `{"total":"1,234.50 EUR"}`},
		{"wanted as a number", "get the weight as an integer", "", `{"weight":"12 kg"}`, `{"weight":12}`},
		{"digits that are a name", "get the invoice number", "", `{"number":"00417","zip":"20457"}`, `{"number":"00417","zip":"20457"}`},
		{"a written date", "when was it signed", "", `{"signed":"5 March 2026"}`, `{"signed":"2026-03-05"}`},
		{"a date in figures", "get the date", "", `{"date":"05.03.2026","version":"1.2.2026"}`, `{"date":"2026-03-05","version":"1.2.2026"}`},
		{"a form of its own", "get the date in the format DD.MM.YYYY", "", `{"date":"05.03.2026"}`, `{"date":"05.03.2026"}`},
		{"a sentence with a date", "summarize", "", `{"summary":"Signed on 5 March 2026 by both."}`, `{"summary":"Signed on 5 March 2026 by both."}`},
		{"not found", "get all", "", `{"a":"unknown","b":{"c":"-"},"d":"x"}`, `{"d":"x"}`},
		{"millions are in the key", "get all", "rose to 2.4 million euros", `{"revenue_in_million":2.4,"revenue":2.4}`, `{"revenue":2400000,"revenue_in_million":2.4}`},
		{"lost diacritics", "get all", "Frau Sabine Krüger", `{"a":"Sabine Kruger","b":"SABINE"}`, `{"a":"Sabine Krüger","b":"SABINE"}`},
		{"bad keys", "get all", "", `{" a ":"x","":"y","b\u0001":"z"}`, `{"a":"x"}`},
		{"NUL", "get all", "", `{"a":"x\u0000y","l":["\u0000z"]}`, `{"a":"xy","l":["z"]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := conformed(t, "", c.document, c.instruction, c.set); got != c.want {
				t.Errorf("%s became %s, want %s", c.set, got, c.want)
			}
		})
	}
}
